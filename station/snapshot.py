"""The province's standings on this card: one file at a time, replaced or changed as a whole, opened code by code.

A whole snapshot is loaded piece by piece into a file beside the one in use and takes its place in one commit; the
pieces of a delta wait in the file in use and are applied in one transaction.  Either can be broken off at any moment
and goes on where it was.  The gate reads on a connection of its own; the loop that loads is the only writer.
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
from station.errors import SnapshotError

log = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE entries (place INTEGER PRIMARY KEY, entry BLOB NOT NULL);
CREATE TABLE words (number INTEGER PRIMARY KEY, word BLOB NOT NULL);
CREATE TABLE waiting (piece INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
_ASK: Final = "SELECT entry FROM entries WHERE place = ?"
_PREFIX: Final = "standings-"
_WORDS_KEPT: Final = 16_384
_IN_USE, _COMING, _NEXT = "in-use", "coming", "next"
_word = msgspec.json.Decoder(Word)
_words = msgspec.json.Decoder(list[tuple[int, Word]])


class Snapshot:
    """What is held, for the gate: ``look_up`` and ``manifest``; ``key`` is the group's, None until it is known."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key: bytes | None = None
        self.problem = ""
        self._lock = threading.Lock()
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
        """Takes the newest whole file of the folder into use; what cannot be read is told and left for the next."""
        found = next(_readable(self.folder), None)
        with self._lock:
            self._close()
            if found is not None:
                self._db, self._manifest = found
                self._asking = self._db.cursor()

    def tidy(self) -> bool:
        """Takes what a delta changed into the file itself and empties SQLite's log; False: not at this moment."""
        with self._lock:
            if self._db is None:
                return True
            if self._db.in_transaction:
                self._db.execute("COMMIT")
            (_, _, path) = self._db.execute("PRAGMA database_list").fetchone()
        with _told(), contextlib.closing(sqlite3.connect(path)) as db:
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
                if found is None:
                    return None
                plain = snapshot.open_entry(place, found[0])
                return packing.unpack(plain, self._word, self._manifest.as_of)
            except (sqlite3.Error, TypeError, ValueError) as error:  # a damaged file may hold another type
                raise SnapshotError(f"the snapshot is damaged: {error}") from error

    def _read_word(self, number: int) -> Word | None:
        assert self._db is not None
        found = self._db.execute("SELECT word FROM words WHERE number = ?", (number,)).fetchone()
        return None if found is None else _word.decode(found[0])

    def _close(self) -> None:
        self._word.cache_clear()
        if self._db is not None:
            self._db.close()
        self._db = self._asking = self._manifest = None


class Loading:
    """One manifest's content on its way in; ``missing`` says which piece is wanted next."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self._folder = folder
        with _told():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.path = folder / _file_of(manifest) if manifest.base == 0 else _file_in_use(folder)
            self._db = _opened(self.path)
            self._next = self._begin()

    @property
    def missing(self) -> int | None:
        """The number of the next piece, or None when all are there."""
        return self._next if self._next < len(self.manifest.pieces) else None

    def take(self, raw: bytes) -> None:
        """Takes the missing piece in, durably; ``SnapshotError`` when it is not the one the manifest names."""
        number = self._next
        check(self.manifest.pieces[number], raw)
        with _told(), _transaction(self._db):
            if self.manifest.base == 0:
                _apply(self._db, raw, is_words=number < self.manifest.words)
            else:
                self._db.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?)", (number, raw))
            _note(self._db, _NEXT, number + 1)
        self._next = number + 1

    def finish(self) -> None:
        """Puts the whole into use in one commit; older files go."""
        with _told(), _transaction(self._db):
            for number, raw in self._db.execute("SELECT piece, raw FROM waiting ORDER BY piece"):
                _apply(self._db, raw, is_words=number < self.manifest.words)
            self._db.execute("DELETE FROM waiting")
            self._db.execute("DELETE FROM facts WHERE name IN (?, ?)", (_COMING, _NEXT))
            _note(self._db, _IN_USE, self.manifest)
        self.close()
        for path in self._folder.glob(f"{_PREFIX}*.db"):
            if path != self.path:
                remove(path)

    def close(self) -> None:
        """Lets go of the file; what was taken in stays."""
        self._db.close()

    def _begin(self) -> int:
        """Goes on with the same manifest, or begins it anew; the number of the next piece."""
        coming = _fact(self._db, _COMING)
        if coming != self.manifest:
            with _transaction(self._db):
                self._db.execute("DELETE FROM waiting")
                if self.manifest.base == 0:
                    self._db.execute("DELETE FROM entries")
                    self._db.execute("DELETE FROM words")
                _note(self._db, _COMING, self.manifest)
                _note(self._db, _NEXT, 0)
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (_NEXT,)).fetchone()
        return int(msgspec.json.decode(row[0]))


def check(piece: Piece, raw: bytes) -> None:
    """``SnapshotError`` when these bytes are not the piece."""
    if len(raw) != piece.size or hashlib.sha256(raw).hexdigest() != piece.sha256:
        raise SnapshotError("a piece of the snapshot is not the one its manifest names")


def remove(path: Path) -> None:
    """A snapshot's file with what SQLite keeps beside it."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _file_of(manifest: Manifest) -> str:
    """Rises with the manifest's moment, so that the newest is the last by name."""
    return f"{_PREFIX}{int(manifest.as_of.timestamp()):011d}-{manifest.key}-{manifest.version:05d}.db"


def _readable(folder: Path) -> Iterator[tuple[sqlite3.Connection, Manifest]]:
    """Every whole file of the folder, newest first, open for looking only."""
    for path in sorted(folder.glob(f"{_PREFIX}*.db"), reverse=True):
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA query_only = ON")
            manifest = _fact(db, _IN_USE)
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            log.error("snapshot cannot be read", extra={"file": path.name, "problem": str(error)})
            manifest = None
        if manifest is None:
            db.close()
        else:
            yield db, manifest


def _file_in_use(folder: Path) -> Path:
    for db, _ in _readable(folder):
        (_, _, path) = db.execute("PRAGMA database_list").fetchone()
        db.close()
        return Path(path)
    raise SnapshotError("there is no snapshot that the delta could change")


def _opened(path: Path) -> sqlite3.Connection:
    is_new = not path.exists()
    db = sqlite3.connect(path, isolation_level=None)
    path.chmod(0o600)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")  # a lost commit is fetched again; order is kept
    db.execute("PRAGMA secure_delete = ON")
    if is_new or not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        db.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
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


def _fact(db: sqlite3.Connection, name: str) -> Manifest | None:
    row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Manifest)


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


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError, ValueError) as error:
        raise SnapshotError(f"the snapshot cannot be kept: {error}") from error
