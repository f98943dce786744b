"""The province's standings on this card: one file at a time, replaced or changed as a whole, opened code by code.

A whole snapshot is loaded piece by piece into a file beside the one in use and takes its place in one commit; the
pieces of a delta wait in the file in use and are applied in one transaction.  Either can be broken off at any moment
and goes on where it was.  The gate reads on a connection of its own; the loop that loads is the only writer.

A file that turns out damaged is marked.  From then on it says of nobody that they are unknown, and what was sealed for
a code still counts when it opens; no delta goes over it, and a whole snapshot takes its place.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec

from core import packing, snapshot
from core.model import Standing, Subject
from core.packing import Word
from core.snapshot import Manifest, Piece
from station.errors import SnapshotDamaged, SnapshotError
from station.snapshots import files

log = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE entries (place INTEGER PRIMARY KEY, entry BLOB NOT NULL);
CREATE TABLE words (number INTEGER PRIMARY KEY, word BLOB NOT NULL);
CREATE TABLE waiting (piece INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
_ASK: Final = "SELECT entry FROM entries WHERE place = ?"
_WORDS_KEPT: Final = 16_384
_COMING, _NEXT = "coming", "next"
_word = msgspec.json.Decoder(Word)
_words = msgspec.json.Decoder(list[tuple[int, Word]])


class Snapshot:
    """What is held, for the gate: ``look_up`` and ``manifest``; ``key`` is the group's, None until it is known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key: bytes | None = None
        self.problem = ""
        self.damage = ""
        """What is wrong with the file itself, or nothing: it is to be replaced as a whole."""
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._db: sqlite3.Connection | None = None
        self._asking: sqlite3.Cursor | None = None
        self._manifest: Manifest | None = None
        self._word = lru_cache(_WORDS_KEPT)(self._read_word)

    @property
    def manifest(self) -> Manifest | None:
        """What the snapshot in use says of itself; None when there is none."""
        return self._manifest

    @property
    def usable(self) -> Manifest | None:
        """The same, if the key that it was sealed with is here."""
        manifest, key = self._manifest, self.key
        if manifest is None or key is None or snapshot.key_name(key) != manifest.key:
            return None
        return manifest

    def open(self) -> None:
        """Takes the newest whole file of the folder into use, a damaged one only for want of another."""
        found = next(files.readable(self.folder), None)
        with self._lock:
            self._close()
            if found is not None:
                self._path, self._db, self._manifest = found
                self._asking = self._db.cursor()
            self.damage = files.damage_of(found.path) if found is not None else files.damage_in(self.folder)
        if self.damage:
            log.error("the snapshot held is damaged: a whole one is asked for", extra={"problem": self.damage})

    def distrust(self, problem: str) -> None:
        """Has a whole snapshot take the place of the one in use, which is damaged; told once."""
        with self._lock:
            self._distrust(problem)

    def tidy(self) -> bool:
        """Takes what a delta changed into the file itself and empties SQLite's log; False: not at this moment.

        Of a damaged one it sees to the mark; ``SnapshotError`` when the card refuses even that.
        """
        with files.telling():
            with self._lock:
                if self._db is None or self._path is None:
                    return True
                if self.damage:
                    files.mark(self._path, self.damage)
                    return False
                if self._db.in_transaction:
                    self._db.execute("COMMIT")
            with contextlib.closing(sqlite3.connect(self._path)) as db:
                (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._close()

    def look_up(self, subject: Subject) -> Standing | None:
        """The standing of this identity as of ``usable.as_of``, or None: nobody was known by it then.

        Takes one stretching, and less than a millisecond for everything else.  ``SnapshotError`` when nothing can be
        looked up, or the entry found is damaged.
        """
        manifest, key = self.usable, self.key
        if manifest is None or key is None:
            raise SnapshotError("no snapshot is held whose key is known")
        return self.find(snapshot.slot(snapshot.stretch(subject, manifest.stretch), key))

    def find(self, place: snapshot.Slot) -> Standing | None:
        """The standing in one place; errors as above."""
        with self._lock:
            if self._db is None or self._manifest is None or self._asking is None:
                raise SnapshotError("no snapshot is held")
            try:
                if not self._db.in_transaction:  # kept open: beginning one costs as much as looking something up
                    self._db.execute("BEGIN")
                found = self._asking.execute(_ASK, (place.index,)).fetchone()
                if found is not None:
                    return packing.unpack(_opened_entry(place, found[0]), self._word, self._manifest.as_of)
            except (sqlite3.Error, TypeError, ValueError) as error:  # a damaged file may hold another type
                raise self._trouble(error) from error
            if self.damage:
                raise SnapshotDamaged("the snapshot is damaged: whether somebody is in it cannot be said")
            return None

    def _trouble(self, error: Exception) -> SnapshotError:
        if not isinstance(error, SnapshotDamaged) and not files.is_damage(error):
            return SnapshotError(f"the snapshot cannot be read: {error}")
        damaged = SnapshotDamaged(f"the snapshot is damaged: {error}")
        self._distrust(str(damaged))
        return damaged

    def _distrust(self, problem: str) -> None:
        if self.damage:
            return
        self.damage = problem
        log.error("the snapshot held is damaged: a whole one is asked for", extra={"problem": problem})
        if self._path is not None:
            with contextlib.suppress(OSError):  # tried again before anything is loaded
                files.mark(self._path, problem)

    def _read_word(self, number: int) -> Word | None:
        assert self._db is not None
        found = self._db.execute("SELECT word FROM words WHERE number = ?", (number,)).fetchone()
        return None if found is None else _word.decode(found[0])

    def _close(self) -> None:
        self._word.cache_clear()
        if self._db is not None:
            self._db.close()
        self._path = self._db = self._asking = self._manifest = None


class Loading:
    """One manifest's content on its way in; ``missing`` says which piece is wanted next.

    ``SnapshotDamaged`` from any of it says that the file in use is damaged; when it is the one on its way, it goes.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self._folder = folder
        self._db: sqlite3.Connection | None = None
        with files.telling():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path = files.fresh(folder, manifest) if manifest.base == 0 else files.base(folder)
        with self._used():
            self._db = _opened(self.path)
            self._next = self._begin(self._db)

    @property
    def missing(self) -> int | None:
        """The number of the next piece, or None when all are there."""
        return self._next if self._next < len(self.manifest.pieces) else None

    def take(self, raw: bytes) -> None:
        """Takes the missing piece in, durably; ``SnapshotError`` when it is not the one the manifest names."""
        number = self._next
        check(self.manifest.pieces[number], raw)
        with self._used() as db, _transaction(db):
            if self.manifest.base == 0:
                _apply(db, raw, is_words=number < self.manifest.words)
            else:
                db.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?)", (number, raw))
            _note(db, _NEXT, number + 1)
        self._next = number + 1

    def finish(self) -> None:
        """Puts the whole into use in one commit; older files go.  A delta is applied to a file that is sound."""
        with self._used() as db:
            if self.manifest.base:
                self._look_over(db)
            with _transaction(db):
                for number, raw in db.execute("SELECT piece, raw FROM waiting ORDER BY piece"):
                    _apply(db, raw, is_words=number < self.manifest.words)
                db.execute("DELETE FROM waiting")
                db.execute("DELETE FROM facts WHERE name IN (?, ?)", (_COMING, _NEXT))
                _note(db, files.IN_USE, self.manifest)
        self.close()
        with files.telling():
            files.clear(self._folder, but=self.path)

    def close(self) -> None:
        """Lets go of the file; what was taken in stays."""
        if self._db is not None:
            self._db.close()
        self._db = None

    @contextlib.contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        try:
            with files.telling():
                yield self._db  # type: ignore[misc]  # None before it is opened only
        except SnapshotDamaged as error:
            self.close()
            if self.manifest.base:
                raise
            files.remove(self.path)
            raise SnapshotError(f"what came so far is damaged on the card and is fetched anew: {error}") from error

    def _look_over(self, db: sqlite3.Connection) -> None:
        """Reads every page once, so that damage is found while there is a network to mend it."""
        (said,) = db.execute("PRAGMA quick_check(1)").fetchone()
        damage = "" if said == "ok" else " ".join(str(said).split())
        if damage := damage or files.damage_of(self.path):
            raise SnapshotDamaged(f"the snapshot is damaged: {damage}")

    def _begin(self, db: sqlite3.Connection) -> int:
        """Goes on with the same manifest, or begins it anew; the number of the next piece."""
        if _coming(db) != self.manifest:
            with _transaction(db):
                db.execute("DELETE FROM waiting")
                if self.manifest.base == 0:
                    db.execute("DELETE FROM entries")
                    db.execute("DELETE FROM words")
                _note(db, _COMING, self.manifest)
                _note(db, _NEXT, 0)
        row = db.execute("SELECT value FROM facts WHERE name = ?", (_NEXT,)).fetchone()
        return int(msgspec.json.decode(row[0]))


def check(piece: Piece, raw: bytes) -> None:
    """``SnapshotError`` when these bytes are not the piece."""
    if len(raw) != piece.size or hashlib.sha256(raw).hexdigest() != piece.sha256:
        raise SnapshotError("a piece of the snapshot is not the one its manifest names")


def _opened_entry(place: snapshot.Slot, entry: bytes) -> bytes:
    try:
        return snapshot.open_entry(place, entry)
    except (TypeError, ValueError) as error:
        raise SnapshotDamaged(str(error)) from error


def _opened(path: Path) -> sqlite3.Connection:
    is_new = not path.exists()
    db = sqlite3.connect(path, isolation_level=None)
    try:
        path.chmod(0o600)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")  # a lost commit is fetched again; order is kept
        db.execute("PRAGMA secure_delete = ON")
        if is_new or not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            db.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
    except BaseException:
        db.close()
        raise
    return db


def _apply(db: sqlite3.Connection, raw: bytes, *, is_words: bool) -> None:
    if is_words:
        words = [(number, msgspec.json.encode(word)) for number, word in _words.decode(raw)]
        db.executemany("INSERT OR REPLACE INTO words VALUES (?, ?)", words)
        return
    records = list(snapshot.read_records(raw))
    db.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?)", [record for record in records if record[1]])
    gone = [(place,) for place, entry in records if not entry]
    if gone:
        db.executemany("DELETE FROM entries WHERE place = ?", gone)


def _coming(db: sqlite3.Connection) -> Manifest | None:
    try:
        return files.fact(db, _COMING)
    except msgspec.MsgspecError:
        return None  # whatever it was, it begins anew


def _note(db: sqlite3.Connection, name: str, value: object) -> None:
    db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, msgspec.json.encode(value)))


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if db.in_transaction:  # SQLite may have ended it already, on a full disk
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
