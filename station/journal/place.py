"""Who went through at any gate of this place, as tags of the day: what makes neighbouring gates one.

A file of its own beside the journal, so that no row waits for what neighbours tell.  Goings through are kept for today
and yesterday.  Weather is told once: a book that cannot be written leaves the gate with its own memory.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from core import place
from core.model import Direction, Subject
from core.movement import Passage
from core.place import PART, Held, Seen, Step
from core.wire import Row
from station.journal.book import Book, BookInUse, is_damage
from station.journal.days import names_of

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")

MOST_KEPT = 50_000
"""Goings through that are kept at most, the newest; a busy place has 20,000 a day."""

_AT_ONCE = 500  # names that one question is about, and goings through of neighbours that one transaction keeps

_BOOK = Book(
    1,
    (
        "CREATE TABLE seen (turn INTEGER PRIMARY KEY, station TEXT NOT NULL, epoch TEXT NOT NULL, seq INTEGER NOT NULL,"
        " day TEXT NOT NULL, at REAL NOT NULL, direction TEXT NOT NULL, passed INTEGER NOT NULL, code TEXT NOT NULL,"
        " person TEXT NOT NULL, UNIQUE (station, epoch, seq))",
        "CREATE INDEX seen_code ON seen (code)",
        "CREATE INDEX seen_person ON seen (person) WHERE person <> ''",
    ),
    secure_delete=True,
)
_WHOLE = "SELECT turn, station, epoch, seq, at, direction, passed, code, person FROM seen"
_DROP_OLDEST = "DELETE FROM seen WHERE turn IN (SELECT turn FROM seen ORDER BY at DESC, turn DESC LIMIT -1 OFFSET ?)"
_PARTS = (
    "SELECT station, epoch, seq / ?1, count(*), sum(seq % ?1), max(turn) FROM seen WHERE (station = ?2) = ?3"
    " GROUP BY station, epoch, seq / ?1"
)


class PlaceBook:
    """What this gate knows of its place; used by the gate and by the loop that talks to the neighbours."""

    def __init__(self, path: Path, name: str, station: str, place_key: bytes) -> None:
        self.path, self.place, self.station = path, name, station
        self.problem = ""
        self._key = place_key
        self._lock = threading.Lock()
        self._top = 0  # the highest turn known: a book that begins anew or is empty goes on from it
        self._book = BookInUse(path, "the place's book", _BOOK)

    def __enter__(self) -> PlaceBook:
        """Opens with the first use."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes; everything noted is on disk already."""
        with self._lock:
            self._book.close()

    def note(self, row: Row, subject: Subject, person: str = "") -> None:
        """Remembers that this gate let somebody through with a row."""
        self.note_all([(row, subject, person)])

    def note_all(self, goings: Iterable[tuple[Row, Subject, str]]) -> None:
        """Remembers several at one go, each with its row and the person's key or nothing."""
        self._put([(self.station, self._seen(*going)) for going in goings])

    def _seen(self, row: Row, subject: Subject, person: str) -> Seen:
        tags = place.tags(self._key, place.day_of(row.at), names_of(subject, person))
        return Seen(row.epoch, row.seq, row.at, row.direction, tags, row.type == "checkin")

    def take(self, told: Iterable[tuple[str, Seen]]) -> int:
        """Keeps what neighbours tell, each once; how much of it was new."""
        others = [(station, seen) for station, seen in told if station != self.station]
        return sum(self._put(others[at : at + _AT_ONCE]) for at in range(0, len(others), _AT_ONCE))

    def last(self, subject: Subject, now: datetime, *, person: str = "") -> Passage | None:
        """The last going through of today or yesterday at any gate of the place, by this code or this person."""
        names = names_of(subject, person)
        codes, *persons = zip(*(place.tags(self._key, day, names) for day in place.days_of(now)), strict=True)

        def look(db: sqlite3.Connection) -> list[Step]:
            found = _by(db, "code", codes)
            return found + _by(db, "person <> '' AND person", persons[0]) if persons else found

        step = place.newest(self._use(look, []), now)
        return None if step is None else step.passage

    @property
    def renewed(self) -> int:
        """How often it was found damaged and began anew, since the start."""
        return self._book.renewed

    def newest_turn(self) -> int:
        """The turn of the last that was noted; 0 when nothing is."""
        return self._use(self._reach, self._top)

    def own_after(self, turn: int) -> list[Step]:
        """What this gate let through since a turn, as much as one message tells, oldest first."""
        query = f"{_WHOLE} WHERE turn > ? AND station = ? ORDER BY turn LIMIT ?"
        return self._use(lambda db: _steps(db, query, (turn, self.station, place.MOST_SEEN)), [])

    def own_parts(self) -> dict[Held, int]:
        """What this gate itself let through, by parts of its journal, each with the newest turn in it."""
        return dict(self._parts(own=True) or [])

    def held(self) -> list[Held] | None:
        """What of the other gates is in the book, by parts of their journals, the newest first; None: unreadable."""
        found = self._parts(own=False)
        return None if found is None else [held for held, _ in sorted(found, key=lambda part: -part[1])]

    def own_of(self, epoch: str, part: int, below: int) -> list[Step]:
        """What this gate let through in a part, of numbers below one, as much as one message tells, newest first."""
        where = "station = ? AND epoch = ? AND seq >= ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        values = (self.station, epoch, part * PART, min(below, (part + 1) * PART), place.MOST_SEEN)
        return self._use(lambda db: _steps(db, f"{_WHOLE} WHERE {where}", values), [])

    def since(self, at: datetime) -> list[Step] | None:
        """Everything that is kept from a moment on; None: unreadable."""
        return self._beside(lambda db: _steps(db, f"{_WHOLE} WHERE at >= ?", (at.timestamp(),)))

    def after(self, turn: int, most: int) -> list[Step]:
        """What came to be known since a turn at any gate, oldest first."""
        return self._use(lambda db: _steps(db, f"{_WHOLE} WHERE turn > ? ORDER BY turn LIMIT ?", (turn, most)), [])

    def between(self, at: datetime, until: datetime) -> list[Step] | None:
        """What happened from a moment on, before another; None: unreadable."""
        values = (at.timestamp(), until.timestamp())
        return self._beside(lambda db: _steps(db, f"{_WHOLE} WHERE at >= ? AND at < ?", values))

    def people_of(self, steps: Iterable[Step]) -> list[Step] | None:
        """Everything that is kept of the people who went here, whatever they are called elsewhere; None: unreadable."""
        return self._beside(lambda db: _people_of(db, steps))

    def forget(self, now: datetime) -> int:
        """Erases what is of no day that counts any more, also a damaged book of such days, and the oldest of what is
        more than is kept; how much of this book."""
        today, before = (day.isoformat() for day in place.days_of(now))
        until = place.day_of(now + place.AHEAD).isoformat()

        def erase(db: sqlite3.Connection) -> int:
            earlier = db.total_changes
            self._reach(db)
            db.execute("DELETE FROM seen WHERE day NOT BETWEEN ? AND ?", (before, max(today, until)))
            if db.execute("SELECT count(*) FROM seen").fetchone()[0] > MOST_KEPT:
                db.execute(_DROP_OLDEST, (MOST_KEPT,))
            return db.total_changes - earlier

        erased = self._use(erase, 0)
        self._book.discard_aside((now - timedelta(days=len(place.days_of(now)))).timestamp())
        return erased

    def _parts(self, *, own: bool) -> list[tuple[Held, int]] | None:
        values = (PART, self.station, own)
        return self._beside(lambda db: [(Held(*part), turn) for *part, turn in db.execute(_PARTS, values)])

    def _beside(self, look: Callable[[sqlite3.Connection], _Found]) -> _Found | None:
        """Looks beside the gate, which does not wait for it; None: unreadable."""
        try:
            with contextlib.closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as db:
                db.execute("BEGIN")
                return look(db)
        except sqlite3.Error as error:  # else who writes it finds out and says so
            return self._use(look, None) if is_damage(error) else None

    def _put(self, told: Sequence[tuple[str, Seen]]) -> int:
        def put(db: sqlite3.Connection) -> int:
            before = db.total_changes
            db.executemany(
                "INSERT OR IGNORE INTO seen (turn, station, epoch, seq, day, at, direction, passed, code, person)"
                " VALUES (max(coalesce((SELECT max(turn) FROM seen), 0), ?) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [(self._top, *_columns(station, seen)) for station, seen in told],
            )
            new = db.total_changes - before
            self._reach(db)
            return new

        return self._use(put, 0) if told else 0

    def _use(self, work: Callable[[sqlite3.Connection], _Found], otherwise: _Found) -> _Found:
        """One transaction, durable at its end; ``otherwise`` in bad weather, which is told once."""
        with self._lock:
            try:
                found = self._book.use(work)
            except (sqlite3.Error, OSError) as error:
                self._fail(error)
                return otherwise
            self._well()
            return found

    def _reach(self, db: sqlite3.Connection) -> int:
        """The highest turn by now."""
        (turn,) = db.execute("SELECT coalesce(max(turn), 0) FROM seen").fetchone()
        self._top = max(self._top, turn)
        return self._top

    def _fail(self, error: sqlite3.Error | OSError) -> None:
        problem = f"{self.path}: cannot be used: {error}"
        if problem != self.problem:
            log.error("the place's book fails; this gate remembers its own alone", extra={"problem": problem})
        self.problem = problem

    def _well(self) -> None:
        if self.problem:
            log.warning("the place's book is written again", extra={"file": str(self.path)})
        self.problem = ""


def _steps(db: sqlite3.Connection, query: str, values: Sequence[object]) -> list[Step]:
    return [_step(row) for row in db.execute(query, values)]


def _by(db: sqlite3.Connection, which: str, tags: Sequence[str]) -> list[Step]:
    return _steps(db, f"{_WHOLE} WHERE {which} IN ({', '.join('?' * len(tags))})", tuple(tags))


def _people_of(db: sqlite3.Connection, steps: Iterable[Step]) -> list[Step]:
    """Goes on from name to name until nobody is known by another one."""
    found: dict[int, Step] = {}
    known: set[str] = set()
    names = sorted({tag for step in steps for tag in step.seen.tags})
    while names:
        known.update(names)
        for at in range(0, len(names), _AT_ONCE):
            some = names[at : at + _AT_ONCE]
            found |= {step.turn: step for which in ("code", "person <> '' AND person") for step in _by(db, which, some)}
        names = sorted({tag for step in found.values() for tag in step.seen.tags} - known)
    return list(found.values())


def _columns(station: str, seen: Seen) -> tuple[object, ...]:
    code, *person = seen.tags
    when = (place.day_of(seen.at).isoformat(), seen.at.timestamp())
    return station, seen.epoch, seen.seq, *when, seen.direction.value, seen.passed, code, *(person or [""])


def _step(row: Sequence[Any]) -> Step:
    turn, station, epoch, seq, at, direction, passed, code, person = row
    tags = (code, person) if person else (code,)
    return Step(
        station, Seen(epoch, seq, datetime.fromtimestamp(at, UTC), Direction(direction), tags, bool(passed)), turn
    )
