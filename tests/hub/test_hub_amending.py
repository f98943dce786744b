"""What a station learnt later: the visit changes, the row does not."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import Journal, journal_of, now

from core import rows, wire
from core.model import Outcome
from hub.journals import intake, reading
from hub.journals.boots import date_held
from hub.storage.boot_tables import boots
from hub.storage.tables import journal_rows, journals, visits


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


def of_boot(book, at, worth):
    """The row by which a station says what time it is, of everything before it in that boot."""
    return book.write(at=at, clock=worth, type="amendment", cause="clock", sealed="", outcome=None)


def dated(read, *books):
    """``(epoch, seq) → at`` of every visit once these journals were read in this order."""
    for book in books:
        read(book)
    with read.store.reading() as connection:
        columns = sa.select(visits.c.epoch, visits.c.seq, visits.c.at)
        return {(epoch, seq): at for epoch, seq, at in connection.execute(columns)}


def walked(store, at_most=2):
    """Has everything that is held dated by what was noted, as the writer does: a little in each transaction."""
    steps, more = 0, True
    while more:
        with store.writing() as connection:
            more = date_held(connection, at_most)
        steps += 1
    return steps


@pytest.fixture
def reads(peopled, ring):
    """Takes in journals, one after the other."""

    class Reads:
        store = peopled

        def __call__(self, book):
            with peopled.writing() as connection:
                intake.take(connection, book.batch(), now())
                while reading.read_pending(connection, ring, 3, now())[0]:
                    pass
            walked(peopled)

    return Reads()


def guessed(ring, at, epoch="a" * 16, *, boot="boot", source="guess", first=100.0, rows=5):
    """Rows of a clock that stands 30 days behind, one a minute."""
    book = Journal(ring.sealing_public, epoch=epoch)
    for number in range(rows):
        book.write(at=at - timedelta(days=30), clock=clock(source, first + 60.0 * number, boot))
    return book


@pytest.mark.parametrize("source", ["guess", "rtc"])
def test_one_amendment_dates_every_earlier_row_of_its_boot_and_no_other(ring, reads, source):
    at = now() - timedelta(hours=2)
    book = guessed(ring, at, source=source)
    before = book.write(at=at - timedelta(days=30), clock=clock(source, 200.0, "the boot before"))
    right = book.write(at=at, clock=clock("ntp", 400.0))
    of_boot(book, at, clock("ntp", 500.0))
    later = book.write(at=at - timedelta(days=30), clock=clock(source, 600.0))
    found = dated(reads, book)
    for number in range(5):
        assert found[book.epoch, number + 1] == at - timedelta(seconds=400 - 60 * number)
    for raw, said in ((before, at - timedelta(days=30)), (right, at), (later, at - timedelta(days=30))):
        assert found[book.epoch, rows.decode(raw).seq] == said


def test_rows_that_arrive_after_the_amendment_of_their_boot_are_dated_alike_in_either_order_and_however_often(
    ring, reads
):
    at = now() - timedelta(hours=2)
    first, second = guessed(ring, at), guessed(ring, at, "b" * 16, first=410.0)
    of_boot(second, at, clock("hub", 1000.0))
    of_boot(second, at + timedelta(seconds=600), clock("ntp", 1600.0))
    one_way = dated(reads, second, first)
    assert one_way == dated(reads, first, second)
    with reads.store.writing() as connection:
        for epoch in (first.epoch, second.epoch):
            connection.execute(sa.delete(visits).where(visits.c.epoch == epoch))
            connection.execute(sa.delete(journal_rows).where(journal_rows.c.epoch == epoch))
            connection.execute(sa.delete(journals).where(journals.c.epoch == epoch))
        connection.execute(sa.delete(boots))
    assert dated(reads, first, second) == one_way
    assert one_way[first.epoch, 1] == at - timedelta(seconds=900)
    assert one_way[second.epoch, 5] == at - timedelta(seconds=350)


def test_a_row_whose_clock_the_hub_had_contradicted_is_dated_by_the_hubs_word(ring, reads):
    at = now() - timedelta(hours=2)
    book = journal_of(ring)
    book.write(at=at - timedelta(days=1), clock=wire.RowClock("guess", "boot", 1.0, offset=86_400.0))
    book.write(at=at, clock=wire.RowClock("guess", "boot", 2.0, offset=1e300))
    of_boot(book, at - timedelta(days=3), clock("ntp", 3.0))
    assert list(dated(reads, book).values()) == [at, at]


def test_an_amendment_of_a_boot_that_says_nothing_or_nonsense_changes_nothing(ring, reads):
    at = now() - timedelta(hours=2)
    book = guessed(ring, at)
    for worth in (clock("guess", 900.0), clock("ntp", 9e300), clock("ntp", 900.0, "x" * 65), clock("ntp", 50.0)):
        of_boot(book, at, worth)
    assert set(dated(reads, book).values()) == {at - timedelta(days=30)}
