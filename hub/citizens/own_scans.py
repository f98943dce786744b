"""A person's own scan of a posted place code: a destination scan like any gate's, which no station recorded."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from core.model import Direction
from hub.journals import sharing
from hub.register import places
from hub.storage.keyring import Keyring
from hub.storage.store import serialize
from hub.storage.tables import visits

SAME_SCAN = timedelta(minutes=1)
"""A second tap within this is the first one again."""


class Scanned(msgspec.Struct, frozen=True):
    """A scan as it counts: where, which way, when."""

    place: str
    name: str
    direction: Direction
    at: datetime


def scan(
    connection: sa.Connection,
    ring: Keyring,
    person: int,
    text: str,
    now: datetime,
    direction: Direction = Direction.IN,
) -> Scanned:
    """A person's own scan of a posted code; tapped twice it is one.  ``places.NoPlace`` when the code is no place's."""
    place = places.of_posted(connection, text)
    serialize(connection, [b"scan %d" % person])
    own = sa.and_(visits.c.person == person, visits.c.place == place.code, visits.c.station.is_(None))
    same = sa.and_(own, visits.c.direction == direction.value, visits.c.at > now - SAME_SCAN)
    at = connection.scalar(sa.select(visits.c.at).where(same).order_by(visits.c.at.desc()).limit(1))
    if at is None:
        at = now
        seen = {"at": at, "place": place.code, "direction": direction.value, "outcome": "", "went_in": 1}
        connection.execute(sa.insert(visits).values(person=person, **seen))
        sharing.notice(connection, ring, {person: [sharing.Seen(at, place.code)]}, now)
    return Scanned(place.code, place.name, direction, at)
