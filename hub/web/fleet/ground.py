"""Stations on the ground, drawn by plain coordinates: where each mark stands in a picture, and what stands beside it.

Places are in percent of the picture, sizes in pixels: so a mark is as large and as legible on a phone as on a wall.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import cos, pi, radians, sin, sqrt

import msgspec

from core.model import Area
from hub.register import areas
from hub.register.areas import Point
from hub.web.fleet.lines import Line

WIDTH, HEIGHT = 1_000, 700
"""The picture's shape; what it shows is widened to it."""

KILOMETRES = 111.2
"""A degree of latitude."""

LEAST = 4.0
"""Kilometres that the picture shows at least, from side to side."""

EDGE = 0.12
"""What is left free around everything, of the whole."""

APART = 15.0
"""Pixels between marks that would stand on each other; they are put around their place in the order of seeds."""

TURN = pi * (3 - sqrt(5))
ALONE_AT_MOST = 3
"""So many stations in order at one point have a mark each; more of them share one."""

SCALES = (1, 2, 5, 10, 20, 50, 100)
MAJOR, MINOR = (30.0, 6.0), (9.0, 3.5)
"""How far apart, in percent, labels are that a phone shows too, and those that a desk shows."""

MARGIN = 22.0
"""Percent from either side within which a name is not centred."""

NUMBERED_AT_MOST = 99


class Mark(msgspec.Struct, frozen=True):
    """One station, or several in order at one point; ``number`` is that of its line in the list of troubles, else 0."""

    x: float
    y: float
    right: int
    down: int
    lines: tuple[Line, ...]
    number: int = 0

    @property
    def line(self) -> Line:
        """The station, or the first of several."""
        return self.lines[0]

    @property
    def place(self) -> str:
        """The place that all of them stand at, or nothing."""
        return self._shared("place")

    @property
    def district(self) -> str:
        """The district that all of them stand in, or nothing."""
        return self._shared("district")

    def _shared(self, name: str) -> str:
        found = {getattr(each.view, name) for each in self.lines}
        return found.pop() if len(found) == 1 else ""


class Label(msgspec.Struct, frozen=True):
    """A district's name; ``minor`` ones are left out where there is little room."""

    x: float
    y: float
    name: str
    minor: bool

    @property
    def anchor(self) -> str:
        """Which end of the words stands there, so that they stay within the picture."""
        return "start" if self.x < MARGIN else "end" if self.x > 100 - MARGIN else "middle"


class Ground(msgspec.Struct, frozen=True):
    """The picture: marks, the gravest last so that they lie on top, names, and a scale.

    ``scale`` is kilometres and how many percent of the width they are; ``unknown`` counts stations whose place says
    nothing of where it is.
    """

    marks: tuple[Mark, ...]
    labels: tuple[Label, ...]
    scale: tuple[int, float]
    troubled: tuple[tuple[int, Line], ...]
    unknown: int


class _Window(msgspec.Struct, frozen=True):
    """What the picture shows: its middle, and kilometres from side to side."""

    middle: Point
    wide: float

    def place(self, point: Point) -> Point:
        """Percent from the left and from the top."""
        east, north = _kilometres(self.middle, point)
        return round(50 + 100 * east / self.wide, 2), round(50 - 100 * north / (self.wide * HEIGHT / WIDTH), 2)


def stands(latitude: float | None, longitude: float | None, area: Area) -> Point | None:
    """Where a place is: as it was entered, else the middle of its commune or district."""
    if latitude is not None and longitude is not None:
        return latitude, longitude
    return areas.middle(area)


def drawn(lines: Iterable[Line], where: Mapping[str, Point]) -> Ground:
    """The picture of these stations, the gravest first; ``where`` is each place's point by its code."""
    told = list(lines)
    found = [(where[line.view.place], line) for line in told if line.view.place in where]
    if not found:
        return Ground((), (), (0, 0.0), (), len(told))
    window = _window([point for point, _ in found])
    troubled = [line for _, line in found if line.troubled]
    numbers = {line.name: number for number, line in enumerate(troubled[:NUMBERED_AT_MOST], 1)}
    heaps: dict[Point, list[Line]] = {}
    for point, line in found:
        heaps.setdefault(point, []).append(line)
    marks = [mark for point, heap in heaps.items() for mark in _marks(window.place(point), heap, numbers)]
    marks.sort(key=lambda each: each.line.rank, reverse=True)
    listed = tuple((numbers[line.name], line) for line in troubled if line.name in numbers)
    return Ground(tuple(marks), tuple(_labels(window, found)), _scale(window), listed, len(told) - len(found))


def _kilometres(origin: Point, point: Point) -> Point:
    """East and north of an origin."""
    north = (point[0] - origin[0]) * KILOMETRES
    return (point[1] - origin[1]) * KILOMETRES * cos(radians(origin[0])), north


def _window(points: list[Point]) -> _Window:
    south, north = min(each[0] for each in points), max(each[0] for each in points)
    west, east = min(each[1] for each in points), max(each[1] for each in points)
    middle = ((south + north) / 2, (west + east) / 2)
    right, up = _kilometres(middle, (north, east))
    return _Window(middle, max(LEAST, 2 * right, 2 * up * WIDTH / HEIGHT) * (1 + 2 * EDGE))


def _marks(place: Point, heap: list[Line], numbers: Mapping[str, int]) -> Iterator[Mark]:
    """A mark for each that somebody should look at, from the point outwards; then those that are well."""
    troubled = [line for line in heap if line.troubled]
    well = [line for line in heap if not line.troubled]
    several: list[tuple[Line, ...]] = [(line,) for line in troubled]
    several += [(line,) for line in well] if len(well) <= ALONE_AT_MOST else [tuple(well)]
    for turn, lines in enumerate(several):
        far = APART * sqrt(turn) * (1.9 if turn else 0)
        yield Mark(
            *place,
            round(far * cos(turn * TURN)),
            round(far * sin(turn * TURN)),
            lines,
            numbers.get(lines[0].name, 0),
        )


def _labels(window: _Window, found: Iterable[tuple[Point, Line]]) -> Iterator[Label]:
    """Districts' names above their stations, those with the most of them first, none upon another."""
    within: dict[str, list[Point]] = {}
    for point, line in found:
        if line.view.district_name:
            within.setdefault(line.view.district_name, []).append(window.place(point))
    put: list[Label] = []
    for name, points in sorted(within.items(), key=lambda each: (-len(each[1]), each[0])):
        x, y = round(sum(each[0] for each in points) / len(points), 2), min(each[1] for each in points)
        if _is_free(x, y, put, MINOR):
            minor = not _is_free(x, y, [each for each in put if not each.minor], MAJOR)
            put.append(Label(x, y, name, minor))
    yield from put


def _is_free(x: float, y: float, put: Iterable[Label], apart: Point) -> bool:
    return all(abs(x - each.x) >= apart[0] or abs(y - each.y) >= apart[1] for each in put)


def _scale(window: _Window) -> tuple[int, float]:
    """The longest round length that is at most a quarter of the picture."""
    length = max((each for each in SCALES if each <= window.wide / 4), default=SCALES[0])
    return length, round(100 * length / window.wide, 2)
