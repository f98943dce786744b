"""Scans, passes and warnings by hour or day, place and district, as the stations count them themselves: nobody's name.

The figures are of the stations' health, a quarter of an hour each: what a station has not brought in yet is in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from hub.health.health_history import QUARTER
from hub.localtime import HUE
from hub.register.naming import in_order
from hub.storage.health_tables import health_points
from hub.storage.tables import places, stations

_HOUR = 3_600_000_000  # microseconds
_AHEAD = 7  # hours: days begin at midnight of the province's clock
DAILY_FROM = 14
"""From so many days on a bucket is a day, else an hour."""

PLACES_AT_MOST = 100


class Counts(msgspec.Struct, frozen=True):
    """Presentations: all of them, those that passed, those that were warned."""

    scans: int = 0
    passes: int = 0
    warns: int = 0


class Bucket(msgspec.Struct, frozen=True):
    """One hour or day."""

    begins: datetime
    counts: Counts


class Part(msgspec.Struct, frozen=True):
    """One place or district; a district's code is ``edition/code``."""

    code: str
    name: str
    counts: Counts


class Chart(msgspec.Struct, frozen=True):
    """What was asked for: every hour or day without a gap, and the same by place, the busiest first."""

    at: datetime
    daily: bool
    buckets: tuple[Bucket, ...]
    places: tuple[Part, ...]

    @property
    def sum(self) -> Counts:
        """All together."""
        return added(each.counts for each in self.buckets)


def added(several: Iterable[Counts]) -> Counts:
    """The sum of several counts."""
    scans = passes = warns = 0
    for each in several:
        scans, passes, warns = scans + each.scans, passes + each.passes, warns + each.warns
    return Counts(scans, passes, warns)


def chart(connection: sa.Connection, now: datetime, days: int, district: str = "", place: str = "") -> Chart:
    """The last so many days; ``district`` as ``edition/code`` or ``place`` choose some of it."""
    daily, size = days >= DAILY_FROM, _HOUR * (24 if days >= DAILY_FROM else 1)
    shift = _AHEAD * _HOUR if daily else 0
    since = now - timedelta(days=days)
    bucket = ((sa.type_coerce(health_points.c.at, sa.BigInteger) + shift) // size).label("bucket")
    sums = [sa.cast(sa.func.sum(each), sa.BigInteger) for each in _columns()]
    joined = sa.select().select_from(
        health_points.join(stations, stations.c.name == health_points.c.station).join(
            places, places.c.code == stations.c.place
        )
    )
    own = sa.and_(health_points.c.span == QUARTER, health_points.c.at >= since, *_chosen(district, place))
    by_time = joined.add_columns(bucket, *sums).where(own).group_by(bucket)
    held = {row[0]: Counts(*row[1:]) for row in connection.execute(by_time)}
    by_place = joined.add_columns(places.c.code, places.c.name, *sums).where(own).group_by(places.c.code, places.c.name)
    found = [Part(row[0], row[1], Counts(*row[2:])) for row in connection.execute(by_place)]
    first, last = (((int(each.timestamp() * 1e6)) + shift) // size for each in (since, now))
    begins = {number: datetime.fromtimestamp((number * size - shift) / 1e6, HUE) for number in range(first, last + 1)}
    busiest = sorted(found, key=lambda each: (-each.counts.scans, in_order(each.name)))
    buckets = tuple(Bucket(begins[number], held.get(number, Counts())) for number in range(first, last + 1))
    return Chart(now, daily, buckets, tuple(busiest))


def _columns() -> tuple[sa.ColumnElement[int], ...]:
    table = health_points.c
    return table.passes + table.warns + table.others, table.passes, table.warns


def _chosen(district: str, place: str) -> list[sa.ColumnElement[bool]]:
    edition, _, code = district.partition("/")
    chosen = [sa.and_(places.c.edition == edition, places.c.district == code)] if district else []
    return [*chosen, *([places.c.code == place] if place else [])]
