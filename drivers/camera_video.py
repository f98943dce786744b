"""Recorded frames from a video file, decoded by ffmpeg in a process of its own."""

from __future__ import annotations

import os
import re
import select
import subprocess
import time
from dataclasses import dataclass
from typing import Final, Self

from drivers.errors import DeviceError
from drivers.frame import LARGEST_SIDE, Frame, check_rate
from drivers.plug import Plug
from drivers.ticks import Ticks

# One picture as a portable graymap (netpbm's pgm(5)), which unlike raw video says its own size.
_HEADER: Final = re.compile(rb"P5\s(\d{1,5})\s(\d{1,5})\s255\s")
_LONGEST_HEADER: Final = 20


@dataclass
class VideoCamera:
    """Shows the frames of the video file ``path``, ``rate`` a second; who comes late has missed some.

    A rate of 0 shows the next frame whenever it is asked for, and so every one. With ``loop`` it begins again after
    the last. The camera counts as lost when ffmpeg sends nothing for ``patience`` seconds.
    """

    path: str = "frames.mp4"
    rate: float = 15.0
    loop: bool = False
    patience: float = 5.0
    ffmpeg: str = "ffmpeg"

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("path must name a video file")
        if self.rate:
            check_rate(self.rate)
        if not 0.1 <= self.patience <= 60:
            raise ValueError(f"patience = {self.patience} must be 0.1 to 60 seconds")
        self._plug: Plug[_Film] = Plug(self._open, _Film.close)
        self._ended = False

    def __enter__(self) -> Self:
        self._ended = False
        self._plug.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._plug.close()

    def frame(self, timeout: float) -> Frame | None:
        """Return the next frame, or None after ``timeout`` seconds and when the film is over."""
        if self._ended:
            time.sleep(timeout)
            return None
        film = self._plug.get(timeout)
        if film is None:
            return None
        try:
            frame = film.next(timeout, self.patience)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise self._plug.lost(self._error(str(error))) from error
        if frame is not None:
            self._plug.working()
        elif film.over:
            self._ended = True
        return frame

    def _open(self) -> _Film:
        if not os.path.isfile(self.path):
            raise self._error("there is no such file")
        rate = ["-vf", f"fps={self.rate}"] if self.rate else []
        command = [
            *(
                self.ffmpeg,
                "-nostdin",
                "-v",
                "quiet",
                "-stream_loop",
                "-1" if self.loop else "0",
                "-i",
                f"file:{self.path}",
            ),
            *("-map", "0:v:0", *rate, "-pix_fmt", "gray", "-f", "image2pipe", "-c:v", "pgm", "-"),
        ]
        try:
            return _Film(command, self.rate)
        except OSError as error:
            raise DeviceError(
                f"camera video {self.path}", f"ffmpeg does not start: {error}", "apt-get install ffmpeg"
            ) from error

    def _error(self, problem: str) -> DeviceError:
        return DeviceError(
            f"camera video {self.path}", problem, "name a file that ffmpeg can play: ffmpeg -i FILE says more"
        )


class _Film:
    """A running ffmpeg and the pictures in its pipe."""

    def __init__(self, command: list[str], rate: float) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - the program and the file are the operator's own configuration
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self._ticks = Ticks(rate)
        self._passes_over = rate > 0
        self._count = 0
        self._received = bytearray()
        self._heard = time.monotonic()
        self.over = False

    def next(self, timeout: float, patience: float) -> Frame | None:
        """Return the picture that is due, passing over those that are late; None after ``timeout`` seconds.

        Raises TimeoutError when ffmpeg is silent for ``patience`` seconds, OSError or ValueError when it breaks off.
        """
        deadline = time.monotonic() + timeout
        due = self._ticks.next(timeout)
        if due is None:
            return None
        frame = self._picture(deadline, patience)
        while frame is not None and self._passes_over and frame.sequence < due and time.monotonic() < deadline:
            frame = self._picture(deadline, patience) or frame
        return frame

    def close(self) -> None:
        """End ffmpeg and wait until it is gone."""
        self._process.kill()
        with self._process:  # closes the pipe and waits
            pass

    def _picture(self, deadline: float, patience: float) -> Frame | None:
        while True:
            frame = self._complete()
            if frame is not None or self.over or not self._receive(deadline, patience):
                return frame

    def _complete(self) -> Frame | None:
        header = _HEADER.match(self._received)
        if header is None:
            if len(self._received) > _LONGEST_HEADER:
                raise ValueError("ffmpeg sends something that is no picture")
            return None
        width, height = int(header[1]), int(header[2])
        if max(width, height) > LARGEST_SIDE:
            raise ValueError(f"frames of {width}x{height} pixels are too large")
        start, end = header.end(), header.end() + width * height
        if len(self._received) < end:
            return None
        pixels = bytes(memoryview(self._received)[start:end])
        del self._received[:end]
        self._count += 1
        return Frame(memoryview(pixels), width, height, width, self._count - 1)

    def _receive(self, deadline: float, patience: float) -> bool:
        """Wait for bytes until the deadline and tell whether there are any; sets ``over`` at the film's end."""
        pipe = self._process.stdout
        assert pipe is not None
        if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
            if time.monotonic() - self._heard > patience:
                raise TimeoutError("ffmpeg has stopped sending")
            return False
        data = os.read(pipe.fileno(), 1 << 20)
        if not data:
            self._end()
            return False
        self._heard = time.monotonic()
        self._received += data
        return True

    def _end(self) -> None:
        status = self._process.wait(timeout=5)
        if status or self._received or not self._count:
            raise OSError(f"ffmpeg broke off after {self._count} frames (exit {status})")
        self.over = True
