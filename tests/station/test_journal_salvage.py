"""A damaged journal: set aside, salvaged while the gate records, told, and gone when its days are over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from test_journal import NOW, checkin, mark, open_journal, run_on

from core import rows, wire
from core.model import Scheme, Subject
from core.movement import Passage
from station.errors import JournalError
from station.journal import salvage
from station.journal.reading import JournalReader


def damage_page_of(path: Path, text: bytes) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = bytearray(path.read_bytes())
    page = next(page for page in range(2, len(raw) // 4096) if text in raw[page * 4096 : (page + 1) * 4096])
    raw[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(raw)


def test_damage_that_only_the_way_to_the_hub_meets_is_mended_too(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for number in range(300):
            journal.append(checkin(f"{number:012}"))
    damage_page_of(path, b'"seq":200,')
    with open_journal(path) as journal:
        old = journal.epoch
        with pytest.raises(JournalError):
            journal.pending(1000, 10**9)
        pending = journal.pending(1000, 10**9)
        assert (pending.epoch, pending.first) == (old, 1)
        assert len(pending.raws) > 100
        assert isinstance(rows.walk(pending.raws, "gate-1", old), rows.Link)
        assert journal.append(checkin()).epoch != old


def test_a_salvage_that_a_power_cut_ended_is_done_again_at_the_next_start(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for number in range(300):
            journal.append(checkin(f"{number:012}"))
        old = journal.epoch
    damage_page_of(path, b'"seq":200,')
    salvage.begin(path)  # and here the power goes
    with open_journal(path) as journal:
        assert journal.set_aside is not None
        assert journal.pending(1000, 10**9).epoch == old
    with open_journal(path) as journal:
        assert [journal.set_aside] == list(tmp_path.glob("journal.db.damaged-*[0-9]"))


def test_a_damaged_journal_that_lies_aside_is_told_over_restarts_and_deleted_when_its_days_are_over(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append(checkin())
    path.write_bytes(b"no database" * 1000)
    for _ in range(2):
        with open_journal(path) as journal:
            assert journal.set_aside is not None
            assert journal.set_aside.read_bytes() == b"no database" * 1000
    with open_journal(path, keep_days=3) as journal:
        run_on(journal, NOW, 2.75)
        assert journal.set_aside is not None
        run_on(journal, NOW + timedelta(days=3), 0)
        assert journal.set_aside is None
    assert list(tmp_path.glob("journal.db.*aged*")) == []


def test_dead_letters_days_keys_and_passes_outlive_the_damage(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for number in range(300):
            journal.append(checkin(f"{number:012}"))
        journal.hold(mark(journal, 100, wire.Refused(7, "bad seal")))
    damage_page_of(path, b'"seq":200,')
    with open_journal(path) as journal:
        with pytest.raises(JournalError):
            journal.pending(1000, 10**9)
        passage = journal.last_passage(Subject(Scheme.CITIZEN, f"{5:012}"), NOW + timedelta(minutes=1))
        assert passage == Passage(NOW, wire.Direction.IN)
        assert journal.backlog().refused == 1
        assert journal.pending(1000, 10**9).first == 101
    assert [(one.seq, one.cause) for one in JournalReader(path).refused()] == [(7, "bad seal")]


def test_a_large_journal_is_salvaged_in_pieces_while_the_gate_records(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for number in range(1300):
            journal.append(checkin(f"{number:012}"))
        old = journal.epoch
    salvage.begin(path)
    counts = []
    with open_journal(path) as journal:
        for turn in range(4):
            counts.append(journal.count_between(old, 1, 10**6))
            assert journal.append(checkin(f"9{turn:011}")).seq == turn + 1
            journal.look_after()
        assert counts == [500, 1000, 1300, 1300]
        pending = journal.pending(2000, 10**9)
        assert isinstance(rows.walk(pending.raws, "gate-1", old), rows.Link)
        assert (pending.epoch, len(pending.raws)) == (old, 1300)
        assert not salvage.waits(path)


def test_a_salvage_goes_on_after_rows_that_the_hub_has_and_the_card_let_go_meanwhile(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path, keep_days=0) as journal:
        for number in range(700):
            journal.append(checkin(f"{number:012}"))
        old = journal.epoch
    salvage.begin(path)
    with open_journal(path, keep_days=0) as journal:
        journal.hold(wire.HeldMark("gate-1", old, 500, NOW))
        assert journal.erase(NOW) == 500
        journal.look_after()
        assert (journal.pending(1000, 10**9).first, journal.count_between(old, 1, 10**6)) == (501, 200)


def test_a_hub_that_holds_more_than_is_copied_yet_is_no_sign_that_the_card_was_set_back(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for number in range(700):
            journal.append(checkin(f"{number:012}"))
        old = journal.epoch
    salvage.begin(path)
    with open_journal(path) as journal:
        new = journal.epoch
        journal.hold(wire.HeldMark("gate-1", old, 700, NOW))
        assert (journal.epoch, journal.seq, journal.count_between(old, 1, 10**6)) == (new, 0, 500)
        journal.look_after()
        assert journal.pending(1000, 10**9).first == 501
        journal.hold(wire.HeldMark("gate-1", old, 700, NOW))
        assert journal.pending(1000, 10**9) is None


def test_a_disk_that_does_not_give_the_damaged_file_keeps_it_waiting_and_stops_nobody(tmp_path, caplog):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append(checkin())
        old = journal.epoch
    salvage.begin(path)
    real = salvage.waiting(path).rename(tmp_path / "elsewhere")
    salvage.waiting(path).mkdir()  # what SQLite cannot open
    with open_journal(path) as journal:
        assert journal.append(checkin("046000000002")).seq == 1
        journal.look_after()
        assert journal.trouble is None
        assert journal.pending(10, 10**6).epoch != old
    assert [record.message for record in caplog.records].count("the damaged journal cannot be read now") == 1
    salvage.waiting(path).rmdir()
    real.rename(salvage.waiting(path))
    with open_journal(path) as journal:
        assert journal.pending(10, 10**6).epoch == old


def damaged_in_the_middle(path: Path, count: int = 300) -> str:
    """The epoch of a journal whose row 200 cannot be read, set aside by whoever opens it."""
    with open_journal(path) as journal:
        journal.append_all([checkin(f"{number:012}") for number in range(count)])
    damage_page_of(path, b'"seq":200,')
    salvage.begin(path)
    return journal.epoch


def test_a_file_with_rows_that_salvage_could_not_bring_over_stays_until_the_hub_holds_them(tmp_path, caplog):
    path = tmp_path / "journal.db"
    old = damaged_in_the_middle(path)
    with open_journal(path, keep_days=3) as journal:
        aside = journal.set_aside
        assert 0 < journal.count_between(old, 1, 300) < 200
        journal.hold(wire.HeldMark("gate-1", old, journal.pending(1000, 10**9).last, NOW))
        run_on(journal, NOW, 30)
        assert aside.exists()
        assert journal.set_aside == aside
    with open_journal(path, keep_days=3) as journal:
        run_on(journal, NOW + timedelta(days=30.25), 5)
        assert aside.exists()
        assert journal.count_between(old, 1, 300) == 0
        assert old in journal.epochs(), "the hub is asked how far it holds this journal"
        journal.hold(wire.HeldMark("gate-1", old, 299, NOW))
        run_on(journal, NOW + timedelta(days=35.5), 0)
        assert aside.exists()
        journal.hold(wire.HeldMark("gate-1", old, 300, NOW))
        run_on(journal, NOW + timedelta(days=35.75), 0)
        assert journal.set_aside is None
        assert old not in journal.epochs()
    cures = [record.cure for record in caplog.records if "nowhere else" in record.message]
    assert len(cures) == 2, "told once after each start"
    assert cures[0] == f"station journal export --sealed --file {aside} --to rows.jsonl, then hub import rows.jsonl"


def test_a_file_whose_rows_were_all_brought_over_goes_with_its_days(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append_all([checkin(f"{number:012}") for number in range(30)])
    salvage.begin(path)
    with open_journal(path, keep_days=3) as journal:
        assert journal.set_aside is not None
        run_on(journal, NOW, 3.25)
        assert (journal.set_aside, journal.backlog().rows) == (None, 30)


@pytest.mark.parametrize("where", ["end", "epochs"])
def test_rows_that_can_only_be_read_past_other_damage_keep_their_file_too(tmp_path, where):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append_all([checkin(f"{number:012}") for number in range(300)])
        old = journal.epoch
    damage_page_of(path, b'"seq":200,')
    damage_page_of(path, b'"seq":300,' if where == "end" else old.encode() + b"gate-1")
    salvage.begin(path)
    with open_journal(path, keep_days=3) as journal:
        run_on(journal, NOW, 9)
        assert journal.set_aside is not None
        exported = [raw for raw in JournalReader(journal.set_aside).export() if b'"seq":' in raw]
        assert len(exported) > 200
        assert old in journal.epochs()


def test_a_journal_that_is_damaged_while_an_older_one_is_copied_loses_no_row_of_either(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append_all([checkin(f"{number:012}") for number in range(1300)])
        journal.hold(mark(journal, 20, wire.Refused(7, "bad seal")))
        first = journal.epoch
    salvage.begin(path)
    with open_journal(path) as journal:
        journal.append_all([checkin(f"9{number:011}") for number in range(300)])
        second = journal.epoch
        assert journal.count_between(first, 1, 1300) == 500
        assert journal.settle() == 1, "what is not copied yet is not emptied either"
    salvage.begin(path)  # and the new one is damaged, too
    with open_journal(path) as journal:
        assert journal.settle() == 2
        for _ in range(5):
            assert journal.append(checkin()).epoch not in (first, second)
            journal.look_after()
        assert not salvage.waits(path)
        assert journal.backlog().rows == 1280 + 300 + 5
        assert journal.backlog().refused == 1
        passage = journal.last_passage(Subject(Scheme.CITIZEN, "900000000005"), NOW + timedelta(minutes=1))
        assert passage == Passage(NOW, wire.Direction.IN), "who passed at the newer one is known"
        for epoch, count in ((first, 1300), (second, 300)):
            raws = journal.between(epoch, 1, 2000, 2000, 10**9).raws
            assert isinstance(rows.walk(raws, "gate-1", epoch), rows.Link)
            assert len(raws) == count
        assert len(salvage.kept(path, "damaged")) == 2


def test_what_a_newer_damage_took_of_an_older_journals_rows_comes_from_the_older_file(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append_all([checkin(f"{number:012}") for number in range(1300)])
        old = journal.epoch
    salvage.begin(path)
    with open_journal(path):
        pass
    damage_page_of(path, b'"seq":200,')
    with open_journal(path) as journal:
        with pytest.raises(JournalError):
            journal.pending(2000, 10**9)
        for _ in range(6):
            journal.backlog()
            journal.look_after()
        assert isinstance(rows.walk(journal.pending(2000, 10**9).raws, "gate-1", old), rows.Link)
        assert journal.count_between(old, 1, 1300) == 1300


def test_a_power_cut_between_two_damaged_files_names_leaves_neither_out(tmp_path):
    path = tmp_path / "journal.db"
    epochs = []
    for name in ("older.db", "newer.db"):
        with open_journal(tmp_path / name) as journal:
            journal.append(checkin())
            journal.hold(mark(journal, 1, wire.Refused(1, "bad seal")))
            epochs.append(journal.epoch)
        salvage.move(tmp_path / name, salvage.aside(path, "salvage"))  # and here the power goes
    assert len(salvage.left(path)) == 2
    with open_journal(path) as journal:
        for _ in range(3):
            journal.look_after()
        assert [journal.count_between(epoch, 1, 9) for epoch in epochs] == [1, 1]
        assert journal.backlog().refused == 2
        assert not salvage.waits(path)


def test_a_name_that_a_damaged_file_has_is_given_to_no_other(tmp_path):
    names = set()
    for _ in range(3):
        name = salvage.aside(tmp_path / "journal.db", "damaged")
        name.write_bytes(b"")
        names.add(name)
    assert len(names) == 3
    assert set(salvage.kept(tmp_path / "journal.db", "damaged")) == names
