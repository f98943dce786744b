"""EU digital COVID certificates, and Vietnam's of the same build: ``HC1:`` + base45 + zlib + COSE_Sign1 over CWT.

Kept are the hash of the certificate's identifier, a masked name and the dates; vaccines, tests and birth dates are
dropped unread.  Source of the format: the EU's technical specifications, volumes 1 and 3, version 1.3.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime

import base45

from core.codes import cose, identity, names
from core.codes.trust import Trust, TrustedKey, Usage
from core.model import CodeKind, Credential, SignatureState, Signed, Subject

KIND = CodeKind.EU_DCC
PREFIX = "HC1:"
LARGEST = 16 * 1024
"""Bytes after inflating; real certificates stay below 1,000."""

GROUPS = ("v", "t", "r")
"""Vaccination, test, recovery: a certificate holds exactly one entry of one of them."""


def read(body: str, trust: Trust, now: datetime) -> Credential:
    """The certificate behind the prefix; what is no certificate at all is a refused one that names nobody."""
    try:
        return _read(body, trust, now)
    except (cose.Malformed, zlib.error, UnicodeError, ValueError):
        return Credential(KIND, signed=Signed(SignatureState.REFUSED, "", None, None, None))


def _read(body: str, trust: Trust, now: datetime) -> Credential:
    message = cose.read(_inflate(base45.b45decode(body)))
    state, key = cose.verify(message, trust, Usage.DCC)
    claims = cose.decode(message.payload)
    if not isinstance(claims, Mapping):
        raise cose.Malformed("not the claims of a certificate")
    group, subject, name = _holder(claims.get(cose.HCERT))
    if not _may_sign(key, group):
        state = SignatureState.REFUSED
    dates = cose.moment(claims.get(cose.ISSUED)), cose.moment(claims.get(cose.EXPIRES))
    signed = Signed(state, message.key_id.hex(), *dates, None)
    return Credential(KIND, subject, names.mask(name), signed=key.narrow(signed, now) if key else signed)


def _inflate(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    whole = stream.decompress(data, LARGEST)
    if not stream.eof or stream.unused_data:
        raise cose.Malformed("too large, cut short, or followed by something")
    return whole


def _holder(hcert: object) -> tuple[str, Subject, str]:
    """Which group the certificate belongs to, whose it is, and the holder's name, family name first."""
    match hcert:
        case {1: {"nam": {"fn": str(family), "gn": str(given)}, **rest}}:
            name = f"{family} {given}"
        case {1: {"nam": {"fn": str(name)}, **rest}} | {1: {"nam": {"gn": str(name)}, **rest}}:
            pass
        case {1: {"nam": {"fnt": str(name)}, **rest}}:
            name = name.replace("<", " ")
        case _:
            raise cose.Malformed("a certificate without a holder")
    for group in GROUPS:
        match rest.get(group):
            case [{"ci": str(identifier)}] if subject := identity.certificate(identifier):
                return group, subject, name
    raise cose.Malformed("a certificate without its identifier")


def _may_sign(key: TrustedKey | None, group: str) -> bool:
    """A signer's certificate may be limited to some groups; one without limits signs all."""
    return key is None or not key.groups or group in key.groups
