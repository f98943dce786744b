"""Keys and seals: what hides an identity from the card and the broker, and what proves the hub's word.

Raw keys are 32 bytes, written as base64 in files and messages.  Sealing a row is HPKE (RFC 9180, base mode,
X25519 + HKDF-SHA256 + ChaCha20Poly1305, the context in ``info``) to the hub's public key; look-ups over MQTT use one
key agreement a connection and an AEAD a message.  Opening what was not sealed for this key and context raises
``ValueError``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import date
from functools import lru_cache

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core import wire
from core.hpke import Agreement

KEY_BYTES = 32
NONCE_BYTES = 12

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
_ROW = b"tram-quet row 1\0"


def decode_key(text: str) -> bytes:
    """32 raw bytes from base64; ``ValueError`` says what is wrong, never what was given."""
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("a key is 32 bytes written as base64 (44 characters)") from error
    if len(raw) != KEY_BYTES:
        raise ValueError(f"a key is 32 bytes written as base64; this one has {len(raw)}")
    return raw


def encode_key(raw: bytes) -> str:
    """Base64 of a raw key."""
    return base64.b64encode(raw).decode()


def key_id(public: bytes) -> str:
    """The short name of a public key: first 8 bytes of its SHA-256, lower-case hex."""
    return hashlib.sha256(public).digest()[:8].hex()


def new_sealing_key() -> tuple[bytes, bytes]:
    """A fresh X25519 pair as raw ``(private, public)``."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def sealing_public(private: bytes) -> bytes:
    """The public half of an X25519 key, raw."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def new_signing_key() -> tuple[bytes, bytes]:
    """A fresh Ed25519 pair as raw ``(private, public)``."""
    private = Ed25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


class Sealer:
    """Seals to one public key: 32 bytes of encapsulated key, then ciphertext and tag (48 bytes more than plain)."""

    def __init__(self, public: bytes) -> None:
        self._public = X25519PublicKey.from_public_bytes(public)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """The box that only the private key's holder opens, and only in the same context."""
        return _SUITE.encrypt(plain, self._public, info=_ROW + context)

    def together(self) -> RowSeals:
        """For rows that are recorded at one go: one key agreement, and a box of its own for each."""
        return RowSeals(self._public)


class RowSeals:
    """Boxes as ``Sealer`` makes them, out of one key agreement; each context once, else ``ValueError``."""

    def __init__(self, public: X25519PublicKey) -> None:
        self._agreement = Agreement(public)

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """A box that opens by itself, as any other."""
        return self._agreement.seal(plain, _ROW + context)


def seal(public: bytes, plain: bytes, context: bytes) -> bytes:
    """One box for one public key; ``Sealer`` when there are many."""
    return Sealer(public).seal(plain, context)


def open_sealed(private: bytes, box: bytes, context: bytes) -> bytes:
    """What ``seal`` hid; ``ValueError`` when the box is not for this key and context."""
    try:
        return _SUITE.decrypt(box, _opening_key(private), info=_ROW + context)
    except (InvalidTag, ValueError) as error:
        raise ValueError("this box was not sealed to this key in this context") from error


@lru_cache(4)  # it works out its public half, which takes half as long as opening a box
def _opening_key(private: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(private)


class AskingChannel:
    """One station's look-ups: a key agreement once, then an AEAD for each ask and answer.

    The ask's id is bound to both boxes, so an answer cannot be taken for another ask's.
    """

    def __init__(self, shared: bytes, station_public: bytes, hub_public: bytes) -> None:
        both = HKDF(hashes.SHA256(), 2 * KEY_BYTES, salt=None, info=b"tram-quet ask 1" + station_public + hub_public)
        material = both.derive(shared)
        self._ask = ChaCha20Poly1305(material[:KEY_BYTES])
        self._answer = ChaCha20Poly1305(material[KEY_BYTES:])

    @classmethod
    def station(cls, private: bytes, hub_public: bytes) -> AskingChannel:
        """The station's end; ``private`` is its asking key, drawn anew at each start."""
        own = X25519PrivateKey.from_private_bytes(private)
        shared = own.exchange(X25519PublicKey.from_public_bytes(hub_public))
        return cls(shared, own.public_key().public_bytes_raw(), hub_public)

    @classmethod
    def hub(cls, private: bytes, station_public: bytes) -> AskingChannel:
        """The hub's end; ``ValueError`` for a key that is no point of the curve."""
        own = X25519PrivateKey.from_private_bytes(private)
        shared = own.exchange(X25519PublicKey.from_public_bytes(station_public))
        return cls(shared, station_public, own.public_key().public_bytes_raw())

    def seal_ask(self, plain: bytes, ask_id: str) -> bytes:
        """The box of one ask."""
        return _seal_with(self._ask, plain, ask_id)

    def open_ask(self, box: bytes, ask_id: str) -> bytes:
        """The ask in the box; ``ValueError`` when it is not one."""
        return _open_with(self._ask, box, ask_id)

    def seal_answer(self, plain: bytes, ask_id: str) -> bytes:
        """The box of the answer to one ask."""
        return _seal_with(self._answer, plain, ask_id)

    def open_answer(self, box: bytes, ask_id: str) -> bytes:
        """The answer in the box; ``ValueError`` when it is not one."""
        return _open_with(self._answer, box, ask_id)


def _seal_with(cipher: ChaCha20Poly1305, plain: bytes, ask_id: str) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, plain, ask_id.encode())


def _open_with(cipher: ChaCha20Poly1305, box: bytes, ask_id: str) -> bytes:
    try:
        return cipher.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], ask_id.encode())
    except (InvalidTag, ValueError) as error:
        raise ValueError("this box was not sealed for this ask") from error


def sign(private: bytes, payload: bytes) -> wire.Signed:
    """A signed document over the exact bytes of ``payload``."""
    key = Ed25519PrivateKey.from_private_bytes(private)
    return wire.Signed(
        payload=base64.b64encode(payload).decode(),
        key=key_id(key.public_key().public_bytes_raw()),
        signature=base64.b64encode(key.sign(payload)).decode(),
    )


def verify(public: bytes, document: wire.Signed) -> bytes:
    """The payload of a document signed by this key; ``ValueError`` says why it is refused."""
    if document.key != key_id(public):
        raise ValueError(f"signed by key {document.key[:16]!r}, expected {key_id(public)}")
    try:
        payload = base64.b64decode(document.payload, validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(base64.b64decode(document.signature, validate=True), payload)
    except (InvalidSignature, binascii.Error, ValueError) as error:
        raise ValueError("the signature does not match the document") from error
    return payload


def new_day_key() -> bytes:
    """A fresh key for one day's tags; destroying it makes that day's tags meaningless."""
    return secrets.token_bytes(KEY_BYTES)


def tag(day_key: bytes, day: date, scheme: str, value: str) -> str:
    """A day-keyed tag of an identity: 32 hex digits that say "same as before today" and nothing else."""
    message = f"{day.isoformat()}\0{scheme}\0{value}".encode()
    return hashlib.blake2b(message, key=day_key, digest_size=16, person=b"tq-day-tag-1").hexdigest()


@lru_cache(8)
def place_day_key(place_key: bytes, day: date) -> bytes:
    """The key of one day's tags between the gates of one place: HKDF of the key that they share and the date."""
    return _from_place(place_key, b"tram-quet place day 1\0" + day.isoformat().encode())


def place_mac(place_key: bytes, payload: bytes) -> str:
    """HMAC-SHA256 of a payload, hex: whoever made it holds the place's key."""
    return hmac.digest(_from_place(place_key, b"tram-quet place word 1"), payload, hashlib.sha256).hex()


@lru_cache(8)
def _from_place(place_key: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=info).derive(place_key)
