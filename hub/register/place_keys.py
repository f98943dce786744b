"""The key that the gates of one place share, so that they agree without the hub: drawn when first asked for, and anew
by hand when one of them was stolen.

It rests under the registry key.  The hub itself never uses it.
"""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa

from core import keys
from hub.storage.keyring import Keyring
from hub.storage.store import insert
from hub.storage.tables import place_keys


def key_of(connection: sa.Connection, ring: Keyring, place: str, now: datetime) -> bytes:
    """The 32 bytes of a place's key, the same whenever it is asked for."""
    fresh = ring.seal(secrets.token_bytes(keys.KEY_BYTES), _context(place))
    drawn = insert(connection, place_keys).values(place=place, sealed=fresh, drawn=now)
    connection.execute(drawn.on_conflict_do_nothing(index_elements=["place"]))
    box = connection.scalar(sa.select(place_keys.c.sealed).where(place_keys.c.place == place))
    assert box is not None
    return ring.open(box, _context(place))


def draw(connection: sa.Connection, ring: Keyring, place: str, now: datetime) -> bytes:
    """Another key in the place of whichever was told before; gates agree again when all of them have it."""
    fresh = secrets.token_bytes(keys.KEY_BYTES)
    values = {"sealed": ring.seal(fresh, _context(place)), "drawn": now}
    drawn = insert(connection, place_keys).values(place=place, **values)
    connection.execute(drawn.on_conflict_do_update(index_elements=["place"], set_=values))
    return fresh


def _context(place: str) -> bytes:
    return b"place key\0" + place.encode()
