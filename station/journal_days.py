"""Who went through today, as day-keyed tags: enough to know a repeat, and meaningless once the day's key is destroyed.

Days are UTC days.  A key lives until the day after its own is over, so that a night shift finds the evening's passes.
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


class Days:
    """The day keys, cached; every call is inside the caller's transaction."""

    def __init__(self) -> None:
        self._keys: dict[date, bytes | None] = {}

    def forget(self) -> None:
        """Drops the cache, after a transaction that may have been rolled back."""
        self._keys = {}

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
        db.executemany(
            "INSERT INTO passages (tag, day, at, direction, passed) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (tag) DO UPDATE SET at = excluded.at, direction = excluded.direction,"
            " passed = excluded.passed",
            noted,
        )

    def last(self, db: sqlite3.Connection, names: Sequence[tuple[str, str]], now: datetime) -> Passage | None:
        """The last going through of today or yesterday by any of these names."""
        tags = [
            keys.tag(key, day, scheme, value)
            for day in (_day(now), _day(now) - timedelta(days=1))
            if (key := self._key(db, day)) is not None
            for scheme, value in names
        ]
        marks = ", ".join("?" * len(tags))
        found = db.execute(f"SELECT at, direction, passed FROM passages WHERE tag IN ({marks})", tags).fetchall()  # noqa: S608
        if not found:
            return None
        at, direction, passed = max(found)
        return Passage(datetime.fromtimestamp(at, UTC), Direction(direction), bool(passed))

    def destroy(self, db: sqlite3.Connection, now: datetime) -> bool:
        """Destroys the keys of days that are over, and those that a clock which was ahead has begun; if there were."""
        near = [(_day(now) + timedelta(days=days)).isoformat() for days in (-1, 1)]
        gone = 0
        for table in ("day_keys", "passages"):
            gone += db.execute(f"DELETE FROM {table} WHERE day NOT BETWEEN ? AND ?", near).rowcount  # noqa: S608  # two names of ours
        self._keys = {day: key for day, key in self._keys.items() if near[0] <= day.isoformat() <= near[1]}
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
