"""The book of orders: which this station was given, and what became of each, on disk before any is carried out.

A file of its own beside the journal, so that no presentation waits for it.  A book that is damaged is set aside; from
then on orders that were issued before are refused, for nobody knows any more which of them were carried out.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from core.orders import Header, OrderId, Said
from station.errors import OrderBookError
from station.journal.book import Book, set_aside_if_damaged

log = logging.getLogger(__name__)

_VERSION = 1
_LOST = -1.0
_KEPT = timedelta(days=7)
"""For so long after its end what became of an order is remembered; its nonce is of no use any more."""

_WHOLE = "SELECT id, kind, status, words, at, document, boot FROM orders"
_TABLES = (
    "CREATE TABLE orders (nonce TEXT PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, document BLOB NOT NULL,"
    " boot TEXT NOT NULL, at REAL NOT NULL, not_after REAL NOT NULL, status TEXT NOT NULL, words TEXT NOT NULL)"
    " WITHOUT ROWID",
    "CREATE TABLE book (since REAL NOT NULL)",
)


class Noted(msgspec.Struct, frozen=True):
    """One order in the book; ``boot`` is that of the board when it was begun."""

    id: OrderId
    kind: str
    status: Said
    words: str
    at: datetime
    document: bytes
    boot: str


class OrderBook:
    """One station's book; used by the orders' own loop.  ``OrderBookError`` says why it cannot be written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db: sqlite3.Connection | None = None

    def close(self) -> None:
        """Closes; everything noted is on disk already."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def find(self, nonce: str) -> Noted | None:
        """What became of the order with this nonce; None when it was never begun."""
        with self._used() as db:
            row = db.execute(f"{_WHOLE} WHERE nonce = ?", (nonce,)).fetchone()
        return None if row is None else _noted(row)

    def begin(self, header: Header, kind: str, document: bytes, boot: str, now: datetime) -> str:
        """Notes that an order is about to be carried out: on disk when this returns.  The objection to it, or nothing.

        ``now`` is the hub's time as the station knows it.
        """
        with self._used() as db:
            if header.issued.timestamp() < _since(db, now):
                return "issued before this station lost its book of orders: nobody knows whether it was carried out"
            db.execute("DELETE FROM orders WHERE not_after < ?", ((now - _KEPT).timestamp(),))
            db.execute(
                "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, 'in-progress', '')",
                (header.nonce, header.id, kind, document, boot, now.timestamp(), header.not_after.timestamp()),
            )
        return ""

    def finish(self, order: str, status: Said, words: str, now: datetime) -> None:
        """Notes what became of an order."""
        with self._used() as db:
            db.execute(
                "UPDATE orders SET status = ?, words = ?, at = ? WHERE id = ?", (status, words, now.timestamp(), order)
            )

    def unfinished(self) -> list[Noted]:
        """Orders that were begun and never ended: the station went down over them."""
        with self._used() as db:
            found = db.execute(f"{_WHOLE} WHERE status = 'in-progress' ORDER BY at").fetchall()
        return [_noted(row) for row in found]

    def latest(self) -> Noted | None:
        """The order that was begun or ended last."""
        with self._used() as db:
            row = db.execute(f"{_WHOLE} ORDER BY at DESC LIMIT 1").fetchone()
        return None if row is None else _noted(row)

    @contextlib.contextmanager
    def _used(self) -> Iterator[sqlite3.Connection]:
        """One transaction, durable at its end."""
        try:
            db = self._db = self._db or self._opened()
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self.close()
            raise OrderBookError(str(self.path), f"cannot be written: {error}") from error

    def _opened(self) -> sqlite3.Connection:
        try:
            return _book(0.0).opened(self.path)
        except sqlite3.DatabaseError as error:
            kept = set_aside_if_damaged(self.path, error)
            log.error("book of orders was damaged: a new one begins", extra={"set_aside": str(kept)})
            return _book(_LOST).opened(self.path)


def _book(since: float) -> Book:
    return Book(_VERSION, (*_TABLES, f"INSERT INTO book VALUES ({since:f})"))  # noqa: S608  # a number of ours


def _since(db: sqlite3.Connection, now: datetime) -> float:
    """From when on orders may be carried out; after a loss from now, when the time is known for the first time."""
    (since,) = db.execute("SELECT since FROM book").fetchone()
    if since == _LOST:
        since = now.timestamp()
        db.execute("UPDATE book SET since = ?", (since,))
    return float(since)


def _noted(row: tuple[str, str, Said, str, float, bytes, str]) -> Noted:
    identity, kind, status, words, at, document, boot = row
    return Noted(identity, kind, status, words, datetime.fromtimestamp(at, UTC), document, boot)
