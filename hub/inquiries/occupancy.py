"""How full a place is and what its gates saw today: counts, never people.

Inside are those who went in and have not left: a passage, or a warning that the guard admitted; whoever scans out,
scans in elsewhere, stays past the closing time or past ``movements.LONGEST`` is gone.
"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from core.model import Direction, Outcome
from hub.inquiries import tracing
from hub.localtime import HUE
from hub.register.settled import settled
from hub.storage.tables import Instant, places, visits

NEAR = 0.9
"""From this share of its capacity on a place counts as nearly full."""

KEPT = timedelta(seconds=10)
_HOUR = 3_600_000_000  # microseconds; the province's clock differs from UTC by whole hours

Fullness = Literal["unknown", "room", "near", "full"]


class Hour(msgspec.Struct, frozen=True):
    """One hour's scans at a place."""

    begins: datetime
    passed: int = 0
    left: int = 0
    warned: int = 0
    admitted: int = 0
    turned_away: int = 0

    @property
    def undecided(self) -> int:
        """Warnings after which nobody said what happened."""
        return self.warned - self.admitted - self.turned_away


class Occupancy(msgspec.Struct, frozen=True):
    """A place at a moment; ``hours`` are today's from the first scan on."""

    place: str
    name: str
    at: datetime
    inside: int
    capacity: int | None
    hours: tuple[Hour, ...]

    @property
    def fullness(self) -> Fullness:
        """How the number inside stands to the capacity."""
        if not self.capacity:
            return "unknown"
        return "full" if self.inside >= self.capacity else "near" if self.inside >= NEAR * self.capacity else "room"

    @property
    def today(self) -> Hour:
        """All hours together."""
        sums = {name: sum(getattr(hour, name) for hour in self.hours) for name in _COUNTS}
        return Hour(self.at, **sums)


_COUNTS = ("passed", "left", "warned", "admitted", "turned_away")


class Recent:
    """What was counted a moment ago, for the several screens at one place.  For any number of threads."""

    def __init__(self) -> None:
        self._known: dict[str, Occupancy] = {}
        self._lock = threading.Lock()

    def of(self, connection: sa.Connection, place: str, now: datetime) -> Occupancy | None:
        """The place, counted at most ``KEPT`` ago; None when there is no such place."""
        with self._lock:
            known = self._known.get(place)
        if known is not None and now - known.at < KEPT:
            return known
        found = occupancy(connection, place, now)
        if found is not None:
            with self._lock:
                self._known[place] = found
        return found


def occupancy(connection: sa.Connection, place: str, now: datetime) -> Occupancy | None:
    """Counts a place; None when there is no such place."""
    row = connection.execute(sa.select(places).where(places.c.code == place)).first()
    if row is None:
        return None
    today = now.astimezone(HUE).replace(hour=0, minute=0, second=0, microsecond=0)
    inside = tracing.occupancy(connection, place, now)
    return Occupancy(place, row.name, now, inside, row.capacity, _hours(connection, place, today, now))


def _hours(connection: sa.Connection, place: str, since: datetime, until: datetime) -> tuple[Hour, ...]:
    bucket = (sa.type_coerce(visits.c.at, sa.BigInteger) // _HOUR).label("hour")
    kinds = (visits.c.direction, visits.c.outcome, visits.c.went_in)
    wanted = (
        sa.select(bucket, *kinds, sa.func.count().label("scans"))
        .where(visits.c.place == place, visits.c.at >= since, visits.c.at <= until, settled(visits))
        .group_by(bucket, *kinds)
    )
    counts: dict[int, dict[str, int]] = {}
    for row in connection.execute(wanted):
        hour = counts.setdefault(row.hour, dict.fromkeys(_COUNTS, 0))
        for name in _counted(row):
            hour[name] += row.scans
    if not counts:
        return ()
    last = Instant().process_bind_param(until, connection.dialect) or 0
    return tuple(_hour(number, counts.get(number, {})) for number in range(min(counts), last // _HOUR + 1))


def _counted(row: sa.Row[Any]) -> tuple[str, ...]:
    if row.outcome == Outcome.WARN.value:
        return ("warned", *(("admitted",) if row.went_in == 1 else ("turned_away",) if row.went_in == -1 else ()))
    return ("left",) if row.direction == Direction.OUT.value else ("passed",)


def _hour(number: int, counts: dict[str, int]) -> Hour:
    return Hour(datetime.fromtimestamp(number * _HOUR / 1_000_000, HUE), **counts)
