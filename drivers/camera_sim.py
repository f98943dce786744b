"""A camera without a lens: it shows a still wall, and whatever is held up to it."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass
from typing import Self

from drivers.errors import DeviceError
from drivers.frame import Frame, check_rate, check_size
from drivers.ticks import Ticks


@dataclass
class SimCamera:
    """A simulated camera; ``hold_up`` and ``take_down`` may be called from any thread.

    ``background`` is the wall's grey (0 to 255) and ``noise`` the grey levels by which each pixel may differ from
    frame to frame, drawn from ``seed``: the same seed gives the same frames.
    """

    width: int = 640
    height: int = 480
    rate: float = 15.0
    background: int = 118
    noise: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        check_size(self.width, self.height)
        check_rate(self.rate)
        if not 0 <= self.background <= 255:
            raise ValueError(f"background = {self.background} must be a grey of 0 to 255")
        if not 0 <= self.noise <= 64:
            raise ValueError(f"noise = {self.noise} must be 0 to 64 grey levels")
        self._lock = threading.Lock()
        self._held: Frame | None = None
        self._lasts: float | None = None
        self._until: float | None = None
        self._pulled = self._told = False
        self._wall = memoryview(bytes([self.background]) * (self.width * self.height))
        self._ticks = Ticks(self.rate)
        self._random = random.Random(self.seed)  # noqa: S311 - a picture's grain, not a secret

    def __enter__(self) -> Self:
        self._ticks = Ticks(self.rate)
        self._random = random.Random(self.seed)  # noqa: S311 - as above
        return self

    def __exit__(self, *_: object) -> None:
        self._ticks.stop()

    def hold_up(self, picture: Frame, seconds: float | None = None) -> None:
        """Show ``picture`` from the next frame on, for ``seconds`` or until it is taken down or replaced.

        The seconds count from the first frame that shows it, however late somebody looks.  It is shown in the middle
        of the view, made smaller only if it does not fit.
        """
        shown = self._in_view(picture)
        with self._lock:
            self._held, self._lasts, self._until = shown, seconds, None

    def take_down(self) -> None:
        """Show the bare wall again."""
        with self._lock:
            self._held = self._lasts = self._until = None

    def unplug(self) -> None:
        """Lose the camera: the next ``frame`` raises DeviceError, those after it give nothing."""
        with self._lock:
            self._pulled, self._told = True, False

    def plug_in(self) -> None:
        """Give the camera back."""
        with self._lock:
            self._pulled = False

    def frame(self, timeout: float) -> Frame | None:
        """Return the next frame, or None after ``timeout`` seconds; raises DeviceError once when unplugged."""
        number = self._ticks.next(timeout)
        if number is None:
            return None
        with self._lock:
            if self._pulled:
                self._tell()
                return None
            pixels = self._view(time.monotonic())
        return Frame(self._grainy(pixels), self.width, self.height, self.width, number)

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            raise DeviceError("camera sim", "it was unplugged", "plug it in again")

    def _view(self, now: float) -> memoryview:
        if self._lasts is not None and self._until is None:
            self._until = now + self._lasts
        if self._until is not None and now >= self._until:
            self._held = self._lasts = self._until = None
        return self._wall if self._held is None else self._held.pixels

    def _in_view(self, picture: Frame) -> Frame:
        if (picture.width, picture.height) == (self.width, self.height):
            return Frame(memoryview(picture.packed()), self.width, self.height, self.width)
        from PIL import Image

        wall = Image.new("L", (self.width, self.height), self.background)
        held = Image.frombytes("L", (picture.width, picture.height), picture.packed())
        held.thumbnail(wall.size)  # makes smaller only, and keeps the proportions
        wall.paste(held, ((self.width - held.width) // 2, (self.height - held.height) // 2))
        return Frame(memoryview(wall.tobytes()), self.width, self.height, self.width)

    def _grainy(self, pixels: memoryview) -> memoryview:
        if not self.noise:
            return pixels
        from PIL import Image, ImageChops

        size = (self.width, self.height)
        levels = bytes(value % (2 * self.noise + 1) for value in range(256))
        grain = Image.frombytes("L", size, self._random.randbytes(len(pixels)).translate(levels))
        view = Image.frombytes("L", size, bytes(pixels))
        return memoryview(ImageChops.add(view, grain, 1, -self.noise).tobytes())
