"""The loop that has the gates of one place agree without the hub: tells what this gate let through, takes in theirs.

Each going through is told at once.  With every new line the gate tells its day again, newest first, and asks the others
to do the same; what is told again changes nothing.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta

from core import place, policy
from core.health import PlaceFigures, shortened
from core.model import Direction
from core.place import Dropped, Seen, Word
from core.rules import GateRules
from station.broker import Broker, Connected, Disconnected
from station.clock import BUILT, Clock
from station.journal.place import PlaceBook
from station.place_link import PlaceLine
from station.policies import Policies
from station.settings import Settings

log = logging.getLogger(__name__)

MOST_TOLD_AGAIN = 5_000
"""Goings through of this gate that are told again at most."""

_IDLE = 1.0
_PACE = 0.02
"""Seconds between two messages of what is told again: ten gates may do so at once."""

_AGAIN_AFTER = 5.0
"""Seconds between two beginnings of telling the day again, whoever asks and however often."""

_LOOK_EVERY = 5.0
_REST = 20  # a look at a busy place's whole day takes a slow board a while
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
        self._dropped: Counter[str] = Counter()
        self._lost = self._renewed = 0
        self._asks = False
        self._told = book.newest_turn()
        self._back, self._back_left, self._back_next = 0, 0, 0.0
        self._greets = False
        self._again_at, self._again_last = float("inf"), float("-inf")
        self._changed = True
        self._look_next = self._forget_next = 0.0
        self._unset = now() < BUILT
        self._conflicts = 0
        self._inside: int | None = None

    def run(self, stop: threading.Event) -> None:
        """Goes on until ``stop`` and a ``wake``."""
        while not stop.is_set():
            self.wake.clear()
            self.wake.wait(self.step(time.monotonic()))

    def figures(self) -> PlaceFigures:
        """What to say of it in health; by any thread."""
        return PlaceFigures(
            gates=len(self._heard),
            conflicts=self._conflicts,
            dropped=sum(self._dropped.values()),
            inside=self._inside,
            capacity=self._capacity,
            problem=shortened(self._problem or self.book.problem, 200),
        )

    def step(self, monotonic: float) -> float:
        """Takes in what has come and tells what there is to tell; the seconds until it wants to be called again."""
        self._listen(monotonic)
        if monotonic >= self._forget_next and self._now() >= BUILT:
            self._forget_next = monotonic + _FORGET_EVERY
            self.book.forget(self._now())
            self._changed = True  # whoever has been inside for too long counts as gone
        waits = self._tell(monotonic)
        if self._changed and monotonic >= self._look_next:
            self._look()
            self._look_next = monotonic + max(_LOOK_EVERY, _REST * (time.monotonic() - monotonic))
        return waits

    def _listen(self, monotonic: float) -> None:
        now = self._now()
        told: list[tuple[str, Seen]] = []
        for event in self._line.events():
            if isinstance(event, Connected):
                log.info("the place's broker connected", extra={"broker": self._line.name})
                self._problem, self._asks = "", True
                self._tell_again(monotonic)
            elif isinstance(event, Disconnected):
                self._trouble(event.problem)
            else:
                told += self._heed(event.payload, now, monotonic)
        if self.book.take(told):
            self._changed = True
        if self._line.lost > self._lost or (self._unset and now >= BUILT):  # what was missed is told again
            self._lost, self._unset, self._asks = self._line.lost, False, True
        if self.book.renewed > self._renewed:  # so is what lay in a book that was damaged
            self._renewed, self._asks, self._changed = self.book.renewed, True, True

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
        if word.asks:
            at = monotonic + random.uniform(0, 0.2)  # noqa: S311  # jitter, no secret
            self._again_at = min(self._again_at, max(at, self._again_last + _AGAIN_AFTER))
        believed = []
        for seen in word.seen:
            if doubt := place.doubt(seen, now):
                self._drop(doubt)
            else:
                believed.append((word.station, seen))
        return believed

    def _drop(self, cause: str) -> None:
        if not self._dropped[cause]:
            log.warning("what was told in this place is dropped", extra={"cause": cause})
        self._dropped[cause] += 1

    def _tell_again(self, monotonic: float) -> None:
        self._told = self.book.newest_turn()
        self._back, self._back_left, self._greets = self._told + 1, MOST_TOLD_AGAIN, True
        self._again_at, self._again_last = float("inf"), monotonic

    def _tell(self, monotonic: float) -> float:
        """What is new goes first; what is told again goes at its pace."""
        if monotonic >= self._again_at:
            self._tell_again(monotonic)
        while self._line.free:
            fresh = self.book.own_after(self._told)
            if not fresh and not self._asks:
                return self._tell_back(monotonic)
            if not self._say([step.seen for step in fresh], asks=self._asks):
                break
            self._asks = False
            if fresh:
                self._told, self._changed = fresh[-1].turn, True
        return _IDLE

    def _tell_back(self, monotonic: float) -> float:
        waits = min(_IDLE, max(0.0, self._again_at - monotonic))
        if not self._back_left:
            return waits
        if monotonic < self._back_next:
            return min(waits, self._back_next - monotonic)
        again = self.book.own_before(self._back)[: self._back_left]
        if (again or self._greets) and not self._say([step.seen for step in again]):
            return waits
        self._greets, self._back_next = False, monotonic + _PACE
        self._back = again[-1].turn if again else 0
        self._back_left = self._back_left - len(again) if again else 0
        return min(waits, _PACE)

    def _say(self, seen: list[Seen], *, asks: bool = False) -> bool:
        word = Word(self.book.place, self.book.station, tuple(seen), asks)
        return self._line.tell(place.vouch(self._key, word))

    def _look(self) -> None:
        now = self._now()
        rules = self._rules(now)
        steps = self.book.since(now - timedelta(seconds=2 * rules.inside_at_most))
        self._inside = place.inside(steps, rules.inside_at_most, now)
        found = place.conflicts(steps, self.book.station, place.window(self._direction(), rules))
        if len(found) > self._conflicts:
            gates = sorted({conflict.earlier.station for conflict in found})
            log.warning(
                "cut off from other gates of the place, this one let people go the same way again",
                extra={"times": len(found), "gates": gates},
            )
        self._conflicts, self._changed = len(found), False

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
