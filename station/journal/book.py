"""How a small book beside the journal is opened: a file of its own, each transaction on the disk when it ends.

A damaged one is set aside and a new one begins, for a gate must go on; whoever keeps the book says what that means.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import msgspec

from station.journal import salvage


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


def set_aside_if_damaged(path: Path, error: sqlite3.DatabaseError) -> Path:
    """Where a damaged book lies now; raises the ``error`` again when it is of another kind."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        raise error
    kept = salvage.aside(path, "damaged")
    salvage.move(path, kept)
    return kept
