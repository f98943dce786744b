"""What a station learnt later: the visit changes, the row does not."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import journal_of, now

from core import rows, wire
from core.model import Outcome
from hub.journals import intake, reading
from hub.storage.tables import journal_rows, visits


@pytest.fixture
def read(peopled, ring):
    """Takes a journal in and gives its visits as ``(seq, outcome, at, went_in)``."""

    def taken(book):
        with peopled.writing() as connection:
            intake.take(connection, book.batch(), now())
            reading.read_pending(connection, ring, 100, now())
            columns = (visits.c.seq, visits.c.outcome, visits.c.at, visits.c.went_in)
            kept = connection.scalars(sa.select(journal_rows.c.raw).order_by(journal_rows.c.seq)).all()
            assert kept == book.raws
            return connection.execute(sa.select(*columns).order_by(visits.c.seq)).all()

    return taken


def clock(source, monotonic, boot="boot"):
    return wire.RowClock(source, boot, monotonic)


def test_a_verdict_asked_again_replaces_the_first_and_whoever_went_in_stays_in(ring, read):
    book = journal_of(ring)
    book.write(outcome=Outcome.UNVERIFIED)
    book.write(outcome=Outcome.WARN, type="amendment", about=1, sealed="")
    assert [(seq, outcome, went_in) for seq, outcome, _, went_in in read(book)] == [(1, "warn", 1)]


def test_a_clock_learnt_later_puts_a_guessed_time_right(ring, read):
    book, at = journal_of(ring), now() - timedelta(hours=1)
    book.write(at=at - timedelta(days=3), clock=clock("guess", 100.0))
    book.write(at=at, clock=clock("ntp", 160.5), type="amendment", about=1, sealed="", outcome=None)
    ((_, outcome, amended, _),) = read(book)
    assert (outcome, amended) == ("pass", at - timedelta(seconds=60.5))


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (clock("ntp", 100.0), clock("ntp", 160.0)),  # it was right already
        (clock("guess", 100.0, "before"), clock("ntp", 160.0)),  # another boot
        (clock("guess", 100.0), clock("guess", 160.0)),  # still a guess
        (clock("guess", 100.0), clock("ntp", 60.0)),  # cannot be
        (clock("guess", 0.0), clock("ntp", 9e300)),
    ],
)
def test_a_time_that_cannot_be_put_right_stays(ring, read, first, later):
    book, at = journal_of(ring), now() - timedelta(hours=1)
    book.write(at=at, clock=first)
    book.write(clock=later, type="amendment", about=1, sealed="", outcome=None)
    assert [each.at for each in read(book)] == [at]


def test_an_amendment_of_no_visit_changes_nothing(ring, read):
    book = journal_of(ring)
    book.write(type="amendment", about=1, sealed="")
    assert read(book) == []
    assert rows.digest(book.raws[0]) == book.head
