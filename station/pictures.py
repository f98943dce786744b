"""Picture files as the decoders see them; a file that is no picture, or a bomb, is an error in words."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from drivers.errors import DeviceError
from drivers.pictures import LARGEST_FILE, read_luma
from station.errors import StationError
from station.reading.plane import Plane

LARGEST = 64_000_000
"""Pixels a picture may have; more than a good phone takes."""


class PictureError(StationError, ValueError):
    """A file is no picture that can be read; ``problem`` says why, and what to do."""

    exit_code = 65

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name, problem)
        self.name = name
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}"


def read_picture(source: Path | BinaryIO, name: str = "picture") -> Plane:
    """Read a picture file, or an open one called ``name``, as luminance.

    Raises ``PictureError``; a path that is missing, a folder or forbidden stays the ``OSError`` it is.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return read_picture(file, source.name)
    data = source.read(LARGEST_FILE + 1)
    if len(data) > LARGEST_FILE:
        raise PictureError(name, f"it has more than {LARGEST_FILE} bytes; make it smaller")
    try:
        pixels, width, height = read_luma(data, LARGEST, name)
    except DeviceError as error:
        raise PictureError(name, f"{error.problem}; {error.cure}") from error
    return Plane(memoryview(pixels), width, height, width)
