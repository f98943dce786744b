"""A journal read from beside the running service: the last rows, the proof of its chain, its export.

Read-only, by sqlite-utils; nothing here can hold the service up or change a row.  Identities are sealed to the hub:
what is read here names nobody.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlite_utils import Database

from core import rows
from core.wire import Row, encode
from station.errors import JournalError

_EVERY = "SELECT station, epoch, seq, raw FROM rows JOIN epochs USING (epoch) ORDER BY current, born, seq"


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
        """The exact bytes of every row on this card, epoch by epoch, in order; a damaged one says where it belongs."""
        with self._open() as db:
            for one in db.query(_EVERY):
                raw, row = one["raw"], rows.travelling(one["raw"])
                if row != raw:
                    row = encode(rows.Damaged(one["station"], one["epoch"], one["seq"], msgspec.Raw(row)))
                yield row

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
            connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
            with contextlib.closing(connection):
                yield Database(connection)
        except sqlite3.DatabaseError as error:
            raise JournalError(str(self.path), "journal-broken", f"cannot be read: {error}") from error


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
