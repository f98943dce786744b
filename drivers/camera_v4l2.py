"""USB webcams and other Video4Linux cameras."""

from __future__ import annotations

import glob
import time
from dataclasses import dataclass
from typing import Final, Literal, Self

from drivers.errors import DeviceError
from drivers.frame import Frame, check_rate, check_size
from drivers.pictures import read_luma
from drivers.plug import Plug
from drivers.video4linux import Capture, Picture

FORMATS: Final = {"grey": "GREY", "nv12": "NV12", "yuyv": "YUYV", "uyvy": "UYVY", "mjpeg": "MJPG"}
"""Pixel formats by the names of the configuration, the cheapest to read first."""

# V4L2_CID_GAIN, V4L2_CID_EXPOSURE_AUTO, _EXPOSURE_ABSOLUTE (in 100 microseconds), _FOCUS_ABSOLUTE and _FOCUS_AUTO.
GAIN: Final = 0x00980913
EXPOSURE_AUTO: Final = 0x009A0901
EXPOSURE_ABSOLUTE: Final = 0x009A0902
FOCUS_ABSOLUTE: Final = 0x009A090A
FOCUS_AUTO: Final = 0x009A090C
_BY_HAND: Final = 1


@dataclass
class V4l2Camera:
    """A webcam.

    ``device`` is a path or a pattern of paths; the default takes the first USB camera by name, wherever it is plugged
    in. The camera gives the nearest size that it has. ``exposure_us``, ``gain`` and ``focus`` are set when given and
    when the camera has them; otherwise it sees to them itself. It counts as lost when it sends no frame for
    ``patience`` seconds.
    """

    device: str = "/dev/v4l/by-id/*-video-index0"
    width: int = 640
    height: int = 480
    rate: float = 15.0
    format: Literal["auto", "grey", "nv12", "yuyv", "uyvy", "mjpeg"] = "auto"
    exposure_us: int | None = None
    gain: int | None = None
    focus: int | None = None
    patience: float = 3.0

    def __post_init__(self) -> None:
        if not self.device.startswith("/"):
            raise ValueError(f"device = {self.device!r} must be a path such as /dev/video0")
        check_size(self.width, self.height)
        check_rate(self.rate)
        if self.format != "auto" and self.format not in FORMATS:
            raise ValueError(f"format = {self.format!r} must be auto, {', '.join(FORMATS)}")
        if self.exposure_us is not None and not 1 <= self.exposure_us <= 1_000_000:
            raise ValueError(f"exposure_us = {self.exposure_us} must be 1 to 1000000 microseconds")
        if not 0.1 <= self.patience <= 60:
            raise ValueError(f"patience = {self.patience} must be 0.1 to 60 seconds")
        self._plug: Plug[Capture] = Plug(self._open, Capture.close)
        self._heard = 0.0

    def __enter__(self) -> Self:
        self._plug.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._plug.close()

    def frame(self, timeout: float) -> Frame | None:
        """Return the newest frame, or None after ``timeout`` seconds; a frame that arrived broken is passed over."""
        capture = self._plug.get(timeout)
        if capture is None:
            return None
        try:
            found = capture.newest(timeout)
        except (OSError, ValueError) as error:
            raise self._plug.lost(self._error(str(error))) from error
        frame = None if found is None else to_frame(found[0], capture.picture, found[1])
        if frame is not None:
            self._heard = time.monotonic()
            self._plug.working()
        elif time.monotonic() - self._heard > self.patience:
            raise self._plug.lost(self._error(f"it sent no whole frame for {self.patience} seconds"))
        return frame

    def _open(self) -> Capture:
        paths = sorted(glob.glob(self.device))
        if not paths:
            raise self._error("it is not there")
        formats = list(FORMATS.values()) if self.format == "auto" else [FORMATS[self.format]]
        try:
            capture = Capture(paths[0], formats, self.width, self.height, self.rate)
        except OSError as error:
            raise self._error(str(error)) from error
        self._adjust(capture)
        self._heard = time.monotonic()
        return capture

    def _adjust(self, capture: Capture) -> None:
        if self.exposure_us is not None and capture.set(EXPOSURE_AUTO, _BY_HAND):
            capture.set(EXPOSURE_ABSOLUTE, max(1, self.exposure_us // 100))
        if self.gain is not None:
            capture.set(GAIN, self.gain)
        capture.set(FOCUS_AUTO, self.focus is None)
        if self.focus is not None:
            capture.set(FOCUS_ABSOLUTE, self.focus)

    def _error(self, problem: str) -> DeviceError:
        return DeviceError(f"camera {self.device}", problem, "plug it in, and close other programs that use it")


def to_frame(data: bytes, picture: Picture, number: int) -> Frame | None:
    """Return the luminance of one picture as the camera sent it, or None when bytes are missing or broken."""
    if picture.fourcc == "MJPG":
        return _from_jpeg(data, picture, number)
    if len(data) < picture.stride * picture.height:
        return None
    stride = picture.stride
    if picture.fourcc in ("YUYV", "UYVY"):  # every second byte is luminance
        data = data[picture.fourcc == "UYVY" :: 2]
        stride //= 2
    pixels = memoryview(data)[: stride * picture.height]
    return Frame(pixels, picture.width, picture.height, stride, number)


def _from_jpeg(data: bytes, picture: Picture, number: int) -> Frame | None:
    try:
        pixels, width, height = read_luma(data, picture.width * picture.height)
    except DeviceError:
        return None
    return Frame(memoryview(pixels), width, height, width, number)
