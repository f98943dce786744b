"""A card that was set back: what it records under numbers that the hub holds already comes anew, and counts once."""

import msgspec
import pytest
import sqlalchemy as sa
from hub_stand import EPOCH, OTHER_EPOCH, journal_of, now
from kept import count, days_ago, take

from core import rows, wire
from core.model import Outcome
from hub.custody import keeping
from hub.custody.retention import Days
from hub.journals import intake, proof
from hub.storage.tables import conflicting_rows, visits


def anew(book, *raws: bytes):
    """Rows of a journal as a card records them anew under another epoch."""
    fresh = journal_of_book(book)
    numbers = {rows.decode(raw).seq: number for number, raw in enumerate(raws, 1)}
    for raw in raws:
        row = rows.decode(raw)
        about = numbers.get(row.about, 0)
        was = wire.Was(row.epoch, row.seq, rows.digest(raw), 0 if about else row.about)
        place = {"epoch": fresh.epoch, "seq": fresh.seq + 1, "previous": fresh.head}
        fresh.seq += 1
        fresh.keep(wire.encode(msgspec.structs.replace(row, **place, about=about, was=(*row.was, was))))
    return fresh


def journal_of_book(book):
    fresh = type(book)(book.sealing_key, epoch=OTHER_EPOCH)
    fresh.head = rows.genesis(fresh.station, fresh.epoch)
    return fresh


def mark(store, epoch=EPOCH):
    with store.reading() as connection:
        return intake.mark(connection, "s1", epoch, now())


def test_the_mark_carries_the_hash_of_the_last_row_held(peopled, ring):
    book = journal_of(ring)
    assert mark(peopled).hash == ""
    for _ in range(3):
        book.write()
    take(peopled, ring, book, last=2)
    assert (mark(peopled).through, mark(peopled).hash) == (2, rows.digest(book.raws[1]))


def test_the_hash_stays_known_when_retention_has_taken_the_row(peopled, ring):
    book = journal_of(ring)
    book.write(at=days_ago(30))
    take(peopled, ring, book, days_ago(30))
    keeping.keep(peopled, Days(), now())
    assert (mark(peopled).through, mark(peopled).hash) == (1, rows.digest(book.raws[0]))


def test_a_row_recorded_anew_opens_and_counts_as_any_other(peopled, ring):
    held, lost = journal_of(ring), journal_of(ring)
    held.write()
    held.write(outcome=Outcome.WARN)
    lost.write()
    lost.write(outcome=Outcome.WARN)  # under the number that the hub holds another row of
    take(peopled, ring, held)
    fresh = anew(lost, lost.raws[1])
    take(peopled, ring, fresh)
    assert (mark(peopled, OTHER_EPOCH).refused, count(peopled, visits), count(peopled, conflicting_rows)) == ((), 3, 0)
    with peopled.reading() as connection:
        assert all(each.whole for each in proof.prove(connection, "s1"))


def test_a_row_recorded_anew_that_the_hub_held_as_it_was_counts_once(peopled, ring):
    book = journal_of(ring)
    for _ in range(3):
        book.write()
    take(peopled, ring, book)
    fresh = anew(book, *book.raws[1:])
    take(peopled, ring, fresh)
    take(peopled, ring, anew(fresh, *fresh.raws))
    assert count(peopled, visits) == 3


@pytest.mark.parametrize("stays", [True, False], ids=["of a row that stayed", "of a row recorded anew"])
def test_a_decision_recorded_anew_is_heard(peopled, ring, stays):
    book = journal_of(ring)
    book.write(outcome=Outcome.WARN)
    book.write(type="decision", about=1, decision="admitted", outcome=None, sealed="")
    if stays:
        take(peopled, ring, book, last=1)
    take(peopled, ring, anew(book, *book.raws[1 if stays else 0 :]))
    with peopled.reading() as connection:
        assert list(connection.scalars(sa.select(visits.c.went_in))) == [1]
