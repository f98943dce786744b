"""COSE_Sign1 over CWT claims (RFC 9052, RFC 8392): what both signed families share.

Reading is bounded: the caller limits the bytes, nesting is limited here, and no CBOR tag builds an object of its own
(dates, big numbers, patterns, mail messages and the like stay the plain value that was tagged).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from core.codes.trust import LONGEST_KEY_ID, PublicKey, Trust, TrustedKey, Usage
from core.discreet import Discreet
from core.model import SignatureState

EDDSA, ES256, PS256 = -8, -7, -37
ALG, CRITICAL, KID = 1, 2, 4
ISSUER, SUBJECT, EXPIRES, ISSUED = 1, 2, 4, 6
HCERT = -260
DECLARES = -65_537  # ours: CWT leaves keys below -65536 to private use

TAG_SIGN1, TAG_CWT = 18, 61
DEEPEST = 16
"""Levels of nesting; an EU DCC needs six."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799  # the last second of the year 9999

_ALLOWED = {Usage.DECLARATION: frozenset({EDDSA}), Usage.DCC: frozenset({ES256, PS256})}


class Malformed(ValueError):
    """These bytes are not the signed message that they should be; says nothing of what they hold."""


class Message(Discreet, frozen=True):
    """A COSE_Sign1 taken apart, not yet believed; ``key_id`` is empty when it names none."""

    secret: ClassVar = frozenset({"protected", "payload", "signature"})

    protected: bytes
    payload: bytes
    signature: bytes
    algorithm: int
    key_id: bytes


def read(data: bytes) -> Message:
    """A COSE_Sign1, bare or in its tags; the key id of the protected header goes before the unprotected one's.

    Raises ``Malformed``.
    """
    match _untagged(decode(data)):
        case [bytes(protected), Mapping() as unprotected, bytes(payload), bytes(signature)]:
            header = decode(protected)
        case _:
            raise Malformed("not a COSE_Sign1")
    if not isinstance(header, Mapping) or CRITICAL in header:
        raise Malformed("a header that is no map, or demands what we do not know")
    algorithm = header.get(ALG)
    key_id = header.get(KID, unprotected.get(KID, b""))
    if not isinstance(algorithm, int) or not isinstance(key_id, bytes) or len(key_id) > LONGEST_KEY_ID:
        raise Malformed("a header without algorithm, or with a key id that is none")
    return Message(protected, payload, signature, algorithm, key_id)


def decode(data: bytes) -> object:
    """The CBOR value that these bytes begin with; what follows it is never looked at.  Raises ``Malformed``."""
    try:
        value: object = cbor2.loads(data, semantic_decoders=_PLAIN_TAGS, max_depth=DEEPEST, allow_duplicate_keys=False)
    except (cbor2.CBORDecodeError, ValueError, OverflowError) as error:
        raise Malformed("not CBOR") from error
    return value


def verify(message: Message, trust: Trust, usage: Usage) -> tuple[SignatureState, TrustedKey | None]:
    """Whether a trusted key with this very id signed the message; no other key is tried, and dates do not count."""
    if message.algorithm not in _ALLOWED[usage]:
        return SignatureState.REFUSED, None
    key = trust.find(message.key_id, usage)
    if key is None:
        return SignatureState.SIGNER_UNKNOWN, None
    try:
        _VERIFY[message.algorithm](key.public, message.signature, _signed_bytes(message.protected, message.payload))
    except (InvalidSignature, Malformed):
        return SignatureState.REFUSED, key
    return SignatureState.VERIFIED, key


def sign(key: Ed25519PrivateKey, key_id: bytes, payload: bytes) -> bytes:
    """A COSE_Sign1 by EdDSA in its one canonical form: algorithm and key id protected, nothing unprotected."""
    protected = cbor2.dumps({ALG: EDDSA, KID: key_id})
    return encode(protected, payload, key.sign(_signed_bytes(protected, payload)))


def encode(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The bytes of a tagged COSE_Sign1 with an empty unprotected header."""
    return cbor2.dumps(cbor2.CBORTag(TAG_SIGN1, [protected, {}, payload, signature]))


def moment(value: object) -> datetime | None:
    """A CWT date (seconds since 1970) as a datetime; None when absent; raises ``Malformed``."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        raise Malformed("a date that is none")
    return _EPOCH + timedelta(seconds=int(value))


def seconds(at: datetime) -> int:
    """Whole seconds since 1970 of an aware datetime; raises ``ValueError`` for a naive one."""
    if at.tzinfo is None:
        raise ValueError("a date without its time zone")
    return (at - _EPOCH) // timedelta(seconds=1)


def _untagged(value: object) -> object:
    for tag in (TAG_CWT, TAG_SIGN1):
        if isinstance(value, cbor2.CBORTag) and value.tag == tag:
            value = value.value
    # Inside a tag the library gives tuples, outside lists; both are arrays.
    return value


def _signed_bytes(protected: bytes, payload: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protected, b"", payload])


def _verify_eddsa(public: PublicKey, signature: bytes, data: bytes) -> None:
    assert isinstance(public, Ed25519PublicKey)
    public.verify(signature, data)


def _verify_es256(public: PublicKey, signature: bytes, data: bytes) -> None:
    if not isinstance(public, EllipticCurvePublicKey) or len(signature) != 64:
        raise Malformed("not an ES256 signature by this key")
    pair = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    public.verify(encode_dss_signature(*pair), data, ECDSA(SHA256()))


def _verify_ps256(public: PublicKey, signature: bytes, data: bytes) -> None:
    if not isinstance(public, RSAPublicKey):
        raise Malformed("not a PS256 signature by this key")
    # RFC 8230 asks for a salt as long as the hash; some signers' libraries make it as long as the key allows.
    public.verify(signature, data, PSS(MGF1(SHA256()), PSS.AUTO), SHA256())


_VERIFY: dict[int, Callable[[PublicKey, bytes, bytes], None]] = {
    EDDSA: _verify_eddsa,
    ES256: _verify_es256,
    PS256: _verify_ps256,
}


def _as_it_is(value: object, immutable: bool) -> object:
    return value


# Every tag for which the library would build an object; a test walks the tag numbers and finds no other.
_PLAIN_TAGS = dict.fromkeys(
    (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799), _as_it_is
)
