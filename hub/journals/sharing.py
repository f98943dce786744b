"""One person's codes shown at two places too far apart in too little time: somebody else carries a copy.

The distance is taken between the places' own coordinates, else between the middles of their communes or districts,
which may lie some kilometres off; so it counts only beyond ``NEAR_KM``, and only when what is left could not have been
covered by road, or from ``FLIGHT_KM`` on by air.  Where neither is known nothing is said.  A scan whose clock was a
guess says nothing either.
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


def too_fast(one: Seen, other: Seen, kilometres: float) -> bool:
    """Whether nobody could have been at both."""
    hours = (abs(other.at - one.at) + CLOCKS_DIFFER_BY) / timedelta(hours=1)
    fastest = BY_ROAD_KMH if kilometres < FLIGHT_KM else BY_AIR_KMH
    return kilometres - NEAR_KM > fastest * hours


def notice(connection: sa.Connection, ring: Keyring, shown: Mapping[int, Iterable[Seen]], now: datetime) -> None:
    """Raises an alarm for everybody of whom a scan just taken in cannot go with one before or after it.

    ``shown`` holds the new scans by person id; they may be in the table already.  An alarm names station, places and
    times, and the person by a hash of the day alone.
    """
    everything = _around(connection, shown)
    far = {person: pair for person, seen in everything.items() if (pair := _impossible(connection, seen)) is not None}
    if not far:
        return
    wanted = sa.select(people.c.id, people.c.key).where(people.c.id.in_(far))
    keys = {row.id: row.key for row in connection.execute(wanted)}
    for person, (one, other) in far.items():
        detail = f"one person's codes at {one.place} {one.at:%H:%M} and at {other.place} {other.at:%H:%M} UTC"
        facts = {"one": one.place, "one_at": one.at.isoformat(), "other": other.place, "other_at": other.at.isoformat()}
        tag = _tag(ring, keys[person], other.at)
        raise_alarm(connection, "shared-code", other.station, tag, detail, now, facts=facts)


def _around(connection: sa.Connection, shown: Mapping[int, Iterable[Seen]]) -> dict[int, list[Seen]]:
    times = [seen.at for several in shown.values() for seen in several]
    if not times:
        return {}
    wanted = sa.select(visits.c.person, visits.c.at, visits.c.place, visits.c.station).where(
        visits.c.person.in_(list(shown)),
        visits.c.went_in.in_((-1, 0, 1)),  # all there are; names the index's second column
        visits.c.at.between(min(times) - WITHIN, max(times) + WITHIN),
    )
    found: dict[int, set[Seen]] = {person: set(several) for person, several in shown.items()}
    for row in connection.execute(wanted):
        found[row.person].add(Seen(row.at, row.place, row.station or ""))
    return {person: sorted(seen) for person, seen in found.items()}


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


def of_visits(values: Iterable[Mapping[str, Any]]) -> dict[int, list[Seen]]:
    """New rows of the visits table by person; those of nobody known are left out."""
    shown: dict[int, list[Seen]] = {}
    for row in values:
        if row["person"] is not None:
            shown.setdefault(row["person"], []).append(Seen(row["at"], row["place"], row["station"] or ""))
    return shown
