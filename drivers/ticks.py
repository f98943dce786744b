"""The beat of a source that runs by itself, such as a recorded film: who comes late has missed something."""

from __future__ import annotations

import threading
import time


class Ticks:
    """Counts the beats of ``rate`` per second; a rate of 0 beats whenever it is asked and so never misses any."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._start = time.monotonic()
        self._last = -1
        self._stop = threading.Event()

    def next(self, timeout: float) -> int | None:
        """Wait for the next beat and return its number from 0 on, or None when ``timeout`` seconds bring none."""
        if self._rate == 0:
            self._last += 1
            return self._last
        now = time.monotonic()
        number = max(self._last + 1, int((now - self._start) * self._rate))
        wait = self._start + number / self._rate - now
        if wait > timeout:
            self._stop.wait(timeout)
            return None
        if wait > 0 and self._stop.wait(wait):
            return None
        self._last = number
        return number

    def stop(self) -> None:
        """End all waiting, from any thread."""
        self._stop.set()
