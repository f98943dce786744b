"""A gap that cannot fill any more: its range is noted as lost and named, and the journal goes on behind it."""

import msgspec
import pytest
import sqlalchemy as sa
from hub_stand import EPOCH, journal_of, now
from kept import count, days_ago

from core import rows, wire
from hub.custody import keeping
from hub.custody.retention import Days
from hub.journals import dead_letters, intake, messages, proof, reading
from hub.stations import alarms
from hub.storage.keeping_tables import lost_ranges
from hub.storage.tables import journal_rows, journals, visits, waiting_rows


class Hub:
    """The store with the two steps of every commit."""

    def __init__(self, store, ring):
        self.store, self.ring = store, ring

    def take(self, book, first: int, last: int, gone: int = 0, gone_hash: str = "", arrived=None) -> wire.HeldMark:
        batch = msgspec.structs.replace(book.batch(first, last), gone=gone, gone_hash=gone_hash)
        batch = messages.batch(wire.encode(batch), "s1")
        with self.store.writing() as connection:
            intake.take(connection, batch, arrived or now())
            reading.read_pending(connection, self.ring, 1000, arrived or now())
            return intake.mark(connection, "s1", EPOCH, now())

    def without(self, book, gone: int, first: int, last: int, arrived=None) -> wire.HeldMark:
        """Rows of a card that has none up to ``gone`` any more."""
        return self.take(book, first, last, gone, rows.digest(book.raws[gone - 1]), arrived)

    def proof(self) -> proof.Proof:
        with self.store.reading() as connection:
            (found,) = proof.prove(connection, "s1")
        return found

    def alarms(self) -> dict[str, str]:
        with self.store.reading() as connection:
            return {each.kind: each.detail for each in alarms.listed(connection)}


@pytest.fixture
def hub(peopled, ring):
    return Hub(peopled, ring)


@pytest.fixture
def book(ring):
    made = journal_of(ring)
    for _ in range(30):
        made.write()
    return made


def test_a_station_whose_card_has_the_missing_rows_no_more_goes_on_behind_them(hub, book):
    hub.take(book, 1, 5)
    mark = hub.without(book, 10, 11, 20)
    assert (mark.through, mark.hash) == (20, rows.digest(book.raws[19]))
    assert hub.take(book, 21, 30).through == 30
    assert count(hub.store, visits) == 25
    found = hub.proof()
    assert (found.lost, found.missing, found.broken, found.through, found.whole) == (((6, 10),), (), (), 30, False)
    assert hub.alarms() == {
        "lost-rows": f"rows 6 to 10 of journal {EPOCH} are lost: its card has them no more and the hub never held them"
    }


def test_a_card_without_its_beginning_is_taken_from_where_it_begins(hub, book):
    assert hub.without(book, 10, 11, 30).through == 30
    assert (hub.proof().lost, hub.proof().broken, count(hub.store, visits)) == (((1, 10),), (), 20)


def test_rows_that_wait_beside_are_held_and_only_what_is_nowhere_is_lost(hub, book):
    hub.take(book, 1, 3)
    hub.take(book, 6, 7)
    assert hub.without(book, 10, 11, 12).through == 12
    assert (hub.proof().lost, hub.proof().broken) == (((4, 5), (8, 10)), ())
    assert (count(hub.store, waiting_rows), count(hub.store, visits)) == (0, 7)


def test_what_is_gone_from_a_card_that_the_hub_holds_is_not_lost(hub, book):
    hub.take(book, 1, 20)
    assert hub.without(book, 10, 11, 25).through == 25
    assert (hub.proof().whole, hub.alarms()) == (True, {})


def test_the_chain_is_proven_over_the_gap_by_the_hash_that_the_card_tells(hub, book):
    hub.take(book, 1, 5)
    hub.take(book, 11, 30, 10, "0" * 64)
    assert [fault.seq for fault in hub.proof().broken] == [11]
    assert "chain-broken" in hub.alarms()


def test_a_range_lost_at_the_end_is_noted_and_read_past(hub, book):
    hub.take(book, 1, 5)
    mark = hub.without(book, 10, 11, 10)
    assert (mark.through, mark.hash) == (10, rows.digest(book.raws[9]))
    with hub.store.reading() as connection:
        assert connection.scalar(sa.select(journals.c.read_through)) == 10
    assert hub.take(book, 11, 12).through == 12
    assert (hub.proof().lost, hub.proof().broken) == (((6, 10),), ())


def test_a_lost_row_that_comes_after_all_is_kept_and_can_be_replayed(hub, ring, book):
    hub.take(book, 1, 5)
    hub.without(book, 10, 11, 20)
    mark = hub.take(book, 7, 8)
    assert [(each.seq, each.cause) for each in mark.refused] == [(7, intake.LATE), (8, intake.LATE)]
    assert (hub.proof().lost, hub.proof().broken) == (((6, 6), (9, 10)), ())
    assert hub.take(book, 7, 8).refused == mark.refused
    done = dead_letters.replay(hub.store, ring, dead_letters.Wanted(station="s1"), "me", "here", now)
    assert (done.read, done.left, count(hub.store, visits)) == (2, {}, 17)
    assert "chain-broken" not in hub.alarms()


@pytest.mark.parametrize("at_most", [1, 7, 100])
def test_reading_that_comes_behind_passes_the_gap_and_leaves_late_rows_to_the_replay(hub, book, at_most):
    with hub.store.writing() as connection:
        for batch in (
            book.batch(1, 5),
            msgspec.structs.replace(book.batch(11, 20), gone=10, gone_hash=rows.digest(book.raws[9])),
            book.batch(7, 8),
        ):
            intake.take(connection, batch, now())
        while reading.read_pending(connection, hub.ring, at_most, now())[0]:
            pass
        assert connection.scalar(sa.select(journals.c.read_through)) == 20
    assert (count(hub.store, visits), set(hub.alarms())) == (15, {"lost-rows"})


def test_what_is_lost_is_forgotten_with_the_rows_around_it(hub, ring):
    old = journal_of(ring)
    for _ in range(12):
        old.write(at=days_ago(30))
    hub.take(old, 1, 5, arrived=days_ago(30))
    hub.without(old, 10, 11, 12, arrived=days_ago(30))
    keeping.keep(hub.store, Days(), now())
    assert (count(hub.store, lost_ranges), count(hub.store, journal_rows)) == (0, 0)
    assert hub.proof().whole


@pytest.mark.parametrize("gone", [11, 1 << 53, -1])
def test_a_batch_that_says_what_cannot_be_gone_is_not_taken(book, gone):
    batch = msgspec.structs.replace(book.batch(11, 12), gone=gone, gone_hash="0" * 64)
    with pytest.raises(messages.BadMessage):
        messages.batch(wire.encode(batch), "s1")
