"""Health messages on their way to the hub: only the newest waits, and it is made anew when somebody asks for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from msgspec.structs import replace

from core.health import INTERVAL, Health, State, state_of

LEAST = 1.0
"""Seconds between two messages, whatever changes."""


class Reports:
    """Between the loop that looks at the station and the one that talks to the hub."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: Health | None = None
        self.wanted = threading.Event()

    def offer(self, report: Health) -> None:
        """Has a message sent, in the place of one that could not be."""
        with self._lock:
            self._newest = report

    def take(self) -> Health | None:
        """The message to send now, or None."""
        with self._lock:
            newest, self._newest = self._newest, None
        return newest

    def ask_anew(self) -> None:
        """A new line to the hub: what waited is old, and the whole is to be told again."""
        self.take()
        self.wanted.set()


class Reporter:
    """The loop that looks at the station once a second: a message every interval, and at once when a state changes.

    ``look`` gives the figures of now, ``wake`` has the message sent, ``noted`` hears every look.
    """

    name = "health"

    def __init__(
        self, look: Callable[[], Health], reports: Reports, wake: Callable[[], None], noted: Callable[[Health], None]
    ) -> None:
        self._look, self._reports, self._wake, self._noted = look, reports, wake, noted
        self._told: State | None = None
        self._due = float("-inf")
        self._number = 0

    def run(self, stop: threading.Event) -> None:
        """Looks until ``stop``."""
        while not stop.wait(LEAST):
            self.turn(time.monotonic())

    def turn(self, now: float) -> None:
        """One look at ``now`` (monotonic seconds)."""
        figures = self._look()
        state = state_of(figures)
        if now >= self._due or state != self._told or self._reports.wanted.is_set():
            self._reports.wanted.clear()
            self._number += 1
            self._due, self._told = now + INTERVAL, state
            figures = replace(figures, number=self._number)
            self._reports.offer(figures)
            self._wake()
        self._noted(figures)
