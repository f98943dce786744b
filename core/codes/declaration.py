"""Our signed declaration code: ``TQ1:`` + base45 of a COSE_Sign1 by EdDSA over CWT claims.

Claims: issuer (1), subject (2: the code's person key, 16 bytes, in base64url because a CWT subject is text), expires
(4), issued (6) and our own (-65537), an array ``[kind, symptoms]`` with ``edition, province, district, commune`` behind
for an entry, 0 where unknown.  No name and no number of anybody.  At most 150 bytes, so that the picture stays at QR
version 9-L or below.  Copyable like every picture: it proves the declaration, not its bearer.
"""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import TYPE_CHECKING

import base45
import cbor2

from core.codes import cose
from core.codes.trust import Trust, Usage
from core.model import Area, CodeKind, Credential, DeclarationKind, Scheme, SignatureState, Signed, Subject

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KIND = CodeKind.DECLARATION
PREFIX = "TQ1:"
LARGEST = 150
"""Bytes of the whole COSE message."""

LONGEST_TEXT = LARGEST // 2 * 3
PERSON_BYTES = 16
_KINDS = (DeclarationKind.HEALTH, DeclarationKind.ENTRY)
_EDITIONS = (63, 34)
_WIDTHS = (2, 3, 5)
"""Digits of the official codes of province, district and commune."""


def read(body: str, trust: Trust, now: datetime) -> Credential:
    """The declaration behind the prefix; what is no message of ours at all is a refused one that names nobody."""
    try:
        return _read(body, trust, now)
    except (cose.Malformed, UnicodeError, ValueError):
        return Credential(KIND, signed=Signed(SignatureState.REFUSED, "", None, None, None))


def issue(
    key: Ed25519PrivateKey,
    *,
    key_id: bytes,
    issuer: str,
    issued: datetime,
    expires: datetime,
    subject: bytes,
    kind: DeclarationKind,
    symptoms: bool = False,
    origin: Area | None = None,
) -> str:
    """The text of a signed declaration code; dates are cut to whole seconds.

    Raises ``ValueError`` for a subject that is not 16 bytes, an end before the beginning, an origin that is not the
    official codes of an edition or does not belong to an entry, and when the issuer's name (7 bytes fit) is too long.
    """
    if len(subject) != PERSON_BYTES:
        raise ValueError(f"a person key is {PERSON_BYTES} bytes")
    if expires <= issued:
        raise ValueError("a declaration must end after it begins")
    if origin is not None and kind is not DeclarationKind.ENTRY:
        raise ValueError("only an entry has an origin")
    claims = {
        cose.ISSUER: issuer,
        cose.SUBJECT: base64.urlsafe_b64encode(subject).rstrip(b"=").decode(),
        cose.EXPIRES: cose.seconds(expires),
        cose.ISSUED: cose.seconds(issued),
        cose.DECLARES: [_KINDS.index(kind), symptoms, *_numbers(origin)],
    }
    message = cose.sign(key, key_id, cbor2.dumps(claims))
    if len(message) > LARGEST:
        raise ValueError(f"the code would hold {len(message)} bytes, at most {LARGEST}; shorten the issuer's name")
    return PREFIX + str(base45.b45encode(message), "ascii")


def _read(body: str, trust: Trust, now: datetime) -> Credential:
    if len(body) > LONGEST_TEXT:
        raise cose.Malformed("too long")
    data = base45.b45decode(body)
    message = cose.read(data)
    if data != cose.encode(message.protected, message.payload, message.signature):
        raise cose.Malformed("not in canonical form")
    state, key = cose.verify(message, trust, Usage.DECLARATION)
    subject, signed = _claims(cose.decode(message.payload), state, message.key_id)
    return Credential(KIND, subject=subject, signed=signed if key is None else key.narrow(signed, now))


def _claims(claims: object, state: SignatureState, key_id: bytes) -> tuple[Subject, Signed]:
    match claims:
        case {
            cose.ISSUER: str(),
            cose.SUBJECT: str(person),
            cose.EXPIRES: int(expires),
            cose.ISSUED: int(issued),
            cose.DECLARES: [int(kind), bool(symptoms), *numbers],
        } if kind in range(len(_KINDS)):
            declares = _KINDS[kind]
        case _:
            raise cose.Malformed("not the claims of a declaration")
    if numbers and declares is not DeclarationKind.ENTRY:
        raise cose.Malformed("an origin without an entry")
    signed = Signed(
        state, key_id.hex(), cose.moment(issued), cose.moment(expires), declares, symptoms, _origin(numbers)
    )
    return Subject(Scheme.PERSON, _person(person)), signed


def _person(text: str) -> str:
    try:
        person = base64.b64decode(text + "==", b"-_", validate=True)
    except binascii.Error as error:
        raise cose.Malformed("a subject that is no person key") from error
    if len(person) != PERSON_BYTES or base64.urlsafe_b64encode(person).rstrip(b"=").decode() != text:
        raise cose.Malformed("a subject that is no person key")
    return person.hex()


def _numbers(origin: Area | None) -> tuple[int, ...]:
    """An area as edition and official codes in whole numbers, 0 where unknown."""
    if origin is None:
        return ()
    numbers = [int(origin.edition)]
    for code, width in zip((origin.province, origin.district, origin.commune), _WIDTHS, strict=True):
        if code and not (len(code) == width and code.isascii() and code.isdigit() and int(code)):
            raise ValueError("an origin is given by the official codes: province 2 digits, district 3, commune 5")
        numbers.append(int(code or 0))
    if numbers[0] not in _EDITIONS or not numbers[1]:
        raise ValueError("an origin needs an edition of the map (63 or 34) and a province")
    return tuple(numbers)


def _origin(numbers: list[object]) -> Area | None:
    match numbers:
        case []:
            return None
        case [int(edition), int(province), int(district), int(commune)] if edition in _EDITIONS and province:
            codes = (province, district, commune)
        case _:
            raise cose.Malformed("an origin that is no area")
    if not all(0 <= code < 10**width for code, width in zip(codes, _WIDTHS, strict=True)):
        raise cose.Malformed("an origin that is no area")
    return Area(str(edition), *(f"{code:0{width}}" if code else "" for code, width in zip(codes, _WIDTHS, strict=True)))
