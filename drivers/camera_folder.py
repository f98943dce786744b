"""Recorded frames from a folder of pictures, shown in the order of their names."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from drivers.errors import DeviceError
from drivers.frame import Frame, check_rate
from drivers.pictures import LARGEST_FILE, read_luma
from drivers.ticks import Ticks


@dataclass
class FolderCamera:
    """Shows the pictures in ``folder`` one a frame, ``rate`` a second; who comes late has missed some.

    A rate of 0 shows the next picture whenever it is asked for, and so every one. With ``loop`` it begins again after
    the last. Hidden files and subfolders are passed over.
    """

    folder: str = "frames"
    rate: float = 10.0
    loop: bool = False
    most_pixels: int = 40_000_000

    def __post_init__(self) -> None:
        if not self.folder:
            raise ValueError("folder must name a folder of pictures")
        if self.rate:
            check_rate(self.rate)
        if not 1 <= self.most_pixels <= 200_000_000:
            raise ValueError(f"most_pixels = {self.most_pixels} must be 1 to 200000000")
        self._paths: tuple[Path, ...] = ()
        self._refused: set[Path] = set()
        self._ticks = Ticks(self.rate)
        self._missing: DeviceError | None = None

    def __enter__(self) -> Self:
        self._ticks = Ticks(self.rate)
        self._refused.clear()
        try:
            entries = sorted(Path(self.folder).iterdir())
            self._paths = tuple(path for path in entries if path.is_file() and not path.name.startswith("."))
        except OSError as error:
            self._missing = DeviceError(f"camera folder {self.folder}", str(error), "name a folder that can be read")
        return self

    def __exit__(self, *_: object) -> None:
        self._ticks.stop()

    def frame(self, timeout: float) -> Frame | None:
        """Return the next picture, or None after ``timeout`` seconds and when all were shown.

        Raises DeviceError once for a file that is no picture, naming it, and goes on with the next one.
        """
        missing, self._missing = self._missing, None
        if missing is not None:
            raise missing
        if not self._paths:
            time.sleep(timeout)
            return None
        number = self._ticks.next(timeout)
        if number is None:
            return None
        if number >= len(self._paths) and not self.loop:
            self._paths = ()
            return None
        return self._show(self._paths[number % len(self._paths)], number)

    def _show(self, path: Path, number: int) -> Frame | None:
        if path in self._refused:
            return None
        try:
            if path.stat().st_size > LARGEST_FILE:
                raise DeviceError(str(path), "the file is too large for a picture", "make it smaller")
            pixels, width, height = read_luma(path.read_bytes(), self.most_pixels, str(path))
        except DeviceError:
            self._refused.add(path)
            raise
        except OSError as error:
            self._refused.add(path)
            raise DeviceError(str(path), str(error), "make it readable") from error
        return Frame(memoryview(pixels), width, height, width, number)
