"""A journal read from beside the running service: the last rows, the proof of its chain, its export.

Read-only, by sqlite-utils; nothing here can hold the service up or change a row.  Identities are sealed to the hub:
what is read here names nobody.  A card from a board that died is read as it is: mounted read-only, with rows that only
SQLite's log has, or damaged.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlite_utils import Database

from core import rows
from core.wire import Row, encode
from station.errors import JournalError


class Proof(msgspec.Struct, frozen=True):
    """What walking one epoch's chain showed; ``broken`` is None when every row follows the one before it."""

    station: str
    epoch: str
    current: bool
    first: int
    last: int
    held: int
    count: int
    broken: rows.Break | None


class Refused(msgspec.Struct, frozen=True):
    """A row the hub would not take, and why."""

    epoch: str
    seq: int
    cause: str


class JournalReader:
    """Reads one journal file; ``JournalError`` when there is none or it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage: list[str] = []

    def latest(self, count: int) -> list[Row]:
        """The last rows, oldest of them first."""
        with self._open() as db:
            found = list(
                db.query(
                    "SELECT raw FROM rows JOIN epochs USING (epoch) ORDER BY current DESC, born DESC, seq DESC LIMIT ?",
                    [count],
                )
            )
        return [row for one in reversed(found) if (row := _row(one["raw"])) is not None]

    def after(self, epoch: str, seq: int) -> list[Row]:
        """Rows of the current epoch recorded since; all of them when the epoch has changed."""
        with self._open() as db:
            found = db.query(
                "SELECT raw FROM rows JOIN epochs USING (epoch) WHERE current = 1 AND (epoch <> ? OR seq > ?)"
                " ORDER BY seq LIMIT 1000",
                [epoch, seq],
            )
            return [row for one in found if (row := _row(one["raw"])) is not None]

    def prove(self) -> list[Proof]:
        """Walks the chain of every epoch on this card, oldest first."""
        with self._open() as db:
            epochs = list(db.query("SELECT * FROM epochs ORDER BY current, born"))
            return [_prove(db, epoch) for epoch in epochs]

    def export(self) -> Iterator[bytes]:
        """The exact bytes of every row on this card, epoch by epoch, in order; a damaged one says where it belongs.

        A damaged file gives what can be read from either side of the damage; ``damage`` then says where that is.
        """
        with self._open() as db:
            for epoch, station in _epochs(db):
                for seq, raw in self._rows(db, epoch):
                    row = rows.travelling(raw)
                    yield row if row == raw else encode(rows.Damaged(station, epoch, seq, msgspec.Raw(row)))

    def _rows(self, db: Database, epoch: str) -> Iterator[tuple[int, bytes]]:
        last = 0
        try:
            for one in db.query("SELECT seq, raw FROM rows WHERE epoch = ? ORDER BY seq", [epoch]):
                last = one["seq"]
                yield last, one["raw"]
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self.damage.append(f"epoch {epoch} is damaged after row {last}")
            yield from reversed(_from_the_end(db, epoch, last))

    def refused(self) -> list[Refused]:
        """The list of dead letters."""
        with self._open() as db:
            return [
                Refused(one["epoch"], one["seq"], one["cause"])
                for one in db.query("SELECT epoch, seq, cause FROM refused ORDER BY epoch, seq")
            ]

    @contextlib.contextmanager
    def _open(self) -> Iterator[Database]:
        if not self.path.exists():
            raise JournalError(
                str(self.path), "cannot-read", "there is no journal here; has the station run with this data folder?"
            )
        try:
            with contextlib.ExitStack() as stack:
                yield Database(_connected(self.path, stack))
        except sqlite3.DatabaseError as error:
            raise JournalError(str(self.path), "journal-broken", f"cannot be read: {error}") from error
        except OSError as error:
            raise JournalError(str(self.path), "cannot-read", f"cannot be read: {error.strerror or error}") from error


def is_damage(error: sqlite3.Error) -> bool:
    """Whether SQLite says that what the file holds is wrong, and not that the disk did not give it."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _connected(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    """A connection for reading.  Where SQLite may not make the index of its log, it reads a copy of file and log."""
    connection = _reading(path, stack)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        if (error.sqlite_errorcode & 0xFF) not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
            raise
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tram-quet-")))
        for name in (path.name, f"{path.name}-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(path.with_name(name), folder / name)
        return _reading(folder / path.name, stack)
    return connection


def _reading(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return stack.enter_context(contextlib.closing(sqlite3.connect(uri, uri=True, timeout=5.0)))


def _epochs(db: Database) -> list[tuple[str, str]]:
    found = db.query("SELECT epoch, station FROM epochs ORDER BY current, born")
    return [(one["epoch"], one["station"]) for one in found]


def _from_the_end(db: Database, epoch: str, after: int) -> list[tuple[int, bytes]]:
    """Rows from the last one back to the damage, or to row ``after``."""
    found: list[tuple[int, bytes]] = []
    query = "SELECT seq, raw FROM rows WHERE epoch = ? AND seq > ? ORDER BY seq DESC"
    try:
        for one in db.query(query, [epoch, after]):
            found.append((one["seq"], one["raw"]))  # what was read before the damage counts
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
    return found


def _row(raw: bytes) -> Row | None:
    try:
        return rows.decode(raw)
    except ValueError:
        return None


def _prove(db: Database, epoch: dict[str, object]) -> Proof:
    name, station = str(epoch["epoch"]), str(epoch["station"])
    start = rows.Link(int(str(epoch["gone"])), str(epoch["gone_hash"]))
    raws = (one["raw"] for one in db.query("SELECT raw FROM rows WHERE epoch = ? ORDER BY seq", [name]))
    found = rows.walk(raws, station, name, start)
    (count,) = db.execute("SELECT count(*) FROM rows WHERE epoch = ?", [name]).fetchone()
    broken = found if isinstance(found, rows.Break) else None
    last = found.seq if isinstance(found, rows.Link) else found.seq - 1
    held = int(str(epoch["held"]))
    return Proof(station, name, bool(epoch["current"]), start.seq + 1, last, held, count, broken)
