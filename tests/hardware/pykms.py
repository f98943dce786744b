"""Stands in for the screen library that picamera2 imports for its preview windows; a station has none."""

from types import SimpleNamespace

_NAMES = ("RGB888", "BGR888", "XRGB8888", "XBGR8888", "ABGR8888", "YUV420", "YVU420", "NV12")

PixelFormat = SimpleNamespace(**dict.fromkeys(_NAMES))
