"""The journal's tables, and how an older journal becomes a newer one (sqlite-utils migrations).

``user_version`` says how many of the migrations a file has, so that a journal that is up to date opens without
importing sqlite-utils.
"""

from __future__ import annotations

import sqlite3

VERSION = 4


def upgrade(connection: sqlite3.Connection) -> None:
    """Applies what is missing; ``sqlite3.DataError`` for a journal written by a newer version of this program."""
    (have,) = connection.execute("PRAGMA user_version").fetchone()
    if have == VERSION:
        return
    if have > VERSION:
        raise sqlite3.DataError(
            f"written by a newer version (schema {have}, this one knows {VERSION}); install that version"
        )
    _apply(connection)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _apply(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database, Migrations

    migrations = Migrations("journal")

    @migrations(name="1 rows")
    def _rows(db: Database) -> None:
        db.execute(
            "CREATE TABLE epochs (epoch TEXT PRIMARY KEY, station TEXT NOT NULL, born REAL NOT NULL,"
            " current INTEGER NOT NULL, gone INTEGER NOT NULL DEFAULT 0, gone_hash TEXT NOT NULL,"
            " held INTEGER NOT NULL DEFAULT 0)"
        )
        db.execute(
            "CREATE TABLE rows (epoch TEXT NOT NULL, seq INTEGER NOT NULL, at REAL NOT NULL, raw BLOB NOT NULL,"
            " PRIMARY KEY (epoch, seq)) WITHOUT ROWID"
        )
        db.execute(
            "CREATE TABLE refused (epoch TEXT NOT NULL, seq INTEGER NOT NULL, cause TEXT NOT NULL, raw BLOB,"
            " PRIMARY KEY (epoch, seq)) WITHOUT ROWID"
        )
        db.execute("CREATE TABLE day_keys (day TEXT PRIMARY KEY, key BLOB NOT NULL) WITHOUT ROWID")
        db.execute(
            "CREATE TABLE passages (tag TEXT PRIMARY KEY, day TEXT NOT NULL, at REAL NOT NULL,"
            " direction TEXT NOT NULL) WITHOUT ROWID"
        )

    @migrations(name="2 admitted")
    def _admitted(db: Database) -> None:
        # Earlier journals did not tell a pass from a guard's *admitted*; a day later nobody asks about those any more.
        db.execute("ALTER TABLE passages ADD COLUMN passed INTEGER NOT NULL DEFAULT 1")

    @migrations(name="3 keeping")
    def _keeping(db: Database) -> None:
        db.execute("CREATE TABLE keeping (id INTEGER PRIMARY KEY CHECK (id = 1), watch BLOB NOT NULL)")

    @migrations(name="4 goings")
    def _goings(db: Database) -> None:
        db.execute(
            "CREATE TABLE goings (id INTEGER PRIMARY KEY, tag TEXT NOT NULL, day TEXT NOT NULL, at REAL NOT NULL,"
            " direction TEXT NOT NULL, passed INTEGER NOT NULL)"
        )

    migrations.apply(Database(connection, recursive_triggers=False))
