"""One frame out of a camera's stream, for whoever asks for it: handed over in memory, kept nowhere."""

from __future__ import annotations

import io
import queue

from PIL import Image

from drivers.frame import Frame
from station.handover import Handover

LONGEST_SIDE = 1280
_QUALITY = 75


class Shutter:
    """Between the camera's loop and another thread that wants the next frame."""

    def __init__(self) -> None:
        self._wanted = False
        self._taken: Handover[Frame] = Handover()

    def offer(self, frame: Frame) -> None:
        """Takes a frame when somebody waits for one; nothing but a look otherwise."""
        if self._wanted:
            self._wanted = False
            self._taken.put(frame)

    def take(self, seconds: float) -> bytes | None:
        """The next frame as a JPEG, or None when ``seconds`` bring none."""
        self._taken.clear()
        self._wanted = True
        try:
            frame = self._taken.get(seconds)
        except queue.Empty:
            self._wanted = False
            return None
        return picture(frame)


def picture(frame: Frame) -> bytes:
    """A frame as a grey JPEG of at most 1280 pixels a side."""
    whole = frame.stride * frame.height
    pixels = bytes(frame.pixels[:whole]).ljust(whole, b"\0")  # the last row may end where its picture does
    image = Image.frombuffer("L", (frame.width, frame.height), pixels, "raw", "L", frame.stride, 1)
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()
