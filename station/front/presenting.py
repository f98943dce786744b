"""Ways to present something to a simulated station: pictures, frames of a webcam, keys, typed numbers, presses."""

from __future__ import annotations

import io
import queue
import time
from collections.abc import Sequence
from typing import Final, Literal

from core.codes.text import LONGEST
from core.model import Capture, Source, Symbology
from drivers.frame import Frame
from drivers.keys import DOWN, UP, Key
from station.front.parts import FrontParts
from station.pictures import read_picture

HELD_UP: Final = 1.2
"""Seconds for which a picture is held up."""

FRAME_LASTS: Final = 0.6
"""Seconds after which a webcam that sends no more frames is taken to be off."""

MOST_KEYS: Final = 2048
"""Keys that one message may bring."""

_HIGHEST_KEY: Final = 0x2FF
_ROOM_WITHIN: Final = 1.0


class Refused(Exception):
    """What was presented cannot be taken; ``status`` is that of the answer, the words say why."""

    def __init__(self, status: int, vi: str, en: str) -> None:
        super().__init__(en)
        self.status, self.vi, self.en = status, vi, en


class Presenting:
    """The hands of whoever sits before the page; every way raises ``Refused`` when it is not there."""

    def __init__(self, parts: FrontParts, *, typing: bool) -> None:
        self._parts = parts
        self._typing = typing

    @property
    def ways(self) -> dict[str, bool]:
        """Which ways there are."""
        parts = self._parts
        return {
            "camera": parts.sim_camera is not None,
            "keys": parts.sim_keys is not None,
            "text": self._typing,
            "buttons": parts.sim_buttons is not None,
        }

    def picture(self, data: bytes, seconds: float = HELD_UP) -> tuple[int, int]:
        """Hold a picture file up to the camera for so many seconds; its width and height."""
        camera = self._parts.sim_camera
        if camera is None:
            raise _missing()
        try:
            plane = read_picture(io.BytesIO(data))
        except ValueError as error:
            raise Refused(422, "Không đọc được ảnh này", f"This is no picture that can be read: {error}") from error
        camera.hold_up(Frame(plane.pixels, plane.width, plane.height, plane.stride), seconds)
        return plane.width, plane.height

    def take_down(self) -> None:
        """Show the camera the bare wall again."""
        camera = self._parts.sim_camera
        if camera is None:
            raise _missing()
        camera.take_down()

    def press_keys(self, keys: Sequence[tuple[int, int]]) -> None:
        """Send key codes of the kernel with 1 for down and 0 for up, as a USB scanner would."""
        scanner = self._parts.sim_keys
        if scanner is None:
            raise _missing()
        if len(keys) > MOST_KEYS or not all(0 < code <= _HIGHEST_KEY and value in (UP, DOWN) for code, value in keys):
            raise Refused(422, "Phím không hợp lệ", "These are no keys of a scanner")
        now = time.monotonic()
        scanner.press([Key(code, value, now) for code, value in keys])

    def type_text(self, text: str) -> None:
        """Present what a guard typed."""
        data = text.strip().encode()
        if not self._typing:
            raise _missing()
        if not 0 < len(data) <= LONGEST:
            raise Refused(422, "Hãy gõ một số giấy tờ", "Type a document number")
        capture = Capture(data, Symbology.KEYS, Source.PANEL, self._parts.now())
        try:
            self._parts.captures.put(capture, timeout=_ROOM_WITHIN)
        except queue.Full:
            raise Refused(503, "Trạm đang bận, thử lại", "The gate is busy; try again") from None

    def press(self, choice: Literal["admitted", "turned-away"]) -> None:
        """Press one of the guard's buttons."""
        buttons = self._parts.sim_buttons
        if buttons is None:
            raise _missing()
        buttons.press(choice)


def _missing() -> Refused:
    return Refused(404, "Trạm này không có cách quét đó", "This station has no such way to present")
