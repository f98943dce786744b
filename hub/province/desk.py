"""The desk that asks the province system: one loop in a thread of its own, for everybody in the hub who wants to know.

Two who want the same person at once share one letter.  An answer that is new enough is given again without asking;
while the system is down an older one is given as what it is, and where there is none the asker is told so: nobody is
ever called unknown because a line was cut.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import sqlalchemy as sa

from core.model import Subject
from hub.config import ProvinceSettings
from hub.logs import Tally
from hub.province import letters
from hub.province.answers import Misfit, interpret
from hub.province.breaker import Breaker, Leave
from hub.province.joining import Authority, Joined
from hub.province.kept import Answered, Answers, Told
from hub.province.line import Line, NotAnswered, opened
from hub.province.mapping import Mapping
from hub.storage.keyring import Keyring

log = logging.getLogger(__name__)

START_SECONDS = 10.0
BATCH_SECONDS = 30.0
HASTE = 0.5
"""An ask that had to wait for a free line so long that less of its time is left says nothing about the system."""

Result = TypeVar("Result")


class Desk:
    """Asks for other threads; ``run`` is its own thread's body, ``ask`` may be called from any."""

    def __init__(self, settings: ProvinceSettings, mapping: Mapping, ring: Keyring, tally: Tally) -> None:
        self._settings = settings
        self._mapping = mapping
        self._ring = ring
        self._tally = tally
        self._breaker = Breaker(settings.failures, settings.open_seconds)
        self._answers = Answers(
            settings.kept_at_most, settings.known_seconds, settings.unknown_seconds, settings.held_seconds
        )
        self._letters: dict[bytes, asyncio.Task[Answered]] = {}
        self.problem = ""
        """Why the system is left alone; empty while it is asked."""

        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._line: Line
        self._end: asyncio.Event
        self._lines: asyncio.Semaphore
        self._batch_lines: asyncio.Semaphore

    def joined(self, reader: sa.Connection) -> Joined:
        """Makes its answers standings, on a connection of the caller's thread."""
        return Joined(reader, self._ring, cast("Authority", self._settings.registry))

    def ask(self, subject: Subject) -> Future[Answered | None]:
        """What the system says of one person; None when it knows nobody by such codes."""
        return self._submit(self._ask(subject))

    def ask_all(self, subjects: Sequence[Subject]) -> Future[list[Answered | None]]:
        """What it says of many, in their order; on half the lines, so that gates need not wait."""
        return self._submit(self._ask_all(subjects))

    def run(self) -> None:
        """Keeps the loop until stopped."""
        asyncio.run(self._serve())

    def stop(self) -> None:
        """Lets the loop end; call it when nobody asks any more."""
        if self._ready.wait(START_SECONDS):
            self._loop.call_soon_threadsafe(self._end.set)

    def _submit(self, work: Coroutine[Any, Any, Result]) -> Future[Result]:
        self._ready.wait(START_SECONDS)
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _serve(self) -> None:
        async with opened(self._settings) as self._line:
            self._loop = asyncio.get_running_loop()
            self._end = asyncio.Event()
            self._lines = asyncio.Semaphore(self._settings.at_once)
            self._batch_lines = asyncio.Semaphore(max(1, self._settings.at_once // 2))
            self._ready.set()
            await self._end.wait()

    async def _ask_all(self, subjects: Sequence[Subject]) -> list[Answered | None]:
        until = self._loop.time() + BATCH_SECONDS

        async def one(subject: Subject) -> Answered | None:
            async with self._batch_lines:
                late = self._loop.time() > until
                return NotAnswered("too many were asked for at once") if late else await self._ask(subject)

        return list(await asyncio.gather(*map(one, subjects)))

    async def _ask(self, subject: Subject) -> Answered | None:
        if subject.scheme not in self._mapping.request.schemes:
            return None
        digest = self._ring.digest(subject)
        told = self._answers.fresh(digest, self._loop.time())
        if told is not None:
            return told
        letter = self._letters.get(digest)
        if letter is None:
            leave = self._breaker.admit(self._loop.time())
            if leave is None:
                return self._held(digest) or NotAnswered("does not answer; it is left alone for a while")
            letter = asyncio.create_task(self._fetch(subject, digest, leave))
            self._letters[digest] = letter
            letter.add_done_callback(lambda _: self._letters.pop(digest))
        answered = await asyncio.shield(letter)  # one who hangs up takes the answer from nobody else
        return (self._held(digest) or answered) if isinstance(answered, NotAnswered) else answered

    def _held(self, digest: bytes) -> Told | None:
        return self._answers.held(digest, self._loop.time())

    async def _fetch(self, subject: Subject, digest: bytes, leave: Leave) -> Answered:
        try:
            answered = await self._exchange(subject, leave)
        except BaseException:
            self._breaker.abandoned(leave)  # or nobody would ever try again
            raise
        if isinstance(answered, Told):
            self._answers.keep(digest, answered, self._loop.time())
        return answered

    async def _exchange(self, subject: Subject, leave: Leave) -> Answered:
        whole = self._settings.whole_ms / 1_000
        until = self._loop.time() + whole
        try:
            async with asyncio.timeout_at(until):
                await self._lines.acquire()
        except TimeoutError:
            self._breaker.abandoned(leave)
            return self._troubled("too many are asked for at once; see province.at_once")
        try:
            now, left = datetime.now(UTC), until - self._loop.time()
            status, body = await self._line.send(letters.write(self._mapping.request, subject, now), left)
            told = Told(interpret(self._mapping, status, body, subject), as_of=now)
        except (NotAnswered, Misfit) as problem:
            self._settle(leave, ill=problem.ill and left >= HASTE * whole, problem=str(problem))
            return self._troubled(str(problem))
        finally:
            self._lines.release()
        self._settle(leave, ill=False)
        return told

    def _settle(self, leave: Leave, *, ill: bool, problem: str = "") -> None:
        """Tells the breaker; a log line each time it opens or closes."""
        was_open = self._breaker.is_open
        if ill:
            self._breaker.failed(leave, self._loop.time())
        else:
            self._breaker.succeeded(leave)
        self.problem = (self.problem or problem) if self._breaker.is_open else ""
        if self._breaker.is_open and not was_open:
            log.warning("province system left alone", extra={"problem": problem})
        elif was_open and not self._breaker.is_open:
            log.warning("province system answers again")

    def _troubled(self, problem: str) -> NotAnswered:
        self._tally.add(f"province: {problem}")
        return NotAnswered(problem)
