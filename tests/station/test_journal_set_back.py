"""A card that was set back: what it records under numbers that the hub holds already is recorded anew, never lost."""

from __future__ import annotations

from msgspec.structs import replace
from test_journal import NOW, checkin, damage_row, mark, open_journal

from core import rows, wire
from core.model import Outcome
from station.journal.reading import JournalReader
from station.journal.record import Journal


def test_a_hub_that_holds_more_than_the_card_makes_the_card_begin_anew_so_that_nothing_is_taken_as_held(tmp_path):
    with open_journal(tmp_path / "journal.db", keep_days=0) as journal:
        old = journal.epoch
        journal.append(checkin())
        journal.hold(mark(journal, 1000))
        fresh = journal.append(checkin("046000000002"))
        assert (fresh.epoch != old, fresh.seq) == (True, 2)
        for _ in range(2):  # retained, then told again
            journal.hold(wire.HeldMark("gate-1", old, 1000, NOW))
            pending = journal.pending(10, 10**6)
            assert (pending.epoch, pending.first, len(pending.raws)) == (fresh.epoch, 1, 2)  # the hub never saw these


def rows_in(journal: Journal) -> list[wire.Row]:
    pending = journal.pending(1000, 10**9)
    return [rows.decode(raw) for raw in pending.raws] if pending else []


def test_rows_under_numbers_that_a_card_lost_with_its_end_are_recorded_anew_and_not_taken_as_held(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for number in range(5):
            journal.append(checkin(f"04600000000{number}"))
        journal.hold(mark(journal, 3))
        held = [journal.append(checkin(f"04600000001{number}")) for number in range(3)]
        before = {row.seq: rows.digest(wire.encode(row)) for row in rows_in(journal)}
        lost = replace(mark(journal, 7), hash="0" * 64)  # of a row 7 that this card has no more
        journal.hold(lost)
        fresh = rows_in(journal)
        assert [row.seq for row in fresh] == [1, 2, 3, 4, 5]
        assert [(row.was[0].epoch, row.was[0].seq, row.was[0].hash) for row in fresh] == [
            (held[0].epoch, seq, before[seq]) for seq in range(4, 9)
        ]
        assert [row.sealed for row in fresh[2:]] == [row.sealed for row in held]
        for again in (lost, replace(lost, through=100), lost):
            journal.hold(again)
            assert rows_in(journal) == fresh
    with open_journal(path) as journal:
        assert journal.append(checkin()).seq == 6
    assert [proof.broken for proof in JournalReader(path).prove()] == [None, None]


def test_a_mark_of_the_very_row_that_this_card_has_lets_it_go(tmp_path):
    with open_journal(tmp_path / "journal.db", keep_days=0) as journal:
        for number in range(5):
            journal.append(checkin(f"04600000000{number}"))
        old, raws = journal.epoch, journal.pending(10, 10**6).raws
        for through in (3, 2, 3, 5):
            journal.hold(replace(mark(journal, through), hash=rows.digest(raws[through - 1])))
            assert journal.backlog().rows == 5 - through
        assert journal.erase(NOW) == 5
        journal.hold(replace(mark(journal, 5), hash=rows.digest(raws[4])))
        assert journal.epoch == old


def test_a_held_row_that_the_card_has_damaged_since_is_no_card_set_back(tmp_path):
    with open_journal(tmp_path / "journal.db") as journal:
        for number in range(3):
            journal.append(checkin(f"04600000000{number}"))
        old, hash_of = journal.epoch, rows.digest(journal.pending(10, 10**6).raws[1])
        damage_row(tmp_path / "journal.db", 2, b"\xff")
        journal.hold(replace(mark(journal, 2), hash=hash_of))
        assert (journal.epoch, journal.backlog().rows) == (old, 1)


def test_what_a_row_speaks_of_is_still_said_when_both_or_one_are_recorded_anew(tmp_path):
    with open_journal(tmp_path / "journal.db") as journal:
        old = journal.epoch
        for number in range(2):
            journal.append(checkin(f"04600000000{number}", outcome=Outcome.WARN))
        journal.hold(mark(journal, 1))
        for about in (1, 2):
            journal.append(replace(checkin(), type="decision", about=about, decision="admitted", who=None, seen=None))
        journal.hold(replace(mark(journal, 2), hash="0" * 64))
        _, first, second = rows_in(journal)
        assert (first.speaks_of, second.speaks_of) == ((old, 1), (journal.epoch, 1))


def test_damaged_and_emptied_rows_go_along_when_rows_are_recorded_anew(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for number in range(4):
            journal.append(checkin(f"04600000000{number}"))
        journal.empty(journal.epoch, [2])
        damage_row(path, 3, b"\xff{")
        journal.hold(mark(journal, 9))
        raws = journal.pending(10, 10**6).raws
        assert rows.decode_emptied(raws[1]).seq == 2
        assert raws[2] == rows.travelling(b"\xff{")
        assert rows.decode(raws[3]).previous == rows.digest(raws[2])
