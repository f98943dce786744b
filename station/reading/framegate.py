"""Tells cheaply whether anything in front of the camera has moved since a scene that was looked at."""

from __future__ import annotations

from PIL import Image, ImageChops, ImageFilter, ImageStat

from station.reading.plane import Luma, image_of

SAMPLES = (96, 72)
CELL = 3
"""Samples a side that are averaged into one cell: the grid of 32 by 24 cells tames the noise of a dark picture."""

STEP = 12
"""Levels of 255 by which a cell must differ to have changed."""

CHANGED_CELLS = 3


class FrameGate:
    """Compares frames with the scene last accepted, so that what appears slowly adds up until it counts."""

    def __init__(self) -> None:
        self._scene: Image.Image | None = None

    def moved(self, frame: Luma) -> bool:
        """Say whether ``frame`` differs from the scene; if so it becomes the scene."""
        cells = image_of(frame).resize(SAMPLES, Image.Resampling.NEAREST).reduce(CELL)
        if self._scene is not None and _still(self._scene, cells):
            return False
        self._scene = cells
        return True


def _still(before: Image.Image, now: Image.Image) -> bool:
    changes = ImageChops.difference(before, now).histogram()
    return sum(changes[STEP + 1 :]) < CHANGED_CELLS


def sharpness(frame: Luma) -> float:
    """Return how sharp the middle of a picture is: the spread of its edges, to compare with the same camera's best."""
    left, top = max(0, frame.width - 320) // 2, max(0, frame.height - 240) // 2
    middle = image_of(frame).crop((left, top, frame.width - left, frame.height - top))
    return float(ImageStat.Stat(middle.filter(ImageFilter.FIND_EDGES)).stddev[0])
