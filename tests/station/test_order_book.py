"""The book of orders on a worn card: a damaged one is set aside, nothing from before is done twice."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.orders import Header
from station.errors import OrderBookError
from station.journal.orders import OrderBook

NOW = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def header(number: int, issued: datetime = NOW - MINUTE) -> Header:
    return Header(
        id=f"{number:016x}",
        station="gate-1",
        issued=issued,
        not_after=issued + 5 * MINUTE,
        nonce=f"{number:032x}",
    )


def begin(book: OrderBook, number: int, issued: datetime = NOW - MINUTE, now: datetime = NOW) -> str:
    return book.begin(header(number, issued), "open-once", b"document", "boot", now)


def damage(path: Path) -> None:
    """Overwrites the page where the orders lie."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'orders'").fetchone()
    with path.open("r+b") as file:
        file.seek(4096 * (root - 1))
        file.write(b"\xff" * 4096)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "orders.db"


@pytest.fixture
def book(path):
    made = OrderBook(path)
    assert begin(made, 1) == ""
    yield made
    made.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda book: book.find(header(1).nonce),
        lambda book: begin(book, 2),
        lambda book: book.finish(header(1).id, "succeeded", "", NOW),
        lambda book: book.unfinished(),
        lambda book: book.latest(),
    ],
    ids=["find", "begin", "finish", "unfinished", "latest"],
)
@pytest.mark.parametrize("anew", [False, True], ids=["open", "opened again"])
def test_a_book_damaged_while_it_is_used_is_replaced_once_and_orders_from_before_are_refused(
    book, path, caplog, use, anew
):
    if anew:
        book.close()
    damage(path)
    with caplog.at_level(logging.INFO):
        use(book)
        assert "lost its book" in begin(book, 1), "it was carried out already"
        assert "lost its book" in begin(book, 3), "nobody knows whether it was"
        assert begin(book, 4, NOW + MINUTE, NOW + MINUTE) == ""
    assert book.find(header(4).nonce).status == "in-progress"
    assert [record.getMessage() for record in caplog.records] == ["book of orders was damaged: a new one begins"]
    assert len([one for one in path.parent.glob("orders.db.damaged-*") if one.suffix != ".db-wal"]) == 1


def test_the_loss_is_remembered_over_a_restart_and_over_a_power_cut_in_the_middle(book, path):
    book.close()
    path.rename(path.with_name("orders.db.damaged-20260101T000000-1"))  # cut here: the new one was not begun
    assert "lost its book" in begin(book, 1)
    book.close()
    assert "lost its book" in begin(book, 2)
    assert begin(book, 3, NOW + MINUTE, NOW + MINUTE) == ""


def test_weather_sets_nothing_aside_and_is_told_as_such(tmp_path):
    book = OrderBook(tmp_path / "data" / "orders.db")
    with pytest.raises(OrderBookError, match="unable to open"):
        begin(book, 1)
    (tmp_path / "data").mkdir()
    assert begin(book, 1) == ""
    book.close()
    assert [one.name for one in (tmp_path / "data").iterdir()] == ["orders.db"]
