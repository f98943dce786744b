"""The keys that sign declaration codes: one signs, earlier ones are believed until the last code they signed ends.

The first is the key folder's ``declaring``.  Those drawn later rest in the database, sealed, so that every hub on it
signs with the same one at once; when a key is retired its private half is destroyed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core import keys
from hub.storage.keyring import Keyring
from hub.storage.store import serialize
from hub.storage.tables import declaring_keys

CODE_LIVES = timedelta(days=21)
"""How long a declaration's signed code can be believed; how old a declaration may be is the policy's business."""

CLOCKS_DIFFER_BY = timedelta(hours=1)
_CONTEXT = b"declaring key "


def current(connection: sa.Connection, ring: Keyring) -> Ed25519PrivateKey:
    """The key that signs now."""
    columns = sa.select(declaring_keys.c.id, declaring_keys.c.sealed)
    own = connection.execute(columns.where(declaring_keys.c.ends.is_(None))).first()
    raw = ring.declaring if own is None else ring.open(own.sealed, _CONTEXT + own.id.encode())
    return Ed25519PrivateKey.from_private_bytes(raw)


def rotate(connection: sa.Connection, ring: Keyring, now: datetime) -> str:
    """Retires the key that signs, draws the next and gives its id; what was signed stays good until it expires."""
    serialize(connection, [_CONTEXT])
    retired = {"ends": now + CODE_LIVES + CLOCKS_DIFFER_BY, "sealed": None}
    if connection.scalar(sa.select(declaring_keys.c.id).limit(1)) is None:
        first = {"id": keys.key_id(ring.declaring_public), "public": ring.declaring_public, "begins": now}
        connection.execute(sa.insert(declaring_keys).values(**first, **retired))
    connection.execute(sa.update(declaring_keys).where(declaring_keys.c.ends.is_(None)).values(retired))
    private, public = keys.new_signing_key()
    name = keys.key_id(public)
    sealed = ring.seal(private, _CONTEXT + name.encode())
    connection.execute(sa.insert(declaring_keys).values(id=name, public=public, sealed=sealed, begins=now))
    return name


def trusted(connection: sa.Connection, ring: Keyring, now: datetime) -> dict[str, datetime | None]:
    """Ids of all keys that a gate must believe, newest first, and when each ends (None: it signs now)."""
    return {name: ends for name, _, ends in believed(connection, ring, now)}


def pems(connection: sa.Connection, ring: Keyring, now: datetime) -> dict[str, bytes]:
    """The same keys as PEM texts by id, as a station's trust folder holds them."""
    return {name: pem(public) for name, public, _ in believed(connection, ring, now)}


def ended(connection: sa.Connection, now: datetime) -> list[str]:
    """Ids of keys that nobody need believe any more."""
    return list(connection.scalars(sa.select(declaring_keys.c.id).where(declaring_keys.c.ends <= now)))


def pem(public: bytes) -> bytes:
    """A raw public key as PEM."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def believed(connection: sa.Connection, ring: Keyring, now: datetime) -> list[tuple[str, bytes, datetime | None]]:
    """Id, raw public half and end of every key that a gate must believe, newest first; no end: it signs now."""
    signs_now = declaring_keys.c.ends.is_(None)  # the first two began at one moment
    wanted = sa.select(declaring_keys).order_by(signs_now.desc(), declaring_keys.c.begins.desc())
    every = connection.execute(wanted).all()
    if not every:
        return [(keys.key_id(ring.declaring_public), ring.declaring_public, None)]
    return [(row.id, row.public, row.ends) for row in every if row.ends is None or row.ends > now]
