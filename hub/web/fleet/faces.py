"""A station's lamp and last outcomes, live on its page: no names, for those stay at the gate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

import msgspec

from core.shown import Face
from hub.health.fleet_health import Fleet
from hub.web import words
from hub.web.fleet.live import ALIVE, ALIVE_EVERY, OVER, PROVEN_EVERY, RETRY
from hub.web.page import templates

LOOK_SECONDS = 0.25
AGAIN_SECONDS = 15.0
VIEWERS_AT_MOST = 50


class Shown(msgspec.Struct, frozen=True):
    """What an event carries: the section's inside."""

    face: str


class Faces:
    """Streams of single stations' faces; the station tells its own only while one of them runs."""

    def __init__(self, fleet: Fleet, ending: Callable[[], bool]) -> None:
        self._fleet, self._ending = fleet, ending
        self._viewers = 0

    @property
    def full(self) -> bool:
        """Whether one more would be too many."""
        return self._viewers >= VIEWERS_AT_MOST

    async def stream(self, station: str, language: str, proven: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Events for one browser, until its session is over or the hub ends."""
        self._viewers += 1
        shown: Face | None = None
        asked = said = checked = time.monotonic()
        self._fleet.look_on(station)
        try:
            yield RETRY
            while not self._ending():
                now, face = time.monotonic(), self._fleet.face(station)
                if now - asked > AGAIN_SECONDS:
                    asked = now
                    self._fleet.look_on(station)
                if now - checked > PROVEN_EVERY:
                    checked = now
                    if not await asyncio.to_thread(proven):
                        yield OVER
                        return
                if face is not None and face is not shown:
                    shown, said = face, now
                    yield b"event: face\ndata: " + msgspec.json.encode(Shown(drawn(face, language))) + b"\n\n"
                elif now - said > ALIVE_EVERY:
                    said = now
                    yield ALIVE
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self._viewers -= 1


def drawn(face: Face | None, language: str) -> str:
    """The lamp and the outcomes as they stand in the page."""
    parts = templates.get_template("officers/fleet_face.html").make_module({"t": partial(words.word, language)})
    return str(parts.face(face))  # type: ignore[attr-defined]  # the template's macro
