"""Figures over time as small lines, drawn here: the path of an SVG 240 wide and 40 high, with gaps for silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from hub.health.health_history import Point

WIDTH, HEIGHT, EDGE = 240, 40, 3
SLOTS = 120
GAP = 2
"""So many empty slots break the line."""


class Spark(msgspec.Struct, frozen=True):
    """One figure: its name, the path, and the least, the most and the last of it in its own unit."""

    name: str
    path: str
    least: float
    most: float
    last: float


FIGURES: tuple[tuple[str, Callable[[Point], float | None]], ...] = (
    ("scans", lambda point: float(point.passes + point.warns + point.others)),
    ("backlog", lambda point: float(point.backlog)),
    ("lookup", lambda point: point.lookup_ms),
    ("decode", lambda point: point.decode_ms),
    ("ahead", lambda point: point.ahead),
    ("sharpness", lambda point: point.sharpness),
    ("fps", lambda point: point.fps),
    ("temperature", lambda point: point.temperature),
    ("radio", lambda point: point.dbm),
)


def sparks(points: Sequence[Point], since: datetime, until: datetime) -> list[Spark]:
    """Every figure that the points have."""
    found = (_spark(name, figure, points, since, until) for name, figure in FIGURES)
    return [each for each in found if each is not None]


def _spark(
    name: str, figure: Callable[[Point], float | None], points: Iterable[Point], since: datetime, until: datetime
) -> Spark | None:
    values = [(point.at, value) for point in points if (value := figure(point)) is not None]
    if not values:
        return None
    figures = [value for _, value in values]
    least, most = min(figures), max(figures)
    return Spark(name, path(values, since, until), least, most, figures[-1])


def path(values: Iterable[tuple[datetime, float]], since: datetime, until: datetime) -> str:
    """The line: of several values within a slot the greatest, so that a peak stays."""
    slot = (until - since) / SLOTS or timedelta(seconds=1)
    highest: dict[int, float] = {}
    for at, value in values:
        place = min(SLOTS, max(0, int((at - since) / slot)))
        highest[place] = max(value, highest.get(place, value))
    least, most = min(highest.values()), max(highest.values())
    drawn, before = [], -SLOTS
    for place, value in sorted(highest.items()):
        height = (value - least) / (most - least) if most > least else 0.0
        x, y = place * WIDTH / SLOTS, HEIGHT - EDGE - height * (HEIGHT - 2 * EDGE)
        drawn.append(f"{'L' if place - before <= GAP else 'M'}{x:g} {y:.1f}")
        before = place
    alone = len(drawn) == 1
    return "".join(drawn) + ("h1" if alone else "")
