"""Rows carried to the hub by hand, as `station journal export` writes them."""

from datetime import timedelta

import msgspec
import pytest
from hub_stand import CITIZEN, Journal, now
from kept import count, take

from core import rows, wire
from core.model import Direction, GateKind, Outcome, Scheme
from hub.errors import DataError, MissingFile
from hub.journals import carried, dead_letters, intake, proof, reading
from hub.stations import alarms
from hub.stations.fleet import add_station
from hub.storage.tables import visits
from station.errors import JournalError
from station.journal.reading import JournalReader
from station.journal.record import Entry
from station.journal.record import Journal as Card
from station.sync import batch_of


@pytest.fixture
def journal(peopled, ring):
    made = Journal(ring.sealing_public)
    for _ in range(450):
        made.write()
    return made


def exported(tmp_path, *raws: bytes):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(raw + b"\n" for raw in raws))
    return path


def brought(peopled, ring, path, **options):
    return carried.take(peopled, ring, path, now(), lambda done: None, **options)


def gone(journal, through: int) -> bytes:
    """The line of a card that has no rows through this one any more."""
    return wire.encode(rows.Gone("s1", journal.epoch, through, rows.digest(journal.raws[through - 1])))


def proven(peopled):
    with peopled.reading() as connection:
        (found,) = proof.prove(connection, "s1")
    return found


def test_rows_carried_by_hand_are_held_once_beside_those_that_were_sent(peopled, ring, journal, tmp_path):
    take(peopled, ring, journal, last=120)
    path = exported(tmp_path, *journal.raws)
    assert carried.is_rows(path)
    (first,) = brought(peopled, ring, path)
    assert (first.rows, first.new, first.refused, first.through, first.waiting) == (450, 330, 0, 450, 0)
    (again,) = brought(peopled, ring, path)
    assert (again.rows, again.new, again.through) == (450, 0, 450)
    with peopled.reading() as connection:
        assert all(each.whole for each in proof.prove(connection, "s1"))


def test_a_card_that_lost_its_beginning_waits_for_it(peopled, ring, journal, tmp_path):
    (found,) = brought(peopled, ring, exported(tmp_path, *journal.raws[100:]))
    assert (found.through, found.waiting, found.new) == (0, 350, 350)
    (found,) = brought(peopled, ring, exported(tmp_path, *journal.raws[:100]))
    assert (found.through, found.waiting) == (450, 0)


def test_rows_of_a_card_that_says_its_beginning_is_gone_are_all_read_and_what_is_nowhere_is_lost(
    peopled, ring, journal, tmp_path
):
    path = exported(tmp_path, gone(journal, 100), *journal.raws[100:])
    assert carried.is_rows(path)
    (found,) = brought(peopled, ring, path)
    assert (found.rows, found.new, found.through, found.waiting, found.missing) == (350, 450, 450, 0, None)
    assert (found.lost, found.unkept, count(peopled, visits)) == (((1, 100),), (), 350)
    said = proven(peopled)
    assert (said.lost, said.missing, said.broken) == (((1, 100),), (), ())
    (again,) = brought(peopled, ring, path)
    assert (again.new, again.lost, count(peopled, visits)) == (0, (), 350)


def test_what_a_card_has_no_more_and_the_hub_holds_is_not_lost(peopled, ring, journal, tmp_path):
    take(peopled, ring, journal, last=120)
    (found,) = brought(peopled, ring, exported(tmp_path, gone(journal, 100), *journal.raws[100:]))
    assert (found.new, found.through, found.lost, proven(peopled).whole) == (330, 450, (), True)


def test_rows_on_either_side_of_a_hole_are_all_read_and_the_chain_is_held_against_what_the_card_says(
    peopled, ring, journal, tmp_path
):
    (found,) = brought(peopled, ring, exported(tmp_path, *journal.raws[:40], gone(journal, 60), *journal.raws[60:]))
    assert (found.rows, found.through, found.lost, count(peopled, visits)) == (430, 450, ((41, 60),), 430)
    assert (proven(peopled).lost, proven(peopled).broken) == (((41, 60),), ())


@pytest.fixture
def narrow(monkeypatch):
    """Few rows may wait, so that there need not be many."""
    monkeypatch.setattr(intake, "WAITING_AT_MOST", 250)


def test_no_row_of_a_file_is_dropped_unsaid_however_many_wait_for_its_beginning(
    peopled, ring, journal, tmp_path, narrow
):
    beginning = exported(tmp_path, *journal.raws[:100]).rename(tmp_path / "beginning.jsonl")
    path = exported(tmp_path, *journal.raws[100:])
    (found,) = brought(peopled, ring, path)
    assert (found.rows, found.new, found.waiting) == (350, 250, 250)
    assert (found.missing, found.unkept) == ((1, 100), ((351, 450),))
    brought(peopled, ring, beginning)
    (found,) = brought(peopled, ring, path)
    assert (found.new, found.through, found.waiting, found.unkept) == (100, 450, 0, ())


def test_a_file_whose_end_lies_before_its_beginning_is_kept_whole(peopled, ring, journal, tmp_path, narrow):
    (found,) = brought(peopled, ring, exported(tmp_path, *journal.raws[100:], *journal.raws[:100]))
    assert (found.rows, found.new, found.through, found.waiting, found.unkept) == (450, 450, 450, 0, ())


def test_an_old_file_whose_missing_rows_are_given_up_is_kept_and_read_whole(peopled, ring, journal, tmp_path, narrow):
    path = exported(tmp_path, *journal.raws[20:60], *journal.raws[90:])
    (found,) = brought(peopled, ring, path, give_up=True)
    assert (found.rows, found.through, found.waiting, found.unkept) == (400, 450, 0, ())
    assert (found.lost, found.missing, count(peopled, visits)) == (((1, 20), (61, 90)), None, 400)
    assert proven(peopled).broken == ()


def test_a_damaged_row_that_waits_says_nothing_of_what_is_missing_before_it(peopled, ring, journal, tmp_path):
    damaged = wire.encode(rows.Damaged("s1", journal.epoch, 1 << 40, msgspec.Raw(rows.travelling(b"\xef"))))
    (found,) = brought(peopled, ring, exported(tmp_path, *journal.raws[9:12], damaged), give_up=True)
    assert (found.through, found.lost, found.waiting) == (12, ((1, 9),), 1)


@pytest.mark.parametrize("line", [b'"gone":0', b'"gone":9007199254740992', b'"gone":3,"gone_hash":"no"', b'"gone":"3"'])
def test_a_line_that_says_what_cannot_be_gone_is_named(peopled, ring, journal, tmp_path, line):
    path = exported(tmp_path, b'{"station":"s1","epoch":"%s",%s}' % (journal.epoch.encode(), line), *journal.raws)
    with pytest.raises(DataError, match="line 1 is no row"):
        brought(peopled, ring, path)


def test_several_journals_and_emptied_rows_come_in_one_file(peopled, ring, journal, tmp_path):
    with peopled.writing() as connection:
        add_station(connection, "s2", "cho", None, now())
    other = Journal(ring.sealing_public, station="s2", epoch="b" * 16)
    for _ in range(3):
        other.write()
    raws = [*other.raws[:1], rows.emptied(other.raws[1]), *other.raws[2:], *journal.raws[:5]]
    found = brought(peopled, ring, exported(tmp_path, *raws))
    assert [(each.station, each.through) for each in found] == [("s2", 3), ("s1", 5)]
    with peopled.reading() as connection:
        assert all(each.whole for each in proof.prove(connection, "s2"))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda raw: raw[: len(raw) // 2], "line 3 is no row"),
        (lambda raw: b'{"station":' * 9_000, "line 3 is no row"),
        (lambda raw: raw.replace(b'"seq":3', b'"seq":0'), "line 3 is no row of any"),
        (lambda raw: raw.replace(b'"station":"s1"', b'"station":"s9"'), "'s9' is not registered"),
    ],
)
def test_a_line_that_is_no_row_is_named_and_what_came_before_is_kept(peopled, ring, journal, tmp_path, spoil, told):
    path = exported(tmp_path, *journal.raws[:2], spoil(journal.raws[2]), *journal.raws[3:9])
    with pytest.raises(DataError, match=told):
        brought(peopled, ring, path)
    (whole,) = brought(peopled, ring, exported(tmp_path, *journal.raws[:9]))
    assert whole.through == 9


def test_a_row_with_another_content_is_kept_as_a_conflict(peopled, ring, journal, tmp_path):
    take(peopled, ring, journal, last=5)
    twin = Journal(ring.sealing_public)
    for _ in range(5):
        twin.write()
    (found,) = brought(peopled, ring, exported(tmp_path, *twin.raws))
    assert (found.new, found.refused, found.through) == (0, 5, 5)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFile, match=r"nothing\.jsonl"):
        carried.is_rows(tmp_path / "nothing.jsonl")


def test_a_damaged_row_carried_by_hand_is_the_dead_letter_that_it_is_when_sent(peopled, ring, journal, tmp_path):
    row = rows.travelling(journal.raws[1].replace(b'"cho"', b'"ch\xef\n'))
    damaged = wire.encode(rows.Damaged("s1", journal.epoch, 2, msgspec.Raw(row)))
    (found,) = brought(peopled, ring, exported(tmp_path, journal.raws[0], damaged, journal.raws[2]))
    assert (found.rows, found.through) == (3, 3)
    with peopled.reading() as connection:
        (letter,) = dead_letters.listed(connection, dead_letters.Wanted(station="s1"))
        assert (letter.seq, dead_letters.raw(connection, letter)) == (2, row)
    journal.raws[1] = row
    take(peopled, ring, journal, last=3)  # as it would have been sent
    with peopled.reading() as connection:
        (found,) = proof.prove(connection, "s1")
    assert (found.conflicts, [fault.seq for fault in found.broken]) == (0, [2, 3])


def recorded(card: Card, count: int) -> None:
    clock = wire.RowClock("ntp", "boot", 1.0)
    who = wire.Who(Scheme.CITIZEN, CITIZEN)
    went_in = {"direction": Direction.IN, "outcome": Outcome.PASS, "who": who}
    card.append_all([Entry("checkin", now(), clock, GateKind.VENUE, "cho", **went_in) for _ in range(count)])


def test_a_card_that_let_its_first_rows_go_gives_a_restored_hub_all_that_it_has(peopled, ring, tmp_path):
    path = tmp_path / "journal.db"
    with Card(path, "s1", ring.sealing_public, keep_days=0) as card:
        recorded(card, 120)
        card.hold(wire.HeldMark("s1", card.epoch, 100, now()))
        assert card.erase(now()) == 100
    (found,) = brought(peopled, ring, exported(tmp_path, *JournalReader(path).export()))
    assert (found.rows, found.through, found.waiting, found.lost) == (20, 120, 0, ((1, 100),))
    assert (count(peopled, visits), proven(peopled).broken) == (20, ())


def test_a_damaged_journal_gives_all_that_can_be_read_and_the_station_goes_on_beside_it(peopled, ring, tmp_path):
    path = tmp_path / "journal.db"
    with Card(path, "s1", ring.sealing_public) as card:
        recorded(card, 1000)
    raw = bytearray(path.read_bytes())
    for page in (60, 61, 90):
        raw[page * 4096 : page * 4096 + 300] = b"\xff" * 300
    path.write_bytes(raw)
    with Card(path, "s1", ring.sealing_public) as card:
        with pytest.raises(JournalError):
            card.pending(2000, 10**9)
        salvaged = card.pending(2000, 10**9)
        reader = JournalReader(card.set_aside)
        (found,) = brought(peopled, ring, exported(tmp_path, *reader.export()))
        assert (found.through, found.waiting, len(found.lost), len(reader.gone)) == (1000, 0, 2, 2)
        assert found.rows == count(peopled, visits) > 900
        assert len(salvaged.raws) < 600
        with peopled.writing() as connection:  # the station brings what it salvaged as well
            intake.take(connection, batch_of(salvaged), now())
            card.hold(intake.mark(connection, "s1", salvaged.epoch, now()))
        while (pending := card.pending(200, 10**9)) is not None:
            with peopled.writing() as connection:
                intake.take(connection, batch_of(pending), now())
                reading.read_pending(connection, ring, 1000, now())
                card.hold(intake.mark(connection, "s1", pending.epoch, now()))
    assert count(peopled, visits) == found.rows


def test_an_old_card_that_is_carried_in_late_does_not_make_the_new_one_a_second_board(peopled, ring, tmp_path):
    new, old = Journal(ring.sealing_public, epoch="b" * 16), Journal(ring.sealing_public, epoch="c" * 16)
    new.write(at=now() - timedelta(hours=2))
    new.write()
    old.write(at=now() - timedelta(days=9))
    take(peopled, ring, new, last=1)
    brought(peopled, ring, exported(tmp_path, *old.raws))
    take(peopled, ring, new)
    with peopled.reading() as connection:
        assert not alarms.listed(connection)
