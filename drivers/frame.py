"""One picture as a camera hands it over: eight-bit luminance, row by row."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

LARGEST_SIDE: Final = 8192
"""Pixels; no camera of a station is wider or higher."""


def check_size(width: int, height: int) -> None:
    """Refuse a picture size in pixels that no camera of a station has."""
    if not (16 <= width <= LARGEST_SIDE and 16 <= height <= LARGEST_SIDE):
        raise ValueError(f"width = {width}, height = {height}: each must be 16 to {LARGEST_SIDE} pixels")


def check_rate(rate: float) -> None:
    """Refuse a number of frames per second that makes no sense."""
    if not 0.1 <= rate <= 240:
        raise ValueError(f"rate = {rate} must be 0.1 to 240 frames per second")


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture: ``height`` rows of ``width`` luminance bytes, each row starting ``stride`` bytes after the last.

    ``pixels`` is one-dimensional and stays valid as long as the frame lives. ``sequence`` counts the camera's frames,
    so a gap means that frames were dropped. ``info`` holds what the camera knows: exposure_us, gain, lux, focus.
    Raises ValueError when the pixels do not suffice for the size.
    """

    pixels: memoryview
    width: int
    height: int
    stride: int
    sequence: int = 0
    at_monotonic: float = field(default_factory=time.monotonic)
    info: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 1 or self.pixels.itemsize != 1:
            raise ValueError("pixels must be one row of bytes")
        if not 0 < self.width <= self.stride or self.height < 1:
            raise ValueError(f"no picture has {self.width}x{self.height} pixels in rows of {self.stride}")
        if len(self.pixels) < self.stride * (self.height - 1) + self.width:
            raise ValueError(f"{len(self.pixels)} bytes are too few for {self.width}x{self.height} pixels")

    def packed(self) -> bytes:
        """Return the pixels without the padding at the end of each row, ``width * height`` bytes (a copy)."""
        if self.stride == self.width:
            return bytes(self.pixels[: self.width * self.height])
        starts = range(0, self.stride * self.height, self.stride)
        return b"".join(self.pixels[start : start + self.width] for start in starts)
