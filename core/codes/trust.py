"""Whom a gate believes: public keys of signers of declarations (Ed25519) and of EU DCC (P-256, RSA), by key id.

A certificate's key id is the first 8 bytes of the SHA-256 of its DER; a bare public key has the id that its file's
name spells in hex or base64url.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec.structs import replace

from core.discreet import Discreet
from core.model import Signed

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

PublicKey = Ed25519PublicKey | EllipticCurvePublicKey | RSAPublicKey

LONGEST_KEY_ID = 32
SMALLEST_RSA = 2048
LARGEST_RSA = 8192

_PURPOSES = {
    f"1.3.6.1.4.1.{root}.2021.1.{number}": group
    for root in ("1847", "0.1847")  # the specification's, and the one that its first reference certificates carry
    for number, group in ((1, "t"), (2, "v"), (3, "r"))
}
_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


class Usage(StrEnum):
    """What a key signs; its type alone decides."""

    DECLARATION = "declaration"
    DCC = "dcc"


class TrustedKey(Discreet, frozen=True):
    """One signer's key; a bare key has no dates, a certificate is good from ``since`` through ``until``.

    ``groups`` are the certificate's own limits on what it may sign (``t`` test, ``v`` vaccination, ``r`` recovery);
    empty: no limit.
    """

    secret: ClassVar = frozenset({"public"})

    public: PublicKey
    usage: Usage
    since: datetime | None = None
    until: datetime | None = None
    groups: frozenset[str] = frozenset()

    def narrow(self, signed: Signed, now: datetime) -> Signed:
        """What was signed, ended or not begun at ``now`` when the signer's own certificate is; else as it is.

        The state of the signature is left alone: a signer out of date is no forger, and the gate says which it is.
        """
        if self.until is not None and now > self.until:
            return replace(signed, expires=min(self.until, signed.expires or self.until))
        if self.since is not None and now < self.since:
            return replace(signed, issued=max(self.since, signed.issued or self.since))
        return signed


class Trust(msgspec.Struct, frozen=True):
    """All keys that a gate believes, by key id."""

    keys: Mapping[bytes, TrustedKey] = msgspec.field(default_factory=lambda: MappingProxyType({}))

    def find(self, key_id: bytes, usage: Usage) -> TrustedKey | None:
        """The key with this id, if it may sign this."""
        key = self.keys.get(key_id)
        return key if key is not None and key.usage is usage else None


class KeyRefused(ValueError):
    """A PEM text holds no key that can be trusted; the words say why and what cures it."""


def read_pem(pem: bytes, name: str) -> tuple[tuple[bytes, TrustedKey], ...]:
    """The keys of one PEM text with their ids; ``name`` (a file's, without suffix) is a bare key's id.

    Raises ``KeyRefused``.
    """
    certificates = _CERTIFICATE.findall(pem)
    if certificates:
        return tuple(map(_from_certificate, certificates))
    if b"PRIVATE KEY-----" in pem:
        raise KeyRefused("is a private key; a gate needs the public key only, so take this file off the station")
    return ((key_id(name), _bare(pem)),)


def key_id(name: str) -> bytes:
    """The bytes that a bare key's file name spells: hex if it can be hex, else base64url without or with padding.

    Raises ``KeyRefused``.
    """
    try:
        spelt = bytes.fromhex(name) if len(name) % 2 == 0 and name.isalnum() else b""
    except ValueError:
        spelt = b""
    try:
        spelt = spelt or base64.b64decode(name.rstrip("=") + "=" * (-len(name.rstrip("=")) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError):
        spelt = b""
    if not 0 < len(spelt) <= LONGEST_KEY_ID:
        raise KeyRefused("is a bare key whose file name is no key id; name it by the id in hex or base64url")
    return spelt


def certificate_id(der: bytes) -> bytes:
    """The key id of a certificate: the first 8 bytes of the SHA-256 of its DER."""
    return sha256(der).digest()[:8]


def _bare(pem: bytes) -> TrustedKey:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        public = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyRefused("is neither a PEM certificate nor a PEM public key") from error
    return TrustedKey(*_usable(public))


def _from_certificate(pem: bytes) -> tuple[bytes, TrustedKey]:
    # Certificates are read once, at the start: their library costs a tenth of a second that a gate without any saves.
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import DuplicateExtension, load_pem_x509_certificate

    try:
        certificate = load_pem_x509_certificate(pem)
        public, usage = _usable(certificate.public_key())
        der = certificate.public_bytes(Encoding.DER)
        dates = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return certificate_id(der), TrustedKey(public, usage, *dates, _groups(certificate))
    except KeyRefused:
        raise
    except (ValueError, UnsupportedAlgorithm, DuplicateExtension) as error:
        raise KeyRefused("is a PEM certificate that cannot be read") from error


def _groups(certificate: Certificate) -> frozenset[str]:
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound

    try:
        purposes = certificate.extensions.get_extension_for_class(ExtendedKeyUsage).value
    except ExtensionNotFound:
        return frozenset()
    return frozenset(_PURPOSES[p.dotted_string] for p in purposes if p.dotted_string in _PURPOSES)


def _usable(public: object) -> tuple[PublicKey, Usage]:
    if isinstance(public, Ed25519PublicKey):
        return public, Usage.DECLARATION
    if isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1):
        return public, Usage.DCC
    if isinstance(public, RSAPublicKey) and SMALLEST_RSA <= public.key_size <= LARGEST_RSA:
        return public, Usage.DCC
    raise KeyRefused("holds a key of another kind; trusted are Ed25519, P-256 and RSA of 2048 to 8192 bits")
