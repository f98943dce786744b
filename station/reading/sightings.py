"""Which codes are in view, so that each showing of a code is one presentation; remembers keyed hashes, no payloads."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from secrets import token_bytes

import msgspec

from station.reading.decoders import LINEAR, Read

AWAY = 2.0
"""Seconds out of view after which a code may be presented again."""

BELIEVED_STILL = 10.0
"""Seconds for which a code in a scene where nothing moves is taken to be there although it was not read again."""

SECOND_LOOK = 1.5
"""Seconds within which a bar code must be read twice to count: they have next to no error correction."""


class _Sighting(msgspec.Struct):
    seen: float  # when it was last in view
    read: float  # when it was last read
    presented: bool


class Sightings:
    """The codes in view of one camera.  Times are monotonic seconds of the caller's clock."""

    def __init__(self) -> None:
        self._key = token_bytes(32)
        self._known: dict[bytes, _Sighting] = {}
        self._tidy_next = float("-inf")
        self._in_view: set[bytes] = set()

    def see(self, reads: Iterable[Read], now: float, *, moved: bool) -> tuple[Read, ...]:
        """Take what one frame showed and return what is newly presented.

        ``moved`` says that the scene has changed, so that what was not read any more has left.
        """
        self._tidy(now)
        here = {self._tag(read): read for read in reads}
        self._in_view = set(here) if moved else self._in_view | set(here)
        return tuple(read for tag, read in here.items() if self._is_new(tag, read, now))

    def half_believed(self, now: float) -> bool:
        """Say whether a code in view was read once and must be read again soon to count."""
        here = (self._known.get(tag) for tag in self._in_view)
        return any(one and not one.presented and now - one.read <= SECOND_LOOK for one in here)

    def stay(self, now: float) -> None:
        """Note that nothing in the scene has moved, so what is in view still is."""
        for tag in self._in_view:
            sighting = self._known.get(tag)
            if sighting and now - sighting.read <= BELIEVED_STILL:
                sighting.seen = now

    def unwatched(self, seconds: float, now: float) -> None:
        """Note that nobody looked for so long: what was in view then has not been seen to leave it meanwhile."""
        for tag in self._in_view:
            sighting = self._known.get(tag)
            if sighting and now - sighting.read <= BELIEVED_STILL:
                sighting.seen += seconds

    def forget(self, read: Read) -> None:
        """Let a code be presented again at once: nobody had room for it."""
        self._known.pop(self._tag(read), None)

    def _tag(self, read: Read) -> bytes:
        return blake2b(read.data, key=self._key, digest_size=16).digest()

    def _is_new(self, tag: bytes, read: Read, now: float) -> bool:
        sighting = self._recent(tag, now)
        if sighting is None:
            at_once = read.symbology not in LINEAR
            self._known[tag] = _Sighting(now, now, at_once)
            return at_once
        due = not sighting.presented and now - sighting.read <= SECOND_LOOK
        sighting.seen = sighting.read = now
        sighting.presented |= due
        return due

    def _recent(self, tag: bytes, now: float) -> _Sighting | None:
        """What is known of a code that has not been out of view for too long."""
        sighting = self._known.get(tag)
        return sighting if sighting is not None and now - sighting.seen < AWAY else None

    def _tidy(self, now: float) -> None:
        """Forgets who is long gone; not at each frame, because in a crowd there are many."""
        if now >= self._tidy_next:
            self._tidy_next = now + AWAY
            self._known = {tag: known for tag, known in self._known.items() if now - known.seen < AWAY}
