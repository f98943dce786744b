"""The signs and marks of the display as one-bit pictures of any size, drawn large and then made small.

Coordinates are on a square of 36 units.  Every name in ``NAMES`` gives a picture that no other name gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

from PIL import Image, ImageDraw

UNITS: Final = 36
_FINE: Final = 8  # drawn this many times larger, then averaged and cut at one half

Point = tuple[float, float]


class Pen:
    """Draws in units on a fine canvas; ``ink`` False wipes."""

    def __init__(self, size: int) -> None:
        self._scale = size * _FINE / UNITS
        self._image = Image.new("L", (size * _FINE, size * _FINE))
        self._draw = ImageDraw.Draw(self._image)
        self._size = size

    def line(self, points: Sequence[Point], width: float, *, ink: bool = True) -> None:
        """A stroke with round ends and joints."""
        for start, end in pairwise(points):
            self._draw.line(self._at(start, end), fill=_grey(ink), width=round(width * self._scale))
        for point in points:
            self.disc(point, width / 2, ink=ink)

    def area(self, points: Sequence[Point], *, ink: bool = True) -> None:
        """A filled polygon."""
        self._draw.polygon(self._at(*points), fill=_grey(ink))

    def box(self, left: float, top: float, right: float, bottom: float, *, ink: bool = True) -> None:
        """A filled rectangle."""
        self.area([(left, top), (right, top), (right, bottom), (left, bottom)], ink=ink)

    def disc(self, centre: Point, radius: float, *, ink: bool = True) -> None:
        """A filled circle."""
        x, y = centre
        self._draw.ellipse(self._at((x - radius, y - radius), (x + radius, y + radius)), fill=_grey(ink))

    def ring(self, centre: Point, radius: float, width: float) -> None:
        """A circle's line; ``radius`` is its outer edge."""
        self.disc(centre, radius)
        self.disc(centre, radius - width, ink=False)

    def wedge(self, centre: Point, radius: float, start: float, end: float, *, ink: bool = True) -> None:
        """A slice of a circle, degrees clockwise from three o'clock."""
        x, y = centre
        corners = self._at((x - radius, y - radius), (x + radius, y + radius))
        self._draw.pieslice(corners, start, end, fill=_grey(ink))

    def shrink(self, times: float) -> None:
        """Draw everything from now on this much smaller, towards the upper left."""
        self._scale *= times

    def picture(self) -> Image.Image:
        """What was drawn, in its final size, mode ``1``."""
        small = self._image.resize((self._size, self._size), Image.Resampling.BOX)
        return small.point([0] * 128 + [255] * 128, "1")

    def _at(self, *points: Point) -> list[Point]:
        return [(x * self._scale, y * self._scale) for x, y in points]


def _grey(ink: bool) -> int:
    return 255 if ink else 0


def _check(pen: Pen) -> None:
    pen.line([(4, 19), (13.5, 29), (32, 6)], 6.5)


def _cross(pen: Pen) -> None:
    pen.disc((18, 18), 18)
    pen.line([(11, 11), (25, 25)], 5, ink=False)
    pen.line([(25, 11), (11, 25)], 5, ink=False)


def _bang(pen: Pen) -> None:
    pen.line([(18, 4), (33, 32), (3, 32), (18, 4)], 5)
    pen.area([(18, 4), (33, 32), (3, 32)])
    pen.line([(18, 13), (18, 21)], 4.6, ink=False)
    pen.disc((18, 28), 2.6, ink=False)


def _question(pen: Pen) -> None:
    pen.ring((18, 18), 18, 3)
    pen.line([(12.5, 13), (14, 10), (18, 8.6), (22, 10), (23.4, 13.4), (21.6, 16.6), (18, 19), (18, 21.4)], 4)
    pen.disc((18, 27), 2.4)


def _exit(pen: Pen) -> None:
    pen.box(2, 2, 21, 34)
    pen.box(5.5, 5.5, 21, 30.5, ink=False)
    pen.line([(11, 18), (26, 18)], 5.5)
    pen.area([(24, 8), (35.5, 18), (24, 28)])


def _repeat(pen: Pen) -> None:
    """Two arrows that chase each other round."""
    pen.ring((18, 18), 15, 5)
    for start in (-70, 110):
        pen.wedge((18, 18), 20, start, start + 62, ink=False)
        turn = math.radians(start)
        x, y = 18 + 12.5 * math.cos(turn), 18 + 12.5 * math.sin(turn)
        along, out = (-math.sin(turn), math.cos(turn)), (math.cos(turn), math.sin(turn))
        pen.area(
            [
                (x + 7.5 * out[0], y + 7.5 * out[1]),
                (x - 7.5 * out[0], y - 7.5 * out[1]),
                (x + 11 * along[0], y + 11 * along[1]),
            ]
        )


def _wrench(pen: Pen) -> None:
    pen.line([(6, 30), (24, 12)], 7.5)
    pen.disc((26, 10), 10)
    pen.line([(26, 10), (37, -1)], 7.5, ink=False)
    pen.disc((6.2, 29.8), 1.6, ink=False)


def _hourglass(pen: Pen) -> None:
    pen.box(6, 1, 30, 5)
    pen.box(6, 31, 30, 35)
    pen.area([(9, 5), (27, 5), (18, 19)])
    pen.area([(18, 17), (27, 31), (9, 31)])
    pen.area([(18, 21), (22.6, 28.6), (13.4, 28.6)], ink=False)


def _twins(pen: Pen) -> None:
    pen.box(1, 1, 24, 24)
    pen.box(4, 4, 21, 21, ink=False)
    pen.box(9, 9, 36, 36, ink=False)
    pen.box(12, 12, 35, 35)


def _box(pen: Pen) -> None:
    pen.box(1, 1, 35, 35)
    pen.box(4, 4, 32, 32, ink=False)


def _admitted(pen: Pen) -> None:
    _box(pen)
    pen.line([(9, 18.5), (15.5, 25), (27, 10.5)], 4.5)


def _turned_away(pen: Pen) -> None:
    _box(pen)
    pen.line([(10.5, 10.5), (25.5, 25.5)], 4.5)
    pen.line([(25.5, 10.5), (10.5, 25.5)], 4.5)


def _badge(pen: Pen) -> None:
    """A small clock at the lower right: this answer is from earlier."""
    pen.disc((27.5, 27.5), 10.5, ink=False)
    pen.disc((27.5, 27.5), 8.5)
    pen.line([(27.5, 22.5), (27.5, 27.8), (31.4, 27.8)], 2.2, ink=False)


def _with_badge(draw: Callable[[Pen], None]) -> Callable[[Pen], None]:
    def both(pen: Pen) -> None:
        pen.shrink(0.86)
        draw(pen)
        pen.shrink(1 / 0.86)
        _badge(pen)

    return both


def _live(pen: Pen) -> None:
    pen.disc((18, 18), 18)


def _held(pen: Pen) -> None:
    pen.ring((18, 18), 18, 4)
    pen.wedge((18, 18), 18, 90, 270)


def _code(pen: Pen) -> None:
    pen.box(0, 0, 36, 36)
    pen.box(9, 9, 27, 27, ink=False)
    pen.box(15, 15, 21, 21)


def _none(pen: Pen) -> None:
    pen.ring((18, 18), 18, 4)


def _aim(pen: Pen) -> None:
    """Cross-hairs."""
    pen.ring((18, 18), 13, 3)
    for near, far in (((18, 2), (18, 12)), ((18, 24), (18, 34)), ((2, 18), (12, 18)), ((24, 18), (34, 18))):
        pen.line([near, far], 3)
    pen.disc((18, 18), 2.5)


def _linked(pen: Pen) -> None:
    for number, left in enumerate((0, 10, 20, 30)):
        pen.box(left, 27 - 9 * number, left + 6, 36)


def _unlinked(pen: Pen) -> None:
    pen.line([(6, 6), (30, 30)], 5)
    pen.line([(30, 6), (6, 30)], 5)


_DRAWN: Mapping[str, Callable[[Pen], None]] = {
    "check": _check,
    "check-held": _with_badge(_check),
    "exit": _exit,
    "exit-held": _with_badge(_exit),
    "bang": _bang,
    "bang-held": _with_badge(_bang),
    "question": _question,
    "repeat": _repeat,
    "cross": _cross,
    "wrench": _wrench,
    "admitted": _admitted,
    "turned-away": _turned_away,
    "hourglass": _hourglass,
    "twins": _twins,
    "aim": _aim,
    "live": _live,
    "held": _held,
    "code": _code,
    "none": _none,
    "linked": _linked,
    "unlinked": _unlinked,
}

NAMES: Final = tuple(_DRAWN)


@lru_cache(maxsize=64)
def shape(name: str, size: int) -> Image.Image:
    """The named picture, ``size`` × ``size``, mode ``1``; KeyError for a name that is not in ``NAMES``."""
    pen = Pen(size)
    _DRAWN[name](pen)
    return pen.picture()
