"""The hub's own keys, one file each in a folder that only its user may read.

``signing`` signs policy (Ed25519); ``declaring`` signs declaration codes (Ed25519, apart so that it can rotate by
itself); ``sealing`` opens what stations seal (X25519); ``index`` keys the hash by which identities are found;
``registry`` seals their clear values.  Losing ``sealing`` or ``registry`` makes what they sealed unreadable for good.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core import keys
from core.model import Subject
from hub.errors import ConfigError
from hub.storage.seals import Seals
from hub.storage.tables import marks, sealing_keys

_NONCE = 12
_DIGEST = 16  # BLAKE2b keyed (RFC 7693): part of every look-up, and OpenSSL's HMAC costs as much as the look-up itself
_NEW: dict[str, Callable[[], bytes]] = {
    "signing": lambda: keys.new_signing_key()[0],
    "declaring": lambda: keys.new_signing_key()[0],
    "sealing": lambda: keys.new_sealing_key()[0],
    "index": lambda: secrets.token_bytes(keys.KEY_BYTES),
    "registry": lambda: secrets.token_bytes(keys.KEY_BYTES),
}


@dataclass(frozen=True)
class Keyring:
    """Raw 32-byte private keys; see the module for what each is for."""

    signing: bytes = field(repr=False)
    declaring: bytes = field(repr=False)
    sealing: bytes = field(repr=False)
    index: bytes = field(repr=False)
    registry: bytes = field(repr=False)
    seals: Seals = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Holds what opens with the first sealing key until the database says which others there are."""
        object.__setattr__(self, "seals", Seals(self.sealing))

    @property
    def policy_public(self) -> bytes:
        """What stations check policy with."""
        return Ed25519PrivateKey.from_private_bytes(self.signing).public_key().public_bytes_raw()

    @property
    def declaring_public(self) -> bytes:
        """What stations check declaration codes with."""
        return Ed25519PrivateKey.from_private_bytes(self.declaring).public_key().public_bytes_raw()

    @property
    def sealing_public(self) -> bytes:
        """What stations sealed identities and look-ups to at first; ``hub.register.sealing`` knows the present one."""
        return keys.sealing_public(self.sealing)

    @property
    def declaring_pem(self) -> bytes:
        """The same as PEM, for a station's trust folder."""
        public = Ed25519PrivateKey.from_private_bytes(self.declaring).public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def digest(self, subject: Subject) -> bytes:
        """The 16 bytes by which an identity is found, in the core's one spelling.

        Still personal data in the law's eyes; useless without the index key in everybody else's.
        """
        message = f"{subject.scheme.value}\0{subject.value}".encode()
        return hashlib.blake2b(message, key=self.index, digest_size=_DIGEST, person=b"tq-identity-1").digest()

    def phone_digest(self, number: str) -> bytes:
        """The 16 bytes by which a phone's declarations are found; ``number`` as ``phones.spell`` writes it."""
        return hashlib.blake2b(number.encode(), key=self.index, digest_size=_DIGEST, person=b"tq-phone-1").digest()

    def seal(self, plain: bytes, context: bytes) -> bytes:
        """A box for the hub's own tables; ``context`` says where it belongs and is needed to open it."""
        nonce = secrets.token_bytes(_NONCE)
        return nonce + ChaCha20Poly1305(self.registry).encrypt(nonce, plain, context)

    def open(self, box: bytes, context: bytes) -> bytes:
        """What ``seal`` hid; ``ConfigError`` when it was sealed with another registry key."""
        try:
            return ChaCha20Poly1305(self.registry).decrypt(box[:_NONCE], box[_NONCE:], context)
        except InvalidTag as error:
            raise ConfigError("the registry key does not open what it sealed; restore the key folder") from error

    def seal_value(self, subject: Subject) -> bytes:
        """An identity's clear value for the registry's own table, bound to its digest."""
        return self.seal(subject.value.encode(), self.digest(subject))

    def open_value(self, box: bytes, digest: bytes) -> str:
        """What ``seal_value`` hid; ``ConfigError`` when it was sealed with another registry key."""
        return self.open(box, digest).decode()


def load(folder: Path) -> Keyring:
    """The keys of a folder; those that are missing are drawn and written with mode 0600."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Keyring(**{name: _read_or_draw(folder / f"{name}.key", draw) for name, draw in _NEW.items()})
    except OSError as error:
        raise ConfigError(f"key folder {folder}: {error.strerror or error}") from error


def _read_or_draw(path: Path, draw: Callable[[], bytes]) -> bytes:
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(keys.encode_key(draw()) + "\n")
            file.flush()
            os.fsync(file.fileno())
    try:
        return keys.decode_key(path.read_text())
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def tie(connection: sa.Connection, ring: Keyring) -> None:
    """Writes which keys this database was filled with, or checks it: ``ConfigError`` when they are others."""
    own = {
        "sealing": keys.key_id(ring.sealing_public),
        "index": _check(ring.index),
        "registry": _check(ring.registry),
    }
    known = {str(name): str(value) for name, value in connection.execute(sa.select(marks.c.name, marks.c.value))}
    if not known:
        connection.execute(sa.insert(marks), [{"name": name, "value": value} for name, value in own.items()])
        return
    gone = sa.and_(sealing_keys.c.id == known.get("sealing"), sealing_keys.c.erased.is_not(None))
    if connection.scalar(sa.select(sealing_keys.c.id).where(gone)) is not None:
        own.pop("sealing")  # the first key was erased: whatever lies in its place opens nothing
    strange = [name for name, value in own.items() if known.get(name) != value]
    if strange:
        raise ConfigError(
            f"the key folder's {', '.join(strange)} does not belong to this database; "
            "put back the key folder that was used with it"
        )


def _check(key: bytes) -> str:
    return hmac.digest(key, b"tram-quet key check", hashlib.sha256)[:8].hex()
