"""Rows come in exactly once, in order, whatever the way they travel; what is wrong with one is said and kept."""

import queue
import threading
import time
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from drawn import drawn
from hub_stand import CITIZEN, EPOCH, OTHER_EPOCH, Journal, journal_of, now, until
from hypothesis import given
from hypothesis import strategies as st

from core import rows, wire
from core.model import Direction, Outcome, Scheme, Subject
from hub.journals import intake, proof, reading
from hub.journals.writer import LARGE, READ_BESIDE, Delivery, Writer
from hub.register.people import IdentityRecord, PersonRecord
from hub.register.registry import add_identity, put_person
from hub.register.standings import Standings
from hub.stations import alarms
from hub.stations.fleet import add_station
from hub.storage.tables import conflicting_rows, journal_rows, journals, metadata, visits, waiting_rows


@pytest.fixture
def hub(peopled, ring):
    return Hub(peopled, ring)


class Hub:
    """The store with the two steps of every commit: take, then read."""

    def __init__(self, store, ring):
        self.store, self.ring = store, ring

    def take(self, batch: wire.Batch, at_most: int = 1000) -> wire.HeldMark:
        with self.store.writing() as connection:
            refused = intake.take(connection, batch, now())
            reading.read_pending(connection, self.ring, at_most, now())
            mark = intake.mark(connection, batch.station, batch.epoch, now())
        return msgspec.structs.replace(mark, refused=(*mark.refused, *refused))

    def count(self, table: sa.Table) -> int:
        with self.store.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table))

    def alarms(self) -> list[str]:
        with self.store.reading() as connection:
            return sorted(alarm.kind for alarm in alarms.listed(connection))

    def proofs(self) -> list[proof.Proof]:
        with self.store.reading() as connection:
            return proof.prove(connection, "s1")

    def last_scan(self, value: str = CITIZEN, scheme: Scheme = Scheme.CITIZEN, before=None):
        standings = Standings(self.store.reader(), self.ring)
        try:
            standing = standings.of(Subject(scheme, value), before or now(), now())
        finally:
            standings.close()
        return standing.destination if standing else None


def journal(hub: Hub, rows: int, **named: str) -> Journal:
    book = journal_of(hub.ring, **named)
    for _ in range(rows):
        book.write()
    return book


def test_the_mark_says_how_far_a_journal_is_held(hub):
    book = journal(hub, 5)
    assert hub.take(book.batch(1, 3)).through == 3
    mark = hub.take(book.batch(4, 5))
    assert (mark.station, mark.epoch, mark.through, mark.refused, mark.alarm) == ("s1", EPOCH, 5, (), "")


def test_the_same_batch_any_number_of_times_is_one_row_each(hub):
    book = journal(hub, 3)
    assert [hub.take(book.batch()).through for _ in range(4)] == [3, 3, 3, 3]
    assert (hub.count(journal_rows), hub.count(visits), hub.alarms()) == (3, 3, [])


def test_rows_are_kept_byte_for_byte(hub):
    book = journal(hub, 2)
    hub.take(book.batch())
    with hub.store.reading() as connection:
        assert list(connection.scalars(sa.select(journal_rows.c.raw).order_by(journal_rows.c.seq))) == book.raws


def test_rows_ahead_of_a_gap_wait_beside_until_it_fills(hub):
    book = journal(hub, 6)
    assert hub.take(book.batch(5, 6)).through == 0
    assert hub.take(book.batch(1, 2)).through == 2
    assert hub.count(waiting_rows) == 2
    assert hub.proofs()[0].missing == ((3, 4),)
    assert hub.take(book.batch(3, 4)).through == 6
    assert hub.count(waiting_rows) == 0
    assert hub.proofs()[0].whole


def test_an_empty_batch_asks_how_far_a_journal_is_held(hub):
    book = journal(hub, 2)
    hub.take(book.batch())
    assert hub.take(wire.Batch("s1", EPOCH, 3, ())).through == 2


def test_one_stations_backlog_starves_nobody(hub):
    with hub.store.writing() as connection:
        for name in ("a1", "z9"):
            add_station(connection, name, "cho", None, now())
    books = [journal(hub, count, station=name) for name, count in (("a1", 400), ("s1", 300), ("z9", 1))]
    with hub.store.writing() as connection:
        for book in books:
            intake.take(connection, book.batch(), now())
        reading.read_pending(connection, hub.ring, 16, now())
        read = connection.execute(sa.select(journals.c.station, journals.c.read_through)).all()
    assert dict(map(tuple, read)) == {"a1": 8, "s1": 7, "z9": 1}
    for book in books:
        hub.take(book.batch())
    assert hub.count(visits) == 701


@pytest.mark.parametrize(("rows", "behind"), [(LARGE, True), (LARGE - 1, False)], ids=["backlog", "not one"])
def test_the_rows_of_a_backlog_are_opened_only_once_its_next_batch_has_been_waited_for(hub, rows, behind):
    waits, batches = 600.0, 4
    book, taken = journal(hub, batches * rows), queue.Queue()
    writer = Writer(hub.store, hub.ring, patience=waits)
    running = threading.Thread(target=writer.run, daemon=True)
    running.start()
    try:
        for last in range(rows, batches * rows + 1, rows):
            time.sleep(0.2)  # it is on its way
            writer.deliver(Delivery(book.batch(last - rows + 1, last), taken.put))
            assert taken.get(timeout=60).through == last
            if not behind:
                until(lambda last=last: hub.count(visits) == last, "all of it opened, whatever comes next")
        opened = hub.count(visits)
    finally:
        writer.stop()
        writer.deliver(Delivery(wire.Batch("s1", EPOCH, 1, ()), taken.put))  # what it waits for
        running.join(60)
    assert not running.is_alive()
    assert opened <= batches * READ_BESIDE if behind else opened == batches * rows


def test_a_writer_is_busy_until_what_it_was_given_is_read_also_while_it_says_that_it_is_on_disk(hub):
    book, seen = journal(hub, 3 * READ_BESIDE), queue.Queue()
    writer = Writer(hub.store, hub.ring)
    running = threading.Thread(target=writer.run, daemon=True)
    running.start()
    until(lambda: not writer.busy, "nothing to do")
    writer.deliver(Delivery(book.batch(), lambda _: seen.put((writer.busy, hub.count(visits)))))
    assert seen.get(timeout=60) == (True, READ_BESIDE)
    until(lambda: not writer.busy, "all of it read")
    assert hub.count(visits) == len(book.raws)
    writer.stop()
    running.join(60)


@drawn(25, shared=True)
@given(pieces=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=8), read=st.integers(1, 4))
def test_any_order_overlap_and_repetition_of_batches_ends_in_each_row_once(hub, pieces, read):
    with hub.store.writing() as connection:
        for table in ("visits", "journal_rows", "waiting_rows", "journals"):
            connection.execute(sa.delete(metadata.tables[table]))
    book = journal(hub, 9)
    for first, last in pieces:
        hub.take(book.batch(min(first, last), max(first, last)), read)
    mark = hub.take(book.batch())
    assert (mark.through, mark.refused, mark.alarm) == (9, (), "")
    assert (hub.count(journal_rows), hub.count(visits), hub.count(waiting_rows)) == (9, 9, 0)
    assert hub.proofs()[0].whole


def test_a_row_that_its_station_has_emptied_keeps_its_place_in_the_chain(hub):
    book = journal(hub, 5)
    raws = [rows.emptied(raw) if seq in (2, 3) else raw for seq, raw in enumerate(book.raws, 1)]
    emptied = wire.Batch("s1", EPOCH, 1, tuple(map(msgspec.Raw, raws)))
    assert (hub.take(emptied).through, hub.take(book.batch()).through) == (5, 5)
    (proven,) = hub.proofs()
    assert (proven.whole, proven.emptied, proven.through) == (True, 2, 5)
    assert (hub.count(visits), hub.count(conflicting_rows)) == (3, 0)
    assert hub.alarms() == []


def test_a_row_emptied_by_its_station_after_the_hub_held_it_changes_nothing(hub):
    book = journal(hub, 3)
    hub.take(book.batch())
    emptied = wire.Batch("s1", EPOCH, 1, tuple(msgspec.Raw(rows.emptied(raw)) for raw in book.raws))
    assert hub.take(emptied).refused == ()
    assert (hub.count(visits), hub.proofs()[0].emptied) == (3, 0)


@pytest.mark.parametrize("waits", [False, True], ids=["held", "waiting"])
def test_a_number_that_comes_again_with_other_content_is_refused_kept_and_alarmed(hub, waits):
    book, copy = journal(hub, 3), journal(hub, 3)
    first = 2 if waits else 1
    hub.take(book.batch(first, 3))
    mark = hub.take(copy.batch(3, 3))
    assert [refused.seq for refused in mark.refused] == [3]
    assert (mark.alarm, hub.alarms(), hub.count(conflicting_rows)) == ("conflict", ["conflict"], 1)
    hub.take(copy.batch(3, 3))
    assert hub.count(conflicting_rows) == 1
    with hub.store.reading() as connection:
        assert connection.scalar(sa.select(conflicting_rows.c.raw)) == copy.raws[2]
    hub.take(book.batch())
    assert not hub.proofs()[0].whole


def test_a_row_taken_out_of_the_chain_is_named(hub):
    book = journal(hub, 2)
    book.head = "0" * 64
    book.write()
    mark = hub.take(book.batch())
    assert (mark.through, mark.alarm, hub.alarms()) == (3, "chain-broken", ["chain-broken"])
    assert [(fault.seq, fault.problem[:14]) for fault in hub.proofs()[0].broken] == [(3, "the row before")]


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b'{"anything": 1}', "not a row this hub can read"),
        (b"17", "not a row this hub can read"),
        (rows.travelling(b"\xff{"), "not a row this hub can read"),
        (b'"' + b"x" * 20_000 + b'"', "longer than 16384 bytes"),
    ],
    ids=["other", "number", "damaged", "long"],
)
def test_a_row_that_cannot_be_read_is_a_dead_letter_and_counts_as_held(hub, raw, cause):
    book = journal(hub, 1)
    book.keep(raw)
    book.write()
    mark = hub.take(book.batch())
    assert (mark.through, [(refused.seq, refused.cause[: len(cause)]) for refused in mark.refused]) == (3, [(2, cause)])
    assert (hub.count(journal_rows), hub.count(visits), hub.alarms()) == (3, 2, [])
    again = hub.take(book.batch())
    assert [refused.seq for refused in again.refused] == [2]


def test_of_more_refused_rows_than_a_mark_names_the_older_ones_are_told_when_asked_for(hub):
    book = journal(hub, 0)
    for seq in range(1, 151):
        book.keep(b"17") if seq % 2 else book.write()
    mark, told = hub.take(book.batch()), []
    assert (len(mark.refused), mark.refused_older, mark.refused_before) == (64, 11, 0)
    while mark.refused_older:
        told = [*mark.refused, *told]
        with hub.store.reading() as connection:
            mark = intake.mark(connection, "s1", EPOCH, now(), mark.refused[0].seq)
    assert [each.seq for each in (*mark.refused, *told)] == list(range(1, 151, 2))
    assert mark.through == 150


def test_a_row_sealed_to_another_hub_is_a_dead_letter(hub, tmp_path):
    book = journal(hub, 1)
    book.write(sealed="AAAA")
    mark = hub.take(book.batch())
    assert [(refused.seq, refused.cause) for refused in mark.refused] == [
        (2, "the seal does not open with this hub's key")
    ]


def test_a_row_under_a_number_that_is_not_its_own_is_a_dead_letter(hub):
    book = journal(hub, 2)
    moved = wire.Batch("s1", EPOCH, 1, (msgspec.Raw(book.raws[1]),))
    assert hub.take(moved).refused[0].cause == "says it is another journal's row or number"


@pytest.mark.parametrize("said", [{"about": 1 << 63}, {"about": -1}, {"place": "x" * 65}], ids=repr)
def test_a_row_that_says_what_cannot_be_is_a_dead_letter(hub, said):
    book = journal(hub, 0)
    book.write(**said)
    assert hub.take(book.batch()).refused[0].cause == "its place or the row it speaks of cannot be"


def test_a_replaced_board_begins_a_journal_of_its_own_and_late_rows_of_the_old_one_still_count(hub):
    old, new = journal(hub, 0), journal(hub, 0, epoch=OTHER_EPOCH)
    old.write(at=now() - timedelta(hours=3))
    new.write(at=now() - timedelta(hours=1))
    old.write(at=now() - timedelta(hours=2))
    hub.take(old.batch(1, 1))
    hub.take(new.batch())
    assert hub.take(old.batch(2, 2)).through == 2
    assert hub.alarms() == []
    assert [each.epoch for each in hub.proofs()] == [EPOCH, OTHER_EPOCH]


def test_two_boards_with_one_name_are_noticed_and_nothing_of_either_is_lost(hub):
    old, new = journal(hub, 0), journal(hub, 0, epoch=OTHER_EPOCH)
    old.write(at=now() - timedelta(hours=3))
    new.write(at=now() - timedelta(hours=2))
    old.write(at=now() - timedelta(hours=1))
    hub.take(old.batch(1, 1))
    hub.take(new.batch())
    mark = hub.take(old.batch(2, 2))
    assert (mark.through, mark.alarm, hub.alarms()) == (2, "two-stations", ["two-stations"])
    assert hub.count(journal_rows) == 3


@pytest.mark.parametrize(
    ("outcome", "decision", "counts"),
    [
        (Outcome.PASS, None, True),
        (Outcome.UNVERIFIED, None, True),
        (Outcome.WARN, None, False),
        (Outcome.WARN, "admitted", True),
        (Outcome.WARN, "turned-away", False),
    ],
)
def test_a_destination_scan_is_one_after_which_the_person_went_in(hub, outcome, decision, counts):
    book = journal(hub, 0)
    book.write(outcome=outcome)
    if decision:
        book.write(type="decision", about=1, decision=decision, outcome=None, sealed="")
    hub.take(book.batch())
    assert (hub.last_scan() is not None) is counts


def test_the_last_destination_scan_is_the_last_one_before_the_moment_asked_about(hub):
    book = journal(hub, 0)
    early, late = now() - timedelta(hours=2), now() - timedelta(hours=1)
    book.write(at=early, place="chot")
    book.write(at=late, direction=Direction.OUT)
    hub.take(book.batch())
    last = hub.last_scan()
    assert (last.at, last.place, last.place_name, last.direction) == (late, "cho", "Chợ Đông Ba", Direction.OUT)
    assert hub.last_scan(before=late).place == "chot"
    assert hub.last_scan(before=early) is None


@pytest.mark.parametrize("wrong", [timedelta(days=400), timedelta(days=-400)], ids=["ahead", "behind"])
def test_a_row_by_a_clock_that_was_never_set_counts_when_it_arrived(hub, wrong):
    book = journal(hub, 0)
    book.write(at=now() + wrong)
    hub.take(book.batch())
    assert abs(hub.last_scan().at - now()) < timedelta(minutes=1)


def test_every_code_of_a_person_finds_the_same_last_scan(hub):
    hub.take(journal(hub, 1).batch())
    assert hub.last_scan() == hub.last_scan("MYQR-ANH-0001", Scheme.TOKEN) is not None


def test_scans_of_an_unknown_code_are_the_persons_once_somebody_registers_it(hub):
    book = journal(hub, 0)
    book.write("046193990777")
    hub.take(book.batch())
    record = PersonRecord("p9", "Lê Văn Mới", identities=(IdentityRecord(Scheme.CITIZEN, "046193990777"),))
    with hub.store.writing() as connection:
        person, _ = put_person(connection, hub.ring, record, "people[0]")
        add_identity(connection, hub.ring, person, record.identities[0].subject)
    assert hub.last_scan("046193990777").place == "cho"
