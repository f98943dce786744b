"""One person's codes shown at two places too far apart in too little time: somebody else carries a copy.

A code that nobody has registered yet is compared with itself.
The distance is taken between the places' own coordinates, else between the middles of their communes or districts,
which may lie some kilometres off; so it counts only beyond ``NEAR_KM``, and only when what is left could not have been
covered by road, or from ``FLIGHT_KM`` on by air.  Where neither is known nothing is said.  A scan whose clock was a
guess says nothing either, until its time becomes known by an amendment or by a word of its boot.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from hub.register import areas, places
from hub.stations.alarms import raise_alarm
from hub.storage.keyring import Keyring
from hub.storage.tables import people, visits

NEAR_KM = 15.0
FLIGHT_KM = 200.0
BY_ROAD_KMH = 120.0
BY_AIR_KMH = 300.0  # with the hour that leaving and arriving take
WITHIN = timedelta(hours=6)
"""Scans further apart than this can be anywhere in the country."""

CLOCKS_DIFFER_BY = timedelta(minutes=5)


@dataclass(frozen=True, order=True, slots=True)
class Seen:
    """One showing: when, at which place, by which station (empty: the person's own scan)."""

    at: datetime
    place: str
    station: str = ""


Whose = int | bytes
"""A person's id, or the digest of a code that is nobody's yet."""


def too_fast(one: Seen, other: Seen, kilometres: float) -> bool:
    """Whether nobody could have been at both."""
    hours = (abs(other.at - one.at) + CLOCKS_DIFFER_BY) / timedelta(hours=1)
    fastest = BY_ROAD_KMH if kilometres < FLIGHT_KM else BY_AIR_KMH
    return kilometres - NEAR_KM > fastest * hours


def notice(connection: sa.Connection, ring: Keyring, shown: Mapping[Whose, Iterable[Seen]], now: datetime) -> None:
    """Raises an alarm for everybody of whom a scan just taken in cannot go with one before or after it.

    ``shown`` holds the new scans by whose they are; they may be in the table already.  An alarm names station, places
    and times, and the person by a hash of the day alone.
    """
    everything = _around(connection, shown)
    far = {whose: pair for whose, seen in everything.items() if (pair := _impossible(connection, seen)) is not None}
    if not far:
        return
    wanted = sa.select(people.c.id, people.c.key).where(people.c.id.in_(_known(far)))
    keys: dict[Whose, bytes] = {row.id: row.key for row in connection.execute(wanted)}
    for whose, (one, other) in far.items():
        called = "one person's codes" if isinstance(whose, int) else "one code that nobody has registered"
        detail = f"{called} at {one.place} {one.at:%H:%M} and at {other.place} {other.at:%H:%M} UTC"
        facts = {"one": one.place, "one_at": one.at.isoformat(), "other": other.place, "other_at": other.at.isoformat()}
        tag = _tag(ring, keys[whose] if isinstance(whose, int) else whose, other.at)
        raise_alarm(connection, "shared-code", other.station, tag, detail, now, facts=facts)


def notice_moved(connection: sa.Connection, ring: Keyring, moved: sa.ColumnElement[bool], now: datetime) -> None:
    """The same for visits that are held already and whose time has become known only now."""
    wanted = sa.select(*_COLUMNS).where(moved)
    notice(connection, ring, of_visits(connection.execute(wanted).mappings()), now)


_COLUMNS = (visits.c.person, visits.c.identity, visits.c.at, visits.c.place, visits.c.station)


def _known(everybody: Iterable[Whose]) -> list[int]:
    return [whose for whose in everybody if isinstance(whose, int)]


def _around(connection: sa.Connection, shown: Mapping[Whose, Iterable[Seen]]) -> dict[Whose, list[Seen]]:
    times = [seen.at for several in shown.values() for seen in several]
    if not times:
        return {}
    near = sa.and_(visits.c.at.between(min(times) - WITHIN, max(times) + WITHIN), visits.c.dated)
    all_there_are = visits.c.went_in.in_((-1, 0, 1))  # names the index's second column
    of_people = sa.and_(visits.c.person.in_(_known(shown)), all_there_are)
    loose = [whose for whose in shown if isinstance(whose, bytes)]
    of_codes = sa.and_(visits.c.identity.in_(loose), visits.c.person.is_(None))
    found: dict[Whose, set[Seen]] = {whose: set(several) for whose, several in shown.items()}
    for those in (of_people, of_codes):
        for whose, several in of_visits(connection.execute(sa.select(*_COLUMNS).where(those, near)).mappings()).items():
            found[whose].update(several)
    return {whose: sorted(seen) for whose, seen in found.items()}


def _impossible(connection: sa.Connection, seen: list[Seen]) -> tuple[Seen, Seen] | None:
    moves = [(one, other) for one, other in pairwise(seen) if one.place != other.place]
    if not moves:
        return None
    at = {place: _position(connection, place) for move in moves for place in (move[0].place, move[1].place)}
    for one, other in moves:
        here, there = at[one.place], at[other.place]
        if here and there and too_fast(one, other, places.kilometres(here, there)):
            return one, other
    return None


def _position(connection: sa.Connection, code: str) -> areas.Point | None:
    place = places.find(connection, code)
    return None if place is None else places.position(place)


def _tag(ring: Keyring, key: bytes, at: datetime) -> str:
    return hmac.digest(ring.index, b"shared-code\0" + at.date().isoformat().encode() + key, hashlib.sha256)[:8].hex()


def of_visits(values: Iterable[Mapping[str, Any] | sa.RowMapping]) -> dict[Whose, list[Seen]]:
    """Rows of the visits table by whose they are; those that name nobody are left out."""
    shown: dict[Whose, list[Seen]] = {}
    for row in values:
        whose = row["identity"] if row["person"] is None else row["person"]
        if whose is not None:
            shown.setdefault(whose, []).append(Seen(row["at"], row["place"], row["station"] or ""))
    return shown
