"""Who went through today, as day-keyed tags: enough to know a repeat, and meaningless once the day's key is destroyed.

Days are UTC days.  A key lives until the day after its own is over, so that a night shift finds the evening's passes.

Tags are as good as random: put where they belong, the passes of one moment would each write another page of the file.
So they are noted one behind another (``goings``) and put in their order (``passages``) some hundreds at a time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

from core import keys
from core.model import Direction, Subject
from core.movement import Passage

Tags = tuple[str, ...]


def names_of(subject: Subject, person: str) -> tuple[tuple[str, str], ...]:
    """What a person can be known by: the code shown, and the hub's person key that joins all their codes."""
    own = (subject.scheme.value, subject.value)
    return (own, ("person", person)) if person else (own,)


LOOSE_AT_MOST = 512
"""Goings in no order: as many are looked through, some tens of microseconds, for whoever may have been here."""

_BITS = 1 << 20
"""Of the filter: 128 KiB; with twenty thousand people a day, each by two tags, one look in a hundred is in vain."""


class _Noted:
    """Which tags have been noted, by a Bloom filter (1970): it may say so of others, never the contrary.

    Whoever comes for the first time, as most people do, costs no look into the file.
    """

    def __init__(self, tags: Iterable[str]) -> None:
        self._bits = bytearray(_BITS // 8)
        for tag in tags:
            self.add(tag)

    def add(self, tag: str) -> None:
        """Notes one."""
        for place in _places(tag):
            self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, tag: str) -> bool:
        return all(self._bits[place >> 3] & (1 << (place & 7)) for place in _places(tag))


def _places(tag: str) -> tuple[int, ...]:
    """Four bits of the filter, out of 128 that are as good as random."""
    number = int(tag, 16)
    return tuple((number >> shift) % _BITS for shift in (0, 20, 40, 60))


_PUT_IN_ORDER = (
    "INSERT INTO passages (tag, day, at, direction, passed)"
    " SELECT tag, day, at, direction, passed FROM goings WHERE true ORDER BY id"
    " ON CONFLICT (tag) DO UPDATE SET at = excluded.at, direction = excluded.direction, passed = excluded.passed"
)


class Days:
    """The day keys, cached; every call is inside the caller's transaction."""

    def __init__(self) -> None:
        self._keys: dict[date, bytes | None] = {}
        self._noted: _Noted | None = None
        self._loose: int | None = None  # or fewer

    def forget(self) -> None:
        """Drops the cache, after a transaction that may have been rolled back."""
        self._keys = {}
        self._loose = None

    def begin(self) -> None:
        """Knows nothing of this file any more: it may be another one, or others may have written to it."""
        self.forget()
        self._noted = None

    def tags(self, db: sqlite3.Connection, names: Sequence[tuple[str, str]], at: datetime) -> Tags:
        """Today's tags, beginning the day when this is its first."""
        day = _day(at)
        key = self._key(db, day)
        if key is None:
            key = self._begin(db, day)
        return tuple(keys.tag(key, day, scheme, value) for scheme, value in names)

    def note(self, db: sqlite3.Connection, goings: Iterable[tuple[Tags, Passage]]) -> None:
        """Remembers goings through, each by every tag of whoever it was."""
        noted = [
            (tag, _day(passage.at).isoformat(), passage.at.timestamp(), passage.direction.value, passage.passed)
            for tags, passage in goings
            for tag in tags
        ]
        db.executemany("INSERT INTO goings (tag, day, at, direction, passed) VALUES (?, ?, ?, ?, ?)", noted)
        if self._loose is None:
            (self._loose,) = db.execute("SELECT count(*) FROM goings").fetchone()
        else:
            self._loose += len(noted)
        if self._loose >= LOOSE_AT_MOST:
            db.execute(_PUT_IN_ORDER)
            db.execute("DELETE FROM goings")
            self._loose = 0
        if self._noted is not None:
            for tag, *_ in noted:
                self._noted.add(tag)

    def last(self, db: sqlite3.Connection, names: Sequence[tuple[str, str]], now: datetime) -> Passage | None:
        """The last going through of today or yesterday by any of these names."""
        tags = [
            keys.tag(key, day, scheme, value)
            for day in (_day(now), _day(now) - timedelta(days=1))
            if (key := self._key(db, day)) is not None
            for scheme, value in names
        ]
        if self._noted is None:
            every = "SELECT tag FROM passages UNION ALL SELECT tag FROM goings"
            self._noted = _Noted(tag for (tag,) in db.execute(every))
        tags = [tag for tag in tags if tag in self._noted]
        if not tags:
            return None
        marks = ", ".join("?" * len(tags))
        found: dict[str, tuple[float, str, int]] = {}
        for where in (f"passages WHERE tag IN ({marks})", f"goings WHERE tag IN ({marks}) ORDER BY id"):
            query = f"SELECT tag, at, direction, passed FROM {where}"  # noqa: S608  # names of ours
            found |= {tag: (at, direction, passed) for tag, at, direction, passed in db.execute(query, tags)}
        if not found:
            return None
        at, direction, passed = max(found.values())
        return Passage(datetime.fromtimestamp(at, UTC), Direction(direction), bool(passed))

    def destroy(self, db: sqlite3.Connection, now: datetime) -> bool:
        """Destroys the keys of days that are over, and those that a clock which was ahead has begun; if there were."""
        near = [(_day(now) + timedelta(days=days)).isoformat() for days in (-1, 1)]
        gone = 0
        for table in ("day_keys", "passages", "goings"):
            gone += db.execute(f"DELETE FROM {table} WHERE day NOT BETWEEN ? AND ?", near).rowcount  # noqa: S608  # names of ours
        self._keys = {day: key for day, key in self._keys.items() if near[0] <= day.isoformat() <= near[1]}
        if gone:
            self._noted = None
        return gone > 0

    def _key(self, db: sqlite3.Connection, day: date) -> bytes | None:
        if day not in self._keys:
            found = db.execute("SELECT key FROM day_keys WHERE day = ?", (day.isoformat(),)).fetchone()
            key = found[0] if found is not None else None
            self._keys = {d: key for d, key in self._keys.items() if abs((d - day).days) <= 1} | {day: key}
        return self._keys[day]

    def _begin(self, db: sqlite3.Connection, day: date) -> bytes:
        key = keys.new_day_key()
        db.execute("INSERT INTO day_keys VALUES (?, ?)", (day.isoformat(), key))
        self._keys[day] = key
        return key


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
