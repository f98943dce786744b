"""A station's figures over a day, a week or two months, with their times; and how long things took within the hour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from statistics import fmean

import msgspec

from core.health import BOUNDS, Histogram
from hub.health.health_history import MINUTE, QUARTER, Point
from hub.health.hours import Hour
from hub.localtime import there
from hub.web.fleet.sparks import FIGURES, Spark, sparks

DAYS = (1, 7, 60)
"""What can be looked back at; a day in minutes, the rest in quarters of an hour."""

TICKS = 4
ROWS = 24
SUMMED = ("scans",)


class History(msgspec.Struct, frozen=True):
    """The curves, the words under their axis from left to right, and the same as a table of 24 rows, newest first."""

    days: int
    sparks: tuple[Spark, ...]
    ticks: tuple[str, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


class Bar(msgspec.Struct, frozen=True):
    """One bucket: what it holds in words, how many, and the height of its bar in a hundred."""

    label: str
    count: int
    height: int


def span(days: int) -> int:
    """Seconds of the points that so many days are drawn from."""
    return MINUTE if days == 1 else QUARTER


def history(points: Sequence[Point], days: int, now: datetime) -> History:
    """Everything that the points say."""
    since = now - timedelta(days=days)
    drawn = tuple(sparks(points, since, now))
    ticks = tuple(_said(since + (now - since) * place / TICKS, days) for place in range(TICKS + 1))
    figures = {name: figure for name, figure in FIGURES if any(name == each.name for each in drawn)}
    return History(days, drawn, ticks, tuple(figures), tuple(_rows(points, figures, since, now, days)))


def _rows(
    points: Sequence[Point],
    figures: dict[str, Callable[[Point], float | None]],
    since: datetime,
    now: datetime,
    days: int,
) -> list[tuple[str, tuple[str, ...]]]:
    slots: dict[int, list[Point]] = {}
    for point in points:
        slots.setdefault(min(ROWS - 1, max(0, int((point.at - since) / (now - since) * ROWS))), []).append(point)
    found = []
    for place, within in sorted(slots.items(), reverse=True):
        begins = since + (now - since) * place / ROWS
        found.append((_said(begins, days), tuple(_mean(name, figure, within) for name, figure in figures.items())))
    return found


def _mean(name: str, figure: Callable[[Point], float | None], within: Sequence[Point]) -> str:
    values = [value for point in within if (value := figure(point)) is not None]
    if not values:
        return "–"
    return f"{sum(values):.0f}" if name in SUMMED else f"{fmean(values):.3g}"


def _said(at: datetime, days: int) -> str:
    then = there(at)
    return f"{then:%H:%M}" if days == 1 else f"{then:%d/%m %H:%M}" if days == 7 else f"{then:%d/%m}"  # DAYS


def bars(histogram: Histogram) -> tuple[Bar, ...]:
    """A bar for each bucket, from the first to the last that holds something."""
    counts, most = histogram.counts, max(histogram.counts)
    if not most:
        return ()
    first = next(place for place, count in enumerate(counts) if count)
    last = max(place for place, count in enumerate(counts) if count)
    labels = (*(f"≤ {bound}" for bound in BOUNDS), f"> {BOUNDS[-1]}")
    return tuple(
        Bar(labels[place], counts[place], max(1 if counts[place] else 0, round(100 * counts[place] / most)))
        for place in range(max(0, first - 1), min(len(counts), last + 2))
    )


def lasting(hour: Hour | None) -> list[tuple[str, Histogram, tuple[Bar, ...]]]:
    """Decoding, look-ups and signals of the last hour, those that happened."""
    if hour is None:
        return []
    named = (("decode", hour.decode), ("lookup", hour.lookup), ("signal", hour.signal))
    return [(name, whole, drawn) for name, whole in named if (drawn := bars(whole))]
