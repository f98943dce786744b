"""Journal → hub: one loop that brings rows, takes the hub's word for them, takes policies in and erases what may go.

One batch is under way at a time; over MQTT the next is made ready meanwhile.  Only the hub's *held* moves on: never a
PUBACK, never a 200 without it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from core import wire
from station.clock import Clock
from station.errors import JournalError
from station.hub_keys import HubKeys
from station.journal.record import Journal, Pending
from station.orders.mailbox import Mailbox
from station.policies import Policies
from station.reports import Reports
from station.showing import Showing

log = logging.getLogger(__name__)

MOST_ROWS = 200
MOST_BYTES = 128 * 1024
HELD_WITHIN = 20.0
_ERASE_EVERY = 60.0
_IDLE = 1.0
NOT_HELD = "does not say that it holds the rows it was sent"
_TWIN_SHOWN = 300.0
_CURES = {
    "two-stations": "two boards go by this name: give each its own [station] name and token",
    "conflict": "two boards write one journal: has a card been copied? Enrol one of them anew",
    "chain-broken": "rows of this journal were changed or removed: keep the card as evidence",
}


class Carrier(Protocol):
    """A way for rows to the hub and for its words back."""

    def step(self, sync: Sync) -> bool:
        """Takes in what has come, sends one batch if it may go; True when there may be more to do at once.

        Never waits longer than a request takes.
        """

    def close(self) -> None:
        """Says goodbye where that is the custom."""

    @property
    def problem(self) -> str:
        """Why the hub is not reached, or nothing."""

    def give_way(self) -> None:
        """Comes back less eagerly: two boards of one name throw each other off the broker."""


class _Walk(msgspec.Struct, frozen=True):
    """Below which number refused rows are to be asked for, and whether those that are known are passed."""

    before: int
    to_oldest: bool


@dataclass
class Sync:
    """What the loop shares with the gate: ``wake`` is set when a row was written or the hub said something.

    ``heard`` is called whenever the hub was heard.
    """

    journal: Journal
    policies: Policies
    clock: Clock
    carrier: Carrier
    wake: threading.Event
    heard: Callable[[], None]
    reports: Reports = field(default_factory=Reports)
    mail: Mailbox = field(default_factory=Mailbox)
    showing: Showing = field(default_factory=Showing)
    asking: Callable[[], bool] = lambda: False  # a look-up is under way: rows let it go first
    keys: HubKeys | None = None
    last_contact: float | None = None  # monotonic

    def __post_init__(self) -> None:
        self._erase_next = 0.0
        self._again: deque[tuple[str, int, int]] = deque()
        self._walks: dict[str, list[_Walk]] = {}  # of epochs
        self._walked: set[str] = set()
        self._alarm = ""
        self._twin_until = float("-inf")

    def run(self, stop: threading.Event) -> None:
        """The loop; ends by ``stop`` and a ``wake``."""
        while not stop.is_set():
            try:
                self.policies.follow()
                more = self.carrier.step(self)
                more |= self._erase()
            except JournalError:
                more = False
                stop.wait(_IDLE)  # told by the journal, once; nothing can be brought until it mends
            if not more:
                self.wake.wait(_IDLE)
            self.wake.clear()
        self.carrier.close()

    def next_batch(self, most_bytes: int = MOST_BYTES) -> Pending | None:
        """The rows to bring now, those first that the hub wants once more."""
        most = min(most_bytes, MOST_BYTES)
        while self._again:
            wanted = self.journal.between(*self._again[0], MOST_ROWS, most)
            if wanted is not None:
                return wanted
            self._again.popleft()
        return self.journal.pending(MOST_ROWS, most)

    def following(self, pending: Pending, most_bytes: int) -> Pending | None:
        """The rows behind these, to be brought when the hub holds these; None: there are none, or others come first."""
        if pending.again or self.wanted_again:
            return None
        return self.journal.following(pending, MOST_ROWS, min(most_bytes, MOST_BYTES))

    @property
    def wanted_again(self) -> bool:
        """Whether the hub wants rows once more, which come before all others."""
        return bool(self._again)

    def bring_again(self, epoch: str, first: int, last: int) -> None:
        """Has rows brought once more, which changes nothing at a hub that holds them; by any thread."""
        self._again.append((epoch, first, last))
        self.wake.set()

    def brought(self, pending: Pending) -> None:
        """The hub has said something of these rows."""
        if pending.again and self._again and self._again[0][0] == pending.epoch:
            epoch, _, last = self._again[0]
            self._again[0] = (epoch, pending.first + len(pending.raws), last)

    def take_mark(self, mark: wire.HeldMark) -> None:
        """The hub's word for our rows; what it says of another station's is not for us."""
        if mark.station != self.journal.station:
            return
        self.contact()
        new = self.journal.hold(mark)
        self._heed(mark.alarm)
        self._hear_refused(mark, new)
        if new:
            log.error("hub refuses rows", extra={"rows": new, "cause": mark.refused[-1].cause[:80]})

    def _hear_refused(self, mark: wire.HeldMark, new: int) -> None:
        """A mark names the newest refused rows only: notes where older ones are to be asked for.

        Asked until none is news, and down to the oldest once after each start.
        """
        walks = self._walks.setdefault(mark.epoch, [])
        if not mark.refused_before:
            if mark.refused_older and (new or mark.epoch not in self._walked):
                walks.append(_Walk(mark.refused[0].seq, to_oldest=mark.epoch not in self._walked))
                self._walked.add(mark.epoch)
        elif walks and mark.refused_before == walks[-1].before:
            goes_on = mark.refused and mark.refused_older and (new or walks[-1].to_oldest)
            walks[-1:] = [_Walk(mark.refused[0].seq, walks[-1].to_oldest)] if goes_on else []

    def next_question(self) -> wire.Batch | None:
        """What to ask the hub about rows that it refused, or nothing."""
        for epoch, walks in self._walks.items():
            if walks:
                return wire.Batch(self.journal.station, epoch, 1, (), refused_before=walks[-1].before)
        return None

    def take_policy(self, document: bytes) -> bool:
        """A policy that somebody sent: whether it is now held.  Only one that our hub signed says that it was heard."""
        if self.policies.believes(document):
            self.contact()
        return self.policies.offer(document, self.clock.now())

    @property
    def named_twice(self) -> bool:
        """Whether the hub told within the last five minutes that two boards go by this station's name."""
        return time.monotonic() < self._twin_until

    def _heed(self, alarm: str) -> None:
        if alarm and alarm != self._alarm:
            log.error(
                "the hub raised an alarm about this station", extra={"alarm": alarm, "cure": _CURES.get(alarm, "")}
            )
        self._alarm = alarm
        if alarm == "two-stations":
            self._twin_until = time.monotonic() + _TWIN_SHOWN
            self.carrier.give_way()

    def contact(self) -> None:
        """The hub was heard."""
        self.last_contact = time.monotonic()
        self.heard()

    def _erase(self) -> bool:
        """A bounded number of rows at a time: the gate waits for the same journal."""
        if time.monotonic() < self._erase_next:
            return False
        if self.journal.erase(self.clock.now(), sure=self.clock.agreed):
            return True
        self._erase_next = time.monotonic() + _ERASE_EVERY
        return False


def moves_on(mark: wire.HeldMark, pending: Pending) -> bool:
    """Whether the hub says that it holds at least the first of these rows now, or took them in once more."""
    same = (mark.station, mark.epoch) == (pending.station, pending.epoch)
    return same and (pending.again or mark.through >= pending.first)


def batch_of(pending: Pending) -> wire.Batch:
    """The message that brings these rows, byte for byte as the journal holds them unless they are damaged."""
    raws = tuple(msgspec.Raw(raw) for raw in pending.raws)
    return wire.Batch(pending.station, pending.epoch, pending.first, raws, pending.gone, pending.gone_hash)


def size_of(pending: Pending) -> int:
    """About how many bytes bring these rows."""
    return sum(map(len, pending.raws)) + len(pending.raws)


class NoCarrier:
    """No hub: rows wait."""

    problem = "no hub is configured"

    def give_way(self) -> None:
        """Nothing to give way on."""

    def step(self, sync: Sync) -> bool:
        """Nothing can be brought anywhere."""
        return False

    def close(self) -> None:
        """Nothing to say to nobody."""
