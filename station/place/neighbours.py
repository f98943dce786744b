"""The loop that has the gates of one place agree without the hub: tells what this gate let through, takes in theirs.

Each going through is told at once.  With every new line the gate says what it has of the others' day and asks them to
do the same; each tells again what another lacks, newest first.  What is told again changes nothing.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime

from core import place, policy
from core.health import PlaceFigures, shortened
from core.model import Direction
from core.place import Dropped, Held, Seen, Word
from core.rules import GateRules
from station.broker import Broker, Connected, Disconnected
from station.clock import BUILT, Clock
from station.journal.place import PlaceBook
from station.place.line import PlaceLine
from station.place.occupancy import Occupancy, Terms
from station.place.retelling import Retelling
from station.policies import Policies
from station.settings import Settings

log = logging.getLogger(__name__)

_IDLE = 1.0
_PACE = 0.02
"""Seconds between two messages of what is told again, in the whole place: its gates share them."""

_ANSWER_AFTER = 1.0
"""Seconds between two answers to what a gate has, whoever asks and however often."""

_ASK_AFTER = 5.0
_SAY_EVERY = 600.0
"""Seconds after which a gate says what it has though nobody asks: a broker may drop what it has no room for."""

_FORGET_EVERY = 60.0
_MOST_GATES = 64


class Neighbours:
    """Runs beside the gate; ``wake`` is set when a row was written or something was heard."""

    name = "place"

    def __init__(
        self,
        book: PlaceBook,
        line: PlaceLine,
        place_key: bytes,
        *,
        wake: threading.Event,
        now: Callable[[], datetime],
        rules: Callable[[datetime], GateRules],
        direction: Callable[[], Direction],
        capacity: int = 0,
    ) -> None:
        self.book, self.wake = book, wake
        self._line, self._key, self._now, self._capacity = line, place_key, now, capacity
        self._rules, self._direction = rules, direction
        self._problem = "not connected yet"
        self._heard: set[str] = set()
        self._of_before: set[str] = set()
        self._dropped: Counter[str] = Counter()
        self._lost = self._renewed = 0
        self._told = book.newest_turn()
        self._asks = False
        self._ask_at = self._again_at = 0.0
        self._says_at, self._answered = float("inf"), float("-inf")
        self._lacking: dict[str, Sequence[Held]] = {}
        self._owe_at = 0.0
        self._again = Retelling(book)
        self._crowd = Occupancy(book)
        self._forget_next = 0.0
        self._unset = now() < BUILT

    def run(self, stop: threading.Event) -> None:
        """Goes on until ``stop`` and a ``wake``."""
        while not stop.is_set():
            self.wake.clear()
            self.wake.wait(self.step(time.monotonic()))

    def figures(self) -> PlaceFigures:
        """What to say of it in health; by any thread."""
        return PlaceFigures(
            gates=len(self._heard),
            conflicts=self._crowd.conflicts,
            dropped=sum(self._dropped.values()),
            inside=self._crowd.inside,
            capacity=self._capacity,
            problem=shortened(self._problem or self.book.problem, 200),
        )

    def step(self, monotonic: float) -> float:
        """Takes in what has come and tells what there is to tell; the seconds until it wants to be called again."""
        self._listen(monotonic)
        if monotonic >= self._forget_next and self._now() >= BUILT:
            self._forget_next = monotonic + _FORGET_EVERY
            if self.book.forget(self._now()):
                self._crowd.recount()
        waits = self._tell(monotonic)
        return 0.0 if self._crowd.count(self._now(), self._terms(), monotonic) else waits

    def _listen(self, monotonic: float) -> None:
        now = self._now()
        told: list[tuple[str, Seen]] = []
        for event in self._line.events():
            if isinstance(event, Connected):
                log.info("the place's broker connected", extra={"broker": self._line.name})
                self._problem, self._asks, self._ask_at = "", True, monotonic
                self._of_before.clear()
            elif isinstance(event, Disconnected):
                self._trouble(event.problem)
            else:
                told += self._heed(event.payload, now, monotonic)
        self.book.take(told)
        if self._line.lost > self._lost or (self._unset and now >= BUILT):  # what was missed is told again
            self._lost, self._unset, self._asks = self._line.lost, False, True
        if self.book.renewed > self._renewed:  # so is what lay in a book that was damaged
            self._renewed, self._asks = self.book.renewed, True
            self._crowd.recount()

    def _heed(self, payload: bytes, now: datetime, monotonic: float) -> list[tuple[str, Seen]]:
        try:
            word = place.heard(self._key, self.book.place, payload)
        except Dropped as error:
            self._drop(str(error))
            return []
        if word.station == self.book.station:
            return []  # our own words, come back over a bridge
        if len(self._heard) < _MOST_GATES:
            self._heard.add(word.station)
        self._owe(word)
        if word.asks:
            at = monotonic + random.uniform(0, 0.2)  # noqa: S311  # jitter, no secret
            self._says_at = min(self._says_at, max(at, self._answered + _ANSWER_AFTER))
        believed = []
        for seen in word.seen:
            if doubt := place.doubt(seen, now):
                self._drop(doubt)
            else:
                believed.append((word.station, seen))
        return believed

    def _owe(self, word: Word) -> None:
        """A gate of before never says what it has: it is told all when it asks, and once on every line of ours."""
        if word.has is not None:
            self._lacking[word.station] = [held for held in word.has if held.station == self.book.station]
        elif word.speaks < place.SPEAKS and (word.asks or word.station not in self._of_before):
            self._of_before.add(word.station)
            self._lacking[word.station] = ()

    def _drop(self, cause: str) -> None:
        if not self._dropped[cause]:
            log.warning("what was told in this place is dropped", extra={"cause": cause})
        self._dropped[cause] += 1

    def _tell(self, monotonic: float) -> float:
        """What is new goes first; what is told again goes at its pace."""
        while self._line.free:
            fresh = self.book.own_after(self._told)
            if not fresh:
                return self._say_what_is_held(monotonic) or self._tell_again(monotonic)
            if not self._say([step.seen for step in fresh]):
                break
            self._told = fresh[-1].turn
        return _IDLE

    def _say_what_is_held(self, monotonic: float) -> float:
        """Asks, or answers who has asked; 0 when there was neither to do."""
        asks = self._asks and monotonic >= self._ask_at
        if not asks and monotonic < self._says_at:
            return 0.0
        held = self.book.held()
        if held is None or not self._say([], asks=asks, has=held[: place.MOST_HELD]):
            return _IDLE
        self._answered, self._says_at = monotonic, monotonic + _SAY_EVERY * random.uniform(0.8, 1.2)  # noqa: S311  # jitter
        if asks:
            self._asks, self._ask_at = False, monotonic + _ASK_AFTER
        return _PACE

    def _tell_again(self, monotonic: float) -> float:
        waits = min(_IDLE, max(0.0, self._says_at - monotonic))
        if self._asks:
            waits = min(waits, max(0.0, self._ask_at - monotonic))
        if monotonic < self._again_at:
            return min(waits, self._again_at - monotonic)
        if self._lacking and monotonic >= self._owe_at:
            self._again.owe(self._lacking.values())
            self._lacking, self._owe_at = {}, monotonic + _ANSWER_AFTER
        page = self._again.page()
        if not page or not self._say([step.seen for step in page]):
            return waits
        self._again.told(page)
        pause = _PACE * max(1, len(self._heard))
        self._again_at = monotonic + pause
        return min(waits, pause)

    def _say(self, seen: list[Seen], *, asks: bool = False, has: Sequence[Held] | None = None) -> bool:
        held = None if has is None else tuple(has)
        word = Word(self.book.place, self.book.station, tuple(seen), asks, held, place.SPEAKS)
        return self._line.tell(place.vouch(self._key, word))

    def _terms(self) -> Terms:
        rules = self._rules(self._now())
        return Terms(rules.inside_at_most, place.window(self._direction(), rules))

    def _trouble(self, problem: str) -> None:
        if problem != self._problem:
            log.warning("the place's broker lost", extra={"broker": self._line.name, "problem": problem})
        self._problem = problem


def neighbours(
    settings: Settings, policies: Policies, clock: Clock, direction: Callable[[], Direction], stack: ExitStack
) -> Neighbours | None:
    """Opens book and line of a station that has a place's broker; None for one that has none."""
    own, here = settings.place, settings.station
    if not own.host:
        return None
    wake = threading.Event()
    book = stack.enter_context(PlaceBook(settings.data / "place.db", here.place, here.name, own.place_key))
    host, port = own.address
    broker = Broker(host, port, own.username or here.name, own.password, own.keepalive, own.tls, own.ca_file)
    line = stack.enter_context(PlaceLine(broker, here.name, here.place, wake.set))

    def rules(now: datetime) -> GateRules:
        return policy.Rules.of(policies.current(now), here.kind, here.place, Direction.IN).gate

    return Neighbours(
        book,
        line,
        own.place_key,
        wake=wake,
        now=clock.now,
        rules=rules,
        direction=direction,
        capacity=own.capacity,
    )
