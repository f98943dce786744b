"""Writes that may be sent again: the same ``Idempotency-Key`` is given the same answer, and nothing happens twice.

The key is the sender's own name for one request.  The answer is kept a day, sealed, in the transaction of the write
itself.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from hub.storage.keyring import Keyring
from hub.storage.store import serialize
from hub.storage.tables import replies

KEPT_FOR = timedelta(days=1)
KEY_AT_MOST = 128


class _Told(msgspec.Struct, frozen=True):
    declaration: int = 0


class Clash(Exception):
    """The key was used for another request before."""


def is_key(text: str) -> bool:
    """Whether a text can name a request: 1 to 128 visible ASCII characters."""
    return 0 < len(text) <= KEY_AT_MOST and text.isascii() and text.isprintable()


def kept(connection: sa.Connection, ring: Keyring, owner: str, key: str, request: bytes) -> bytes | None:
    """What this request was answered before, or None; ``Clash`` when the key named another one.

    Whoever sends the same at the same time waits here until the first has been answered.
    """
    serialize(connection, [_context(owner, key)])
    own = sa.and_(replies.c.owner == owner, replies.c.key == key)
    row = connection.execute(sa.select(replies.c.request, replies.c.body).where(own)).first()
    if row is None:
        return None
    if row.request != _digest(request):
        raise Clash
    return ring.open(row.body, _context(owner, key))


def keep(
    connection: sa.Connection, ring: Keyring, owner: str, key: str, request: bytes, body: bytes, now: datetime
) -> None:
    """Keeps an answer; those that are too old go."""
    connection.execute(sa.delete(replies).where(replies.c.at < now - KEPT_FOR))
    sealed = ring.seal(body, _context(owner, key))
    row = {"owner": owner, "key": key, "request": _digest(request), "body": sealed, "at": now}
    connection.execute(sa.insert(replies).values(row))


def forget(connection: sa.Connection, ring: Keyring, declarations: set[int]) -> int:
    """Lets go of the answers that told of these declarations; they are a day's, so all of them are opened."""
    every = connection.execute(sa.select(replies.c.owner, replies.c.key, replies.c.body)).all()
    told = [
        (row.owner, row.key)
        for row in every
        if msgspec.json.decode(ring.open(row.body, _context(row.owner, row.key)), type=_Told).declaration
        in declarations
    ]
    for owner, key in told:
        connection.execute(sa.delete(replies).where(replies.c.owner == owner, replies.c.key == key))
    return len(told)


def _digest(request: bytes) -> bytes:
    return hashlib.sha256(request).digest()


def _context(owner: str, key: str) -> bytes:
    return f"reply\0{owner}\0{key}".encode()
