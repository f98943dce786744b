"""The wall, live: what changed is drawn once a language and goes to every browser that looks on.

A browser that is behind by more than a queue holds is let go; it comes back by itself and asks for the whole page.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

import msgspec

from hub.storage.weather import AWAY, Weather
from hub.web import words
from hub.web.fleet import standing, wording
from hub.web.fleet.lines import Board, Look
from hub.web.page import templates

TICK_SECONDS = 1.0
LOOK_SECONDS = 5.0
"""The fleet is looked at so often when nobody says anything: silence is no news either."""

QUEUED_AT_MOST = 8
ROWS_AT_MOST = 200
"""When more lines than this change at once, browsers are told to ask for the page again."""

VIEWERS_AT_MOST = 200
PROVEN_EVERY = 30.0
ALIVE_EVERY = 15.0
BEGUN = b"event: begun\ndata:\n\n"
"""What changes after this is told; what changed before is in the page, if it is asked for now."""

WHOLE = b"event: whole\ndata:\n\n"
ALIVE = b": alive\n\n"
RETRY = b"retry: 3000\n\n"
OVER = b"event: over\ndata:\n\n"


class Drawn(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an event carries: lines, sums and alarms as they stand in the page; empty is unchanged."""

    rows: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    sums: str = ""
    alarms: str = ""


class Painter:
    """Draws what is new of a look in one language; it remembers what it drew."""

    def __init__(self, language: str) -> None:
        self._t = partial(words.word, language)
        self._parts = templates.get_template("officers/fleet_parts.html").make_module(
            {"t": self._t, "title": wording.title}
        )
        self._keys: dict[str, int] = {}  # hashes: the keys of thousands of lines are megabytes
        self._others = Drawn()
        self._begun = False

    def draw(self, look: Look) -> bytes:
        """An event, or nothing when all is as it was; the first look begins."""
        keys = {line.name: hash(line.key) for line in look.lines}
        fresh = [line for line in look.lines if self._keys.get(line.name) != keys[line.name]]
        gone = self._keys.keys() - keys.keys()
        self._keys = keys
        before, self._others = self._others, self._beside(look)
        begun, self._begun = self._begun, True
        if not begun:
            return BEGUN
        if gone or len(fresh) > ROWS_AT_MOST:
            return WHOLE
        rows = tuple(self._part("row", line) for line in fresh)
        sums = self._others.sums if self._others.sums != before.sums else ""
        alarms = self._others.alarms if self._others.alarms != before.alarms else ""
        drawn = Drawn(rows, tuple(line.name for line in fresh), sums, alarms)
        return b"event: news\ndata: " + msgspec.json.encode(drawn) + b"\n\n" if drawn != Drawn() else b""

    def _beside(self, look: Look) -> Drawn:
        groups = standing.grouped(look, look.alarms)
        return Drawn(sums=self._part("sums", look.sums()), alarms=self._part("alarms", groups))

    def _part(self, name: str, value: object) -> str:
        return str(getattr(self._parts, name)(value))


Queue = asyncio.Queue[bytes]


class Live:
    """One loop for all browsers that look on, which runs only while there is one; all on the server's own loop."""

    def __init__(self, board: Board, listeners: list[Callable[[str], None]], ending: threading.Event) -> None:
        self._board, self._listeners, self._ending = board, listeners, ending
        self._viewers: dict[Queue, str] = {}
        self._painters: dict[str, Painter] = {}
        self._begun: frozenset[str] = frozenset()
        self._news = threading.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Whether one more would be too many."""
        return len(self._viewers) >= VIEWERS_AT_MOST

    async def stream(self, language: str, proven: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Events for one browser, until its session is over, it is too slow, or the hub ends."""
        queue: Queue = asyncio.Queue(QUEUED_AT_MOST)
        self._viewers[queue] = language
        if self._task is None or self._task.done():
            self._painters, self._begun = {}, frozenset()
            self._task = asyncio.create_task(self._run())
        if language in self._begun:
            queue.put_nowait(BEGUN)
        else:
            self._news.set()  # its first look, at once
        due = time.monotonic() + PROVEN_EVERY
        try:
            yield RETRY
            while True:
                try:
                    event = await asyncio.wait_for(queue.get(), ALIVE_EVERY)
                except TimeoutError:
                    event = ALIVE
                if not event:
                    return
                if time.monotonic() >= due:
                    due = time.monotonic() + PROVEN_EVERY
                    try:
                        is_proven = await asyncio.to_thread(proven)
                    except AWAY:
                        return  # nobody can say: the browser comes again
                    if not is_proven:
                        yield OVER
                        return
                yield event
        finally:
            self._viewers.pop(queue, None)

    async def _run(self) -> None:
        """Looks, draws and tells, while anybody looks on."""
        looked, weather = 0.0, Weather("the wall shows nothing new now")
        self._listeners.append(self._heard)
        try:
            while self._viewers and not self._ending.is_set():
                if self._news.is_set() or time.monotonic() - looked >= LOOK_SECONDS:
                    self._news.clear()
                    looked = time.monotonic()
                    languages = frozenset(self._viewers.values())
                    with weather.outlasting():
                        self._tell(await asyncio.to_thread(self._draw, languages))
                        self._begun |= languages
                await asyncio.sleep(TICK_SECONDS)
        finally:
            self._listeners.remove(self._heard)
            for queue in self._viewers:
                _dismiss(queue)

    def _heard(self, _station: str) -> None:
        self._news.set()

    def _draw(self, languages: frozenset[str]) -> dict[str, bytes]:
        look = self._board.look(fresh=True)
        for each in languages - self._painters.keys():
            self._painters[each] = Painter(each)
        return {each: self._painters[each].draw(look) for each in languages}

    def _tell(self, events: dict[str, bytes]) -> None:
        for queue, language in self._viewers.items():
            event = events.get(language, b"")
            if not event:
                continue
            if queue.full():
                _dismiss(queue)
            else:
                queue.put_nowait(event)


def _dismiss(queue: Queue) -> None:
    """Empties a queue and puts the end into it."""
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(b"")
