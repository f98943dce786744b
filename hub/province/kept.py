"""Answers kept in memory only, under keyed digests of the numbers: given again at once, or in an outage as held."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from hub.province.answers import Foreign
from hub.province.line import NotAnswered


@dataclass(frozen=True, slots=True)
class Told:
    """What the province system said, and when; ``held`` when it was asked again since and could not be."""

    found: Foreign | None
    as_of: datetime
    held: bool = False


Answered = Told | NotAnswered
"""What came of asking; that nobody could be asked is a value here, because somebody must be told something."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer and the monotonic second it came."""

    told: Told
    since: float


class Answers:
    """At most so many, the ones unused for longest forgotten first; for one thread, seconds are monotonic."""

    def __init__(self, at_most: int, known: float, unknown: float, held: float) -> None:
        self._most, self._known, self._unknown, self._held = at_most, known, unknown, held
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, digest: bytes, told: Told, now: float) -> None:
        """Keeps an answer in the place of an older one."""
        self._kept[digest] = Kept(told, now)
        self._kept.move_to_end(digest)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def fresh(self, digest: bytes, now: float) -> Told | None:
        """An answer new enough to stand for asking."""
        kept = self._kept.get(digest)
        if kept is None:
            return None
        self._kept.move_to_end(digest)
        lives = self._known if kept.told.found is not None else self._unknown
        return kept.told if now - kept.since < lives else None

    def held(self, digest: bytes, now: float) -> Told | None:
        """An older answer for an outage.  That nobody was known is no such answer: they may have declared since."""
        kept = self._kept.get(digest)
        if kept is None or kept.told.found is None:
            return None
        if now - kept.since >= self._held:
            del self._kept[digest]
            return None
        return Told(kept.told.found, kept.told.as_of, held=True)
