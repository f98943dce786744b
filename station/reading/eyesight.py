"""Whether a camera can see at all: one picture a second measured for light, glare and sharpness.

Pictures are taken when the camera's thread has nothing else to do with them, so that no code waits for it.
"""

from __future__ import annotations

import msgspec
from PIL import Image, ImageFilter, ImageStat

from core.health import Look, blindness
from station.reading.plane import Luma, image_of

EVERY = 1.0
"""Seconds between two measured pictures."""

BLIND_AFTER = 10
"""Pictures in a row that must say the same before a camera is called blind: a hand or a bag passes by."""

SEES_AFTER = 3

RISES, FALLS = 0.01, 0.00005
"""By what share of the difference the usual sharpness follows a sharper and a duller picture: quickly up, so that it is
known after minutes, slowly down, so that a night of dew is not taken for the usual."""

SAMPLES = (160, 120)
"""So many pixels from all over the picture say how light it is, so many from its middle how sharp."""

DARK, GLARE = 16, 250
"""Levels of 255 at and below which a pixel is dark, at and above which it is saturated."""


class Sight(msgspec.Struct, frozen=True):
    """What was last seen, the sharpness that is usual for this camera, and why it is blind, if it is."""

    look: Look
    usual: float
    blind: str = ""


class Eyesight:
    """The eyes of one camera; used by its thread, ``sight`` read by any."""

    def __init__(self) -> None:
        self.sight: Sight | None = None
        self._due = float("-inf")
        self._said, self._times = "", 0

    def watch(self, frame: Luma, now: float) -> None:
        """Measures a frame seen at ``now`` (monotonic seconds) if one is due."""
        if now < self._due:
            return
        self._due = now + EVERY
        look, before = measure(frame), self.sight
        if before is None:
            self.sight = Sight(look, look.sharpness)
            return
        said = blindness(look, before.usual)
        self._times = self._times + 1 if said == self._said else 1
        self._said = said
        changed = self._times >= (BLIND_AFTER if said else SEES_AFTER)
        drift = RISES if look.sharpness > before.usual else FALLS
        usual = before.usual + drift * (look.sharpness - before.usual)
        self.sight = Sight(look, usual, said if changed else before.blind)


def measure(frame: Luma) -> Look:
    """One picture's light on a sample of its pixels, and the sharpness of its middle."""
    image = image_of(frame)
    levels = image.resize(SAMPLES, Image.Resampling.NEAREST)
    histogram, stat = levels.histogram(), ImageStat.Stat(levels)
    pixels = SAMPLES[0] * SAMPLES[1]
    return Look(
        brightness=stat.mean[0] / 255,
        contrast=stat.stddev[0] / 255,
        dark=sum(histogram[: DARK + 1]) / pixels,
        glare=sum(histogram[GLARE:]) / pixels,
        sharpness=_sharpness(image),
    )


def _sharpness(image: Image.Image) -> float:
    """The spread of the edges in the middle; the filter leaves the rim as it was, which is no edge."""
    width, height = SAMPLES
    left, top = max(0, image.width - width) // 2, max(0, image.height - height) // 2
    middle = image.crop((left, top, image.width - left, image.height - top))
    edges = middle.filter(ImageFilter.FIND_EDGES).crop((1, 1, middle.width - 1, middle.height - 1))
    return float(ImageStat.Stat(edges).stddev[0])
