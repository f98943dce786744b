"""What a gate still has to tell its place again: of its own goings through those parts that another gate lacks.

Gates say what they hold by parts of each other's journals (``core.place.Held``).  A part is owed once, however many
lack it, for all hear what is told; so telling ends, whoever asks and however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.place import PART, Held, Step
from station.journal.place import PlaceBook

Part = tuple[str, int]
_NONE = 1 << 63


class Retelling:
    """The parts that are owed, told newest first, a page (one message) at a time."""

    def __init__(self, book: PlaceBook) -> None:
        self._book = book
        self._owed: dict[Part, int] = {}
        self._part: Part | None = None
        self._once_more = False
        self._below, self._last = 0, _NONE

    def owe(self, others: Iterable[Sequence[Held]]) -> None:
        """Owes each of some gates what it lacks, given what it holds: no more than that, and of this day and the last.

        What such a gate lacks in the part that is being told may have been told before it listened.
        """
        own = self._book.own_parts()
        for held in others:
            has = set(held)
            lacks = {(part.epoch, part.part): turn for part, turn in own.items() if part not in has}
            self._owed |= lacks
            self._once_more = self._once_more or self._part in lacks

    def page(self) -> list[Step]:
        """What to tell next; nothing when nothing is owed."""
        while self._owed:
            if self._part is None:
                self._part, self._once_more = self._next(), False
                self._below = (self._part[1] + 1) * PART
            if steps := self._book.own_of(*self._part, self._below):
                return steps
            self._last = self._owed[self._part]
            if not self._once_more:
                del self._owed[self._part]
            self._part = None
        self._last = _NONE
        return []

    def told(self, steps: Sequence[Step]) -> None:
        """A page was told."""
        self._below = steps[-1].seen.seq

    def _next(self) -> Part:
        """The newest that is older than the last one: the oldest has its turn though the newest is owed ever again."""
        older = {part: turn for part, turn in self._owed.items() if turn < self._last}
        return max(older or self._owed, key=lambda part: self._owed[part])
