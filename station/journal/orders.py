"""The book of orders: which this station was given, and what became of each, on disk before any is carried out.

A file of its own beside the journal, so that no presentation waits for it.  A book that is damaged is set aside; from
then on orders that were issued before are refused, for nobody knows any more which of them were carried out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec

from core.orders import Header, OrderId, Said
from station.errors import OrderBookError
from station.journal.book import Book, BookInUse

_Found = TypeVar("_Found")
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
        self._book = BookInUse(path, "book of orders", _book(0.0), anew=_book(_LOST))

    def close(self) -> None:
        """Closes; everything noted is on disk already."""
        self._book.close()

    def find(self, nonce: str) -> Noted | None:
        """What became of the order with this nonce; None when it was never begun."""
        row = self._use(lambda db: db.execute(f"{_WHOLE} WHERE nonce = ?", (nonce,)).fetchone())
        return None if row is None else _noted(row)

    def begin(self, header: Header, kind: str, document: bytes, boot: str, now: datetime) -> str:
        """Notes that an order is about to be carried out: on disk when this returns.  The objection to it, or nothing.

        ``now`` is the hub's time as the station knows it.
        """

        def begin(db: sqlite3.Connection) -> str:
            if header.issued.timestamp() < _since(db, now):
                return "issued before this station lost its book of orders: nobody knows whether it was carried out"
            db.execute("DELETE FROM orders WHERE not_after < ?", ((now - _KEPT).timestamp(),))
            db.execute(
                "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, 'in-progress', '')",
                (header.nonce, header.id, kind, document, boot, now.timestamp(), header.not_after.timestamp()),
            )
            return ""

        return self._use(begin)

    def finish(self, order: str, status: Said, words: str, now: datetime) -> None:
        """Notes what became of an order."""
        query, values = "UPDATE orders SET status = ?, words = ?, at = ? WHERE id = ?", (status, words, now.timestamp())
        self._use(lambda db: db.execute(query, (*values, order)))

    def unfinished(self) -> list[Noted]:
        """Orders that were begun and never ended: the station went down over them."""
        query = f"{_WHOLE} WHERE status = 'in-progress' ORDER BY at"
        return [_noted(row) for row in self._use(lambda db: db.execute(query).fetchall())]

    def latest(self) -> Noted | None:
        """The order that was begun or ended last."""
        row = self._use(lambda db: db.execute(f"{_WHOLE} ORDER BY at DESC LIMIT 1").fetchone())
        return None if row is None else _noted(row)

    def _use(self, work: Callable[[sqlite3.Connection], _Found]) -> _Found:
        """One transaction, durable at its end."""
        try:
            return self._book.use(work)
        except (sqlite3.Error, OSError) as error:
            raise OrderBookError(str(self.path), f"cannot be written: {error}") from error


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
