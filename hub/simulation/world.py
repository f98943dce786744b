"""What all simulated stations of one run share: the clocks, the agenda, the keys, the people, and the counts."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

import msgspec

from core import keys, wire
from core.rules import Policy
from hub.simulation.days import DAY
from hub.simulation.pattern import Pattern
from hub.simulation.visitors import Visitors

VIETNAM = timedelta(hours=7)


class Time(msgspec.Struct, frozen=True):
    """The clock on the wall and the simulated day: when the run began by both, and how much faster the day goes.

    ``mono`` is monotonic seconds, ``day`` seconds since midnight of the simulated day.
    """

    mono: float
    utc: datetime
    day: float
    speed: float = 1.0

    def moment(self, mono: float) -> float:
        """The moment of the simulated day at a monotonic one."""
        return self.day + (mono - self.mono) * self.speed

    def when(self, moment: float) -> float:
        """The monotonic moment at which the simulated day is so far; infinite for never."""
        return self.mono + (moment - self.day) / self.speed

    def wall(self, mono: float) -> datetime:
        """What the clock on the wall says."""
        return self.utc + timedelta(seconds=mono - self.mono)


def begin(begins: str, mono: float, utc: datetime, speed: float) -> Time:
    """A run's clocks; ``begins`` as the pattern's ``day`` has it."""
    if begins == "now":
        there = utc.astimezone(UTC) + VIETNAM
        day = there.hour * 3_600.0 + there.minute * 60 + there.second
    else:
        hours, _, minutes = begins.partition(":")
        day = int(hours) * 3_600.0 + int(minutes) * 60
    return Time(mono, utc, day % DAY, speed)


class Agenda:
    """What is to be done when, by monotonic seconds; of two for one moment the one that was noted first goes first."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = itertools.count()

    def at(self, mono: float, action: Callable[[float], None]) -> None:
        """Has something done at a moment; never, when that is infinite."""
        if mono != float("inf"):
            heapq.heappush(self._due, (mono, next(self._count), action))

    def run(self, mono: float, at_most: int) -> None:
        """Does what is due, but for what does not fit into one turn."""
        for _ in range(at_most):
            if not self._due or self._due[0][0] > mono:
                return
            heapq.heappop(self._due)[2](mono)

    def wait(self, mono: float, longest: float) -> float:
        """Seconds until something is due."""
        return min(longest, max(0.0, self._due[0][0] - mono)) if self._due else longest


@dataclass
class Tally:
    """What has happened so far; ``connected`` is of now, ``unknown`` are answers that the hub knows nobody by."""

    connected: int = 0
    connects: int = 0
    lost: int = 0
    people: int = 0
    rows: int = 0
    held: int = 0
    asked: int = 0
    answered: int = 0
    unknown: int = 0
    health: int = 0
    troubles: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)


class Policies:
    """Policy documents are the same for thousands of stations: each is believed, or not, once."""

    def __init__(self, public: bytes) -> None:
        self._public = public
        self._known: dict[bytes, int] = {}

    def version(self, document: bytes) -> int:
        """The version of a policy that the hub signed; 0 of anything else."""
        if document not in self._known:
            self._known[document] = self._read(document)
        return self._known[document]

    def _read(self, document: bytes) -> int:
        try:
            return wire.decode(keys.verify(self._public, wire.decode(document, wire.Signed)), Policy).version
        except ValueError:
            return 0


@dataclass(frozen=True)
class World:
    """The shared parts; ``said`` tells whoever watches the run what a station does."""

    pattern: Pattern
    time: Time
    agenda: Agenda
    sealer: keys.Sealer
    sealing_key: bytes
    policy_key: bytes
    policies: Policies
    visitors: Visitors
    tally: Tally
    seed: int
    said: Callable[[str], None] = lambda _: None
    now: Callable[[], float] = monotonic
