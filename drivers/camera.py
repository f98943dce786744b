"""Cameras: what a gate sees, as a stream of luminance frames."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final, Protocol, Self

from drivers.frame import Frame
from drivers.shelf import Shelf


class Camera(Protocol):
    """A source of frames; a context manager that opens the camera and lets it go again."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def frame(self, timeout: float) -> Frame | None:
        """Return the newest frame, or None when ``timeout`` seconds bring none.

        Raises DeviceError once when the camera is missing or lost; later calls try to open it again, with growing
        pauses, and return None meanwhile.
        """


@dataclass
class NullCamera:
    """No camera: there is never a frame."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def frame(self, timeout: float) -> None:
        """Wait ``timeout`` seconds for nothing."""
        time.sleep(timeout)


def _picamera2() -> type[Camera]:
    from drivers.camera_picamera2 import Picamera2Camera

    return Picamera2Camera


def _v4l2() -> type[Camera]:
    from drivers.camera_v4l2 import V4l2Camera

    return V4l2Camera


def _folder() -> type[Camera]:
    from drivers.camera_folder import FolderCamera

    return FolderCamera


def _video() -> type[Camera]:
    from drivers.camera_video import VideoCamera

    return VideoCamera


def _sim() -> type[Camera]:
    from drivers.camera_sim import SimCamera

    return SimCamera


DRIVERS: Final[Shelf[Camera]] = Shelf(
    {
        "picamera2": _picamera2,
        "v4l2": _v4l2,
        "folder": _folder,
        "video": _video,
        "sim": _sim,
        "null": lambda: NullCamera,
    }
)
"""The cameras that ``[camera] driver = ...`` can name."""
