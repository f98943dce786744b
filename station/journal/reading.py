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
from typing import NamedTuple

import msgspec
from sqlite_utils import Database

from core import rows
from core.wire import Row, encode
from station.errors import JournalError
from station.journal import salvage

_PROBED_AT_MOST = 10_000
"""How many numbers behind the damage are tried when nothing says where a journal ends."""


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
        self.gone: list[str] = []

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

        Before a row behind missing ones a line says so (``core.rows.Gone``), so that nobody waits for those; ``gone``
        lists them.  A damaged file gives what can be read from either side of the damage; ``damage`` then says where
        that is.
        """
        with self._open() as db:
            for epoch in self._epochs(db):
                yield from self._exported(db, epoch)

    def _exported(self, db: Database, epoch: _Epoch) -> Iterator[bytes]:
        expected, since = 1, 0
        for seq, raw in self._rows(db, epoch.name):
            if seq != expected:
                since = since or expected
            if since and (known := _hash_before(epoch, seq, raw)) is not None:
                self.gone.append(f"epoch {epoch.name} lacks rows between {since} and {seq - 1}")
                yield encode(rows.Gone(epoch.station, epoch.name, seq - 1, known))
                since = 0
            expected = seq + 1
            row = rows.travelling(raw)
            yield row if row == raw else encode(rows.Damaged(epoch.station, epoch.name, seq, msgspec.Raw(row)))

    def _epochs(self, db: Database) -> list[_Epoch]:
        try:
            found = db.query("SELECT epoch, station, gone, gone_hash FROM epochs ORDER BY current, born")
            return [_Epoch(one["epoch"], one["station"], one["gone"], one["gone_hash"]) for one in found]
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
        self.damage.append("the list of epochs is damaged")
        return [_Epoch(epoch, station, 0, "") for epoch, station in salvage.named(db.conn)]

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
            end = _from_the_end(db, epoch, last)
            yield from _between(db, epoch, last, end[-1][0] if end else last + _PROBED_AT_MOST)
            yield from reversed(end)

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


class _Epoch(NamedTuple):
    name: str
    station: str
    gone: int
    gone_hash: str


def _hash_before(epoch: _Epoch, seq: int, raw: bytes) -> str | None:
    """The hash of the row before one behind missing ones; None when nothing but a damaged page says its number."""
    if epoch.gone and epoch.gone == seq - 1:
        return epoch.gone_hash
    return rows.before(raw, epoch.station, epoch.name, seq)


def _between(db: Database, epoch: str, after: int, end: int) -> Iterator[tuple[int, bytes]]:
    """What can be read between two damaged places: each number behind a place that cannot be read is tried."""
    query = "SELECT seq, raw FROM rows WHERE epoch = ? AND seq > ? AND seq < ? ORDER BY seq"
    while after < end:
        try:
            for one in db.query(query, [epoch, after, end]):
                after = one["seq"]
                yield after, one["raw"]
            return
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            after += 1


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
