"""Where people were and for how long, worked out from their scans: arithmetic, no clock and no database.

A stay begins with a scan in and ends with the first of: a scan out at the same place, a scan anywhere else, the
place's closing time, ``LONGEST`` hours.  Somebody who scans in twice without leaving has been there since the first
time.  A scan out that no scan in went before is a stay of that moment alone.  A checkpoint is passed, not stayed at.
Only scans of people who went in belong here; the caller leaves the others out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

from core.model import Direction
from hub.localtime import HUE

LONGEST = timedelta(hours=16)
"""Nobody counts as inside for longer than this without a scan."""

End = Literal["out", "elsewhere", "closing", "long", "passage", "inside"]
"""How a stay ended: scanned out, seen elsewhere, closed, too long ago, only passed, not ended yet."""

_HOURS = re.compile(r"\s*([01]?\d|2[0-4]):([0-5]\d)\s*[-–]\s*([01]?\d|2[0-4]):([0-5]\d)\s*")


@dataclass(frozen=True, slots=True)
class Scan:
    """One person at one gate; ``who`` is any text that tells people apart."""

    who: str
    place: str
    at: datetime
    direction: Direction = Direction.IN


@dataclass(frozen=True, slots=True)
class Site:
    """What of a place matters here: opening hours as ``05:00-20:00``, and whether it is only passed through."""

    hours: str = ""
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Stay:
    """Somebody at a place from ``since`` to ``until``, both included."""

    who: str
    place: str
    since: datetime
    until: datetime
    end: End


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two people at one place at the same time; ``seconds`` is 0 when only the margin brought them together."""

    who: str
    other: str
    place: str
    since: datetime
    until: datetime

    @property
    def seconds(self) -> int:
        """How long they were there together."""
        return max(0, int((self.until - self.since).total_seconds()))


_ANYWHERE = Site()


def stays(scans: Iterable[Scan], sites: Mapping[str, Site], now: datetime) -> tuple[Stay, ...]:
    """Everybody's stays by ``now``, in the order of people and time; scans after ``now`` are left out."""
    known = sorted((scan for scan in scans if scan.at <= now), key=lambda scan: (scan.who, scan.at, scan.place))
    return tuple(stay for _, own in groupby(known, key=lambda scan: scan.who) for stay in _of_one(own, sites, now))


def _of_one(scans: Iterable[Scan], sites: Mapping[str, Site], now: datetime) -> Iterator[Stay]:
    entered: Scan | None = None
    for scan in scans:
        site = sites.get(scan.place, _ANYWHERE)
        if entered is not None:
            until, end = _gone(entered, sites)
            here = entered.place == scan.place
            if scan.at > until:
                yield Stay(entered.who, entered.place, entered.at, until, end)
                entered = None
            elif here and scan.direction is Direction.IN:
                continue
            else:
                yield Stay(entered.who, entered.place, entered.at, scan.at, "out" if here else "elsewhere")
                entered = None
                if here:
                    continue
        if site.passed or scan.direction is Direction.OUT:
            yield Stay(scan.who, scan.place, scan.at, scan.at, "passage" if site.passed else "out")
        else:
            entered = scan
    if entered is not None:
        until, end = _gone(entered, sites)
        last = (until, end) if until <= now else (now, "inside")
        yield Stay(entered.who, entered.place, entered.at, *last)


def _gone(entered: Scan, sites: Mapping[str, Site]) -> tuple[datetime, End]:
    closes = closing(sites.get(entered.place, _ANYWHERE).hours, entered.at)
    longest = entered.at + LONGEST
    return (closes, "closing") if closes is not None and closes <= longest else (longest, "long")


def closing(hours: str, since: datetime) -> datetime | None:
    """The first closing time after ``since``, in the province's time; None for hours that are not understood."""
    found = _HOURS.fullmatch(hours)
    if found is None:
        return None
    minutes = int(found[3]) * 60 + int(found[4])
    midnight = since.astimezone(HUE).replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + timedelta(minutes=minutes)
    return first if first > since else first + timedelta(days=1)


def during(found: Iterable[Stay], since: datetime, until: datetime) -> tuple[Stay, ...]:
    """The stays that share at least a moment with a window, both ends included."""
    return tuple(stay for stay in found if stay.since <= until and stay.until >= since)


def inside(found: Iterable[Stay], place: str) -> int:
    """How many people are at a place and have not left."""
    return len({stay.who for stay in found if stay.place == place and stay.end == "inside"})


def overlaps(mine: Iterable[Stay], theirs: Iterable[Stay], margin: timedelta = timedelta()) -> tuple[Overlap, ...]:
    """Who was at a place while I was, or within ``margin`` of it; longest together first.

    ``since`` and ``until`` are the later coming and the earlier going, so that ``until`` may lie before ``since``
    by as much as the margin.
    """
    by_place: dict[str, list[Stay]] = {}
    for stay in theirs:
        by_place.setdefault(stay.place, []).append(stay)
    found = [
        Overlap(own.who, other.who, own.place, max(own.since, other.since), min(own.until, other.until))
        for own in mine
        for other in by_place.get(own.place, ())
        if other.who != own.who and other.since <= own.until + margin and other.until >= own.since - margin
    ]
    return tuple(sorted(found, key=lambda one: (-one.seconds, one.since, one.other)))
