"""What the hub sees of the lamp and the last outcomes, while somebody there looks on and at no other time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from core import wire
from core.shown import GLIMPSES, Face, Glimpse, LookedOn
from station.clock import Clock
from station.gate import Presented
from station.panel import Panel

LEAST = 0.3
"""Seconds between two messages, whatever changes."""


class Faces:
    """Between the gate, which notes what it shows, and the loop that talks to the hub; ``wake`` has that loop look."""

    def __init__(self, station: str, panel: Panel, clock: Clock, wake: Callable[[], None]) -> None:
        self._station, self._panel, self._clock, self._wake = station, panel, clock, wake
        self._lock = threading.Lock()
        self._last: deque[Glimpse] = deque(maxlen=GLIMPSES)
        self._told: tuple[object, ...] = ()
        self._until = self._next = float("-inf")

    def note(self, presented: Presented) -> None:
        """Takes in what became of one presentation; by the gate's thread."""
        glimpse = Glimpse(
            presented.at,
            presented.outcome.value,
            tuple(reason.value for reason in presented.reasons[:8]),
            presented.code_kind.value,
            presented.direction.value,
            round(presented.ms, 1),
        )
        with self._lock:
            self._last.appendleft(glimpse)
        if time.monotonic() < self._until:
            self._wake()

    def look_on(self, payload: bytes) -> None:
        """Takes in that somebody looks on: what is shown now is told anew."""
        try:
            seconds = wire.decode(payload, LookedOn).seconds
        except ValueError:
            return  # rubbish: nobody looks on
        now = time.monotonic()
        if now >= self._until:
            self._told = ()
        self._until = now + seconds

    def take(self) -> Face | None:
        """What is to be told now: the face when somebody looks on and it is another than the last one told."""
        now = time.monotonic()
        if now >= self._until or now < self._next:
            return None
        face = self._panel.face
        with self._lock:
            last = tuple(self._last)
        shown = (face.colour, face.blink, last)
        if shown == self._told:
            return None
        self._told, self._next = shown, now + LEAST
        blinks = face.blink.off > 0
        return Face(station=self._station, at=self._clock.now(), colour=face.colour, blinks=blinks, last=last)
