"""How a small book beside the journal is kept: a file of its own, each transaction on the disk when it ends.

One that turns out damaged, at whatever statement, is set aside and a new one begins, for a gate must go on; whoever
keeps the book says what that means.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from station.journal import salvage

log = logging.getLogger(__name__)

_Found = TypeVar("_Found")
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_WHY = "damaged"


class Book(msgspec.Struct, frozen=True):
    """What is in a book: its version (``user_version``), and the statements that make the first one."""

    version: int
    tables: Sequence[str]
    secure_delete: bool = False

    def opened(self, path: Path) -> sqlite3.Connection:
        """The book, begun when there is none; ``sqlite3.Error`` or ``OSError`` when that cannot be."""
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
        try:
            os.chmod(path, 0o600)
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            if self.secure_delete:
                db.execute("PRAGMA secure_delete = ON")
            if db.execute("PRAGMA user_version").fetchone()[0] < self.version:
                db.execute("BEGIN IMMEDIATE")
                for table in self.tables:
                    db.execute(table)
                db.execute(f"PRAGMA user_version = {self.version}")
                db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                db.close()
            raise
        return db


class BookInUse:
    """One book and its only writer, for one thread at a time.

    ``anew`` is what begins in the place of a damaged one, ``book`` itself unless something else is said; ``name`` is
    what the log calls it.
    """

    def __init__(self, path: Path, name: str, book: Book, anew: Book | None = None) -> None:
        self.path, self.name = path, name
        self.renewed = 0  # times that a damaged one was set aside
        self._book, self._anew = book, anew or book
        self._db: sqlite3.Connection | None = None

    def use(self, work: Callable[[sqlite3.Connection], _Found]) -> _Found:
        """What ``work`` finds in one transaction, durable at its end; ``sqlite3.Error`` or ``OSError`` when it fails.

        In a book that turns out damaged it is done once more, in the new one.
        """
        try:
            return self._try(work)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self._set_aside(error)
            return self._try(work)

    def discard_aside(self, before: float) -> None:
        """Deletes a damaged one that was not written to since ``before`` (seconds since 1970)."""
        for file in salvage.kept(self.path, _WHY):
            with contextlib.suppress(OSError):
                if file.stat().st_mtime < before:
                    salvage.discard(file)

    def close(self) -> None:
        """Closes; everything noted is on disk already."""
        db, self._db = self._db, None
        if db is not None:
            with contextlib.suppress(sqlite3.Error):
                db.close()

    def _try(self, work: Callable[[sqlite3.Connection], _Found]) -> _Found:
        try:
            db = self._db = self._db or self._opened()
            db.execute("BEGIN IMMEDIATE")
            found = work(db)
            db.execute("COMMIT")
        except (sqlite3.Error, OSError):
            self.close()
            raise
        return found

    def _opened(self) -> sqlite3.Connection:
        """One that has to be begun follows the damaged one that lies aside, also after a power cut in between."""
        return (self._anew if salvage.kept(self.path, _WHY) else self._book).opened(self.path)

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        kept = salvage.aside(self.path, _WHY)
        os.replace(self.path, kept)  # before its log: the book without that might look well, and older than it was
        salvage.move(self.path, kept)
        self.renewed += 1
        log.error(f"{self.name} was damaged: a new one begins", extra={"set_aside": str(kept), "problem": str(error)})
        for older in salvage.kept(self.path, _WHY):
            if older != kept:
                with contextlib.suppress(OSError):
                    salvage.discard(older)  # on a card that wears out they would fill it


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that the file holds what no database does."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE
