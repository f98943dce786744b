"""How many are inside, and what a split let happen: counted on with every going through, counted anew but seldom.

Counting on looks only at the people who went: what they count for now instead of what they counted for before.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from core import place
from core.place import Conflict, Step
from station.journal.place import PlaceBook

log = logging.getLogger(__name__)

_AT_ONCE = 500
"""Goings through that are counted on at one go: what a whole place tells after a split leaves room for the rest."""

_EVER = datetime.fromtimestamp(0, UTC)
_EXPIRE_EVERY = 60.0
_ANEW_EVERY = 900.0
_REST = 20  # to count a busy place's whole day anew takes a slow board a while


class Terms(msgspec.Struct, frozen=True):
    """What is counted by: for how many seconds somebody is inside at most, and within how many twice is wrong."""

    inside: float
    conflict: float


class Occupancy:
    """The count of one gate's book; ``inside`` is None until it was counted for the first time."""

    def __init__(self, book: PlaceBook) -> None:
        self.inside: int | None = None
        self.conflicts = 0
        self._book = book
        self._terms: Terms | None = None
        self._turn, self._now = 0, datetime.min.replace(tzinfo=UTC)
        self._due, self._anew_at, self._rests_until, self._expire_at = True, 0.0, float("-inf"), 0.0

    def recount(self) -> None:
        """Something was erased: what was counted is counted anew as soon as may be."""
        self._due = True

    def count(self, now: datetime, terms: Terms, monotonic: float) -> bool:
        """Takes in what is new in the book; whether there is more of it."""
        anew = self._due or terms != self._terms or monotonic >= self._anew_at
        if anew and monotonic >= self._rests_until:
            self._count_anew(now, terms, monotonic)
        elif monotonic >= self._expire_at:
            self._expire_at = monotonic + _EXPIRE_EVERY
            self._expire(now)
        return self._count_on()

    def _count_anew(self, now: datetime, terms: Terms, monotonic: float) -> None:
        begun = time.monotonic()
        steps = self._book.since(_EVER)
        if steps is None:
            return
        self._terms, self._now, self._due = terms, now, False
        self._turn = max((step.turn for step in steps), default=self._turn)
        self.inside = place.inside(steps, terms.inside, now)
        self._wrong(place.conflicts(steps, self._book.station, terms.conflict), self.conflicts)
        self._rests_until = monotonic + _REST * (time.monotonic() - begun)
        self._anew_at, self._expire_at = monotonic + _ANEW_EVERY, monotonic + _EXPIRE_EVERY

    def _count_on(self) -> bool:
        fresh = self._book.after(self._turn, _AT_ONCE) if self._terms is not None else []
        known = self._book.people_of(fresh) if fresh else None
        if known is None:
            return False
        before = [step for step in known if step.turn <= self._turn]
        after = [step for step in known if step.turn <= fresh[-1].turn]
        self._replace(before, after, self._now)
        self._turn = fresh[-1].turn
        return len(fresh) == _AT_ONCE

    def _expire(self, now: datetime) -> None:
        """Whoever has been inside for too long counts as gone."""
        if self._terms is None:
            return
        longest = timedelta(seconds=self._terms.inside)
        gone = self._book.between(self._now - longest, now - longest)
        known = self._book.people_of(gone) if gone is not None else None
        if known is None or now < self._now:
            self._due = True
            return
        counted = [step for step in known if step.turn <= self._turn]
        self._replace(counted, counted, now)

    def _replace(self, before: Sequence[Step], after: Sequence[Step], now: datetime) -> None:
        """What these people count for from ``now`` on, instead of what they counted for."""
        if self._terms is None or self.inside is None:
            return
        longest, apart, own = self._terms.inside, self._terms.conflict, self._book.station
        self.inside += place.inside(after, longest, now) - place.inside(before, longest, self._now)
        self._now = now
        self._wrong(place.conflicts(after, own, apart), len(place.conflicts(before, own, apart)))

    def _wrong(self, found: Sequence[Conflict], instead_of: int) -> None:
        """So many of what was counted are now these."""
        if len(found) > instead_of:
            log.warning(
                "cut off from other gates of the place, this one let people go the same way again",
                extra={
                    "times": self.conflicts + len(found) - instead_of,
                    "gates": sorted({conflict.earlier.station for conflict in found}),
                },
            )
        self.conflicts += len(found) - instead_of
