"""The Raspberry Pi's own cameras, through picamera2.

The low-resolution stream comes as YUV 4:2:0, whose first plane is the luminance; it goes to the decoder as it is.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Self

from drivers.errors import DeviceError
from drivers.frame import Frame, check_rate, check_size
from drivers.plug import Plug

if TYPE_CHECKING:
    from picamera2 import Picamera2
    from picamera2.job import Job

_CURE: Final = "check the ribbon cable, see what rpicam-hello --list-cameras says, and close other programs that use it"

_CLOSING_SECONDS: Final = 5.0

# What libcamera tells with each frame, by our names.
_INFO: Final = {
    "exposure_us": "ExposureTime",
    "gain": "AnalogueGain",
    "lux": "Lux",
    "focus": "LensPosition",
    "sharpness": "FocusFoM",
}

# What picamera2 and libcamera raise when a camera is missing, busy, gone or silent.
_FAILURES: Final = (RuntimeError, IndexError, KeyError, ValueError, OSError)


@dataclass
class Picamera2Camera:
    """A camera on the Pi's ribbon connector.

    ``autofocus`` is ``continuous``, or ``manual`` with the lens at ``focus`` dioptres (0 is far, 10 is 10 cm).
    ``exposure_us`` and ``gain`` of None leave them to the camera; a short exposure keeps a moving code sharp. Each is
    set only when the camera has it. It counts as lost when it sends no frame for ``patience`` seconds.
    """

    number: int = 0
    width: int = 640
    height: int = 480
    rate: float = 15.0
    autofocus: Literal["continuous", "manual"] = "continuous"
    focus: float = 5.0
    exposure_us: int | None = None
    gain: float | None = None
    patience: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.number <= 7:
            raise ValueError(f"number = {self.number} must be 0 to 7")
        check_size(self.width, self.height)
        if self.width % 2 or self.height % 2:
            raise ValueError(f"width = {self.width}, height = {self.height}: both must be even")
        check_rate(self.rate)
        if self.autofocus not in ("continuous", "manual"):
            raise ValueError(f"autofocus = {self.autofocus!r} must be continuous or manual")
        if not 0 <= self.focus <= 32:
            raise ValueError(f"focus = {self.focus} must be 0 to 32 dioptres")
        if self.exposure_us is not None and not 1 <= self.exposure_us <= 1_000_000:
            raise ValueError(f"exposure_us = {self.exposure_us} must be 1 to 1000000 microseconds")
        if self.gain is not None and not 1 <= self.gain <= 64:
            raise ValueError(f"gain = {self.gain} must be 1 to 64")
        if not 0.1 <= self.patience <= 60:
            raise ValueError(f"patience = {self.patience} must be 0.1 to 60 seconds")
        self._plug: Plug[Picamera2] = Plug(self._open, _close)
        self._numbers = itertools.count()
        self._asked: Job | None = None
        self._heard = 0.0

    def __enter__(self) -> Self:
        self._plug.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._plug.close()

    def frame(self, timeout: float) -> Frame | None:
        """Return the next frame, or None after ``timeout`` seconds."""
        camera = self._plug.get(timeout)
        if camera is None:
            return None
        try:
            frame = self._capture(camera, timeout)
        except TimeoutError as error:
            if time.monotonic() - self._heard <= self.patience:
                return None
            raise self._plug.lost(self._error(f"it sent no frame for {self.patience} seconds")) from error
        except _FAILURES as error:
            raise self._plug.lost(self._error(str(error))) from error
        self._heard = time.monotonic()
        self._plug.working()
        return frame

    def _capture(self, camera: Picamera2, timeout: float) -> Frame:
        # A capture that was not ready in time stays asked for: cancelling it could lose a buffer that is on its way.
        if self._asked is None:
            self._asked = camera.capture_request(wait=False)
        request = camera.wait(self._asked, timeout=timeout)
        self._asked = None
        try:
            pixels = memoryview(request.make_buffer("lores"))
            metadata = request.get_metadata()
        finally:
            request.release()
        stream = camera.stream_configuration("lores")
        width, height = stream["size"]
        stride = stream["stride"]
        return Frame(pixels[: stride * height], width, height, stride, next(self._numbers), info=_info(metadata))

    def _open(self) -> Picamera2:
        try:
            from picamera2 import Picamera2
        except ImportError as error:
            cure = "install python3-picamera2 with apt, and make the station's environment see the system's packages"
            raise DeviceError(f"camera picamera2 {self.number}", str(error), cure) from error
        try:
            camera = Picamera2(self.number)
        except _FAILURES as error:
            raise self._error(str(error)) from error
        try:
            self._start(camera)
        except _FAILURES as error:
            _close(camera)
            raise self._error(str(error)) from error
        self._asked = None
        self._heard = time.monotonic()
        return camera

    def _start(self, camera: Picamera2) -> None:
        size = (self.width, self.height)
        wishes = {name: value for name, value in self._wishes().items() if name in camera.camera_controls}
        camera.configure(
            camera.create_video_configuration(
                main={"size": size},
                lores={"size": size, "format": "YUV420"},
                controls=wishes,
                display=None,
                encode=None,
            )
        )
        camera.start()

    def _wishes(self) -> dict[str, object]:
        from libcamera import controls

        frame_us = round(1_000_000 / self.rate)
        wishes: dict[str, object] = {"FrameDurationLimits": (frame_us, frame_us)}
        if self.autofocus == "continuous":
            wishes["AfMode"] = controls.AfModeEnum.Continuous
        else:
            wishes |= {"AfMode": controls.AfModeEnum.Manual, "LensPosition": self.focus}
        if self.exposure_us is not None:
            wishes["ExposureTime"] = self.exposure_us
        if self.gain is not None:
            wishes["AnalogueGain"] = self.gain
        return wishes

    def _error(self, problem: str) -> DeviceError:
        return DeviceError(f"camera picamera2 {self.number}", problem, _CURE)


def _info(metadata: Mapping[str, object]) -> dict[str, float]:
    known = ((ours, metadata.get(theirs)) for ours, theirs in _INFO.items())
    return {name: float(value) for name, value in known if isinstance(value, (int, float))}


def _close(camera: Picamera2) -> None:
    """Stop and close the camera, leaving it behind when that takes too long: picamera2 itself would wait for ever."""

    def stop() -> None:
        try:
            camera.cancel_all_and_flush()
            camera.stop()
            camera.close()
        except _FAILURES:  # a camera that is gone cannot be stopped; the next opening starts afresh
            return

    closing = threading.Thread(target=stop, name="camera closing", daemon=True)
    closing.start()
    closing.join(_CLOSING_SECONDS)
