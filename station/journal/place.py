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
from core.place import Seen, Step
from core.wire import Row
from station.journal.book import Book, BookInUse, is_damage
from station.journal.days import names_of

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")

MOST_KEPT = 50_000
"""Goings through that are kept at most, the newest; a busy place has 20,000 a day."""

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
        return self._put([(station, seen) for station, seen in told if station != self.station])

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
        return self._own("turn > ? ORDER BY turn", turn)

    def own_before(self, turn: int) -> list[Step]:
        """What this gate let through before a turn, as much as one message tells, newest first."""
        return self._own("turn < ? ORDER BY turn DESC", turn)

    def since(self, at: datetime) -> list[Step]:
        """Everything that is kept from a moment on, read beside the gate, which does not wait for it."""

        def look(db: sqlite3.Connection) -> list[Step]:
            return [_step(row) for row in db.execute(f"{_WHOLE} WHERE at >= ?", (at.timestamp(),))]

        try:
            with contextlib.closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as db:
                return look(db)
        except sqlite3.Error as error:  # else who writes it finds out and says so
            return self._use(look, []) if is_damage(error) else []

    def forget(self, now: datetime) -> None:
        """Erases what is of no day that counts any more, also a damaged book of such days, and what is more than is
        kept."""
        today, before = (day.isoformat() for day in place.days_of(now))
        until = place.day_of(now + place.AHEAD).isoformat()

        def erase(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM seen WHERE day NOT BETWEEN ? AND ?", (before, max(today, until)))
            db.execute("DELETE FROM seen WHERE turn <= (SELECT max(turn) FROM seen) - ?", (MOST_KEPT,))

        self._use(erase, None)
        self._book.discard_aside((now - timedelta(days=len(place.days_of(now)))).timestamp())

    def _own(self, which: str, turn: int) -> list[Step]:
        query = f"{_WHOLE} WHERE station = ? AND {which} LIMIT ?"
        values = (self.station, turn, place.MOST_SEEN)
        return self._use(lambda db: [_step(row) for row in db.execute(query, values)], [])

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


def _by(db: sqlite3.Connection, which: str, tags: Sequence[str]) -> list[Step]:
    marks = ", ".join("?" * len(tags))
    return [_step(row) for row in db.execute(f"{_WHOLE} WHERE {which} IN ({marks})", tuple(tags))]


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
