"""What stations are told of the hub's keys: one signed document, made anew whenever a key begins, ends or is erased.

Its version is the moment it was made, in seconds, and rises in any case: a hub put back from a backup goes on above
what stations have heard already.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from core import keys, wire
from core.announcement import Announcement, DeclaringKey, SealingKey
from hub.register import sealing, signers
from hub.storage.keyring import Keyring
from hub.storage.store import serialize
from hub.storage.tables import announcements

_LOCK = b"announcement"
_signed = msgspec.json.Decoder(wire.Signed)
_announcement = msgspec.json.Decoder(Announcement)


class Announced(msgspec.Struct, frozen=True):
    """The newest document."""

    version: int
    document: bytes


def newest(connection: sa.Connection) -> Announced | None:
    """What stations are to hear now; None before the first was made."""
    last: Any = announcements.c.version.desc()
    row = connection.execute(sa.select(announcements).order_by(last).limit(1)).first()
    return None if row is None else Announced(row.version, row.document)


def is_due(connection: sa.Connection, ring: Keyring, now: datetime) -> bool:
    """Whether the newest document no longer says what is true."""
    return _told(connection, ring) != _true(connection, ring, now)


def renew(connection: sa.Connection, ring: Keyring, now: datetime) -> bool:
    """Makes the next document if one is due; whether it did.  Of several hubs one makes it."""
    serialize(connection, [_LOCK])
    if not is_due(connection, ring, now):
        return False
    before = newest(connection)
    version = max(int(now.timestamp()), before.version + 1 if before is not None else 1)
    declaring, own = _true(connection, ring, now)
    payload = wire.encode(Announcement("keys", version, now, declaring, own))
    document = wire.encode(keys.sign(ring.signing, payload))
    connection.execute(sa.insert(announcements).values(version=version, document=document, published=now))
    connection.execute(sa.delete(announcements).where(announcements.c.version < version))
    return True


def forget(connection: sa.Connection) -> None:
    """Has the next ``renew`` make a document in any case: stations may have heard newer ones than a backup knows."""
    connection.execute(sa.delete(announcements))


Content = tuple[tuple[DeclaringKey, ...], SealingKey]


def _true(connection: sa.Connection, ring: Keyring, now: datetime) -> Content:
    declaring = tuple(
        DeclaringKey(name, keys.encode_key(public), ends)
        for name, public, ends in signers.believed(connection, ring, now)
    )
    own = sealing.current(connection, ring)
    return declaring, SealingKey(own.id, keys.encode_key(own.public))


def _told(connection: sa.Connection, ring: Keyring) -> Content | None:
    """What the newest document says; None when there is none, or none of this hub's signing key."""
    last = newest(connection)
    if last is None:
        return None
    try:
        said = _announcement.decode(keys.verify(ring.policy_public, _signed.decode(last.document)))
    except ValueError:
        return None
    return said.declaring, said.sealing
