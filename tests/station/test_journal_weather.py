"""The journal on disks that fill, turn read-only, lose its files or were set back: told, mended, nothing lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from test_journal import NOW, checkin, mark, open_journal, run_on

from core import rows, wire
from core.model import Scheme, Subject
from core.movement import Passage
from station import journal_salvage
from station.errors import JournalError, JournalInUse
from station.journal import Journal
from station.journal_reading import JournalReader

Mount = Callable[[str], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mount small real file systems; skipped where that is not allowed."""
    mounted: list[Path] = []

    def small(size: str) -> Path:
        folder = tmp_path / f"disk-{len(mounted)}"
        folder.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
        if made.returncode != 0:
            pytest.skip("file systems can only be mounted by root")
        mounted.append(folder)
        return folder

    yield small
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def remount(folder: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", folder], check=True)


def fill_disk(folder: Path) -> Path:
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)
    return filler


def append_until_refused(journal: Journal) -> JournalError:
    try:
        for number in range(10_000):
            journal.append(checkin(f"{number:012}"))
    except JournalError as error:
        return error
    raise AssertionError("everything was recorded")


def test_reading_from_a_full_disk_does_not_end_the_trouble(mount):
    with open_journal(mount("600k") / "journal.db") as journal:
        assert append_until_refused(journal).reason == "journal-full"
        journal.backlog()
        journal.pending(10, 10**6)
        journal.last_passage(Subject(Scheme.CITIZEN, "046000000001"), NOW)
        with contextlib.suppress(JournalError):
            journal.erase(NOW)
        journal.look_after()
        assert journal.trouble is not None
        assert journal.trouble.reason == "journal-full"


def test_the_trouble_of_a_full_disk_ends_by_itself_when_there_is_room(mount):
    disk = mount("600k")
    with open_journal(disk / "journal.db") as journal:
        journal.append(checkin())
        filler = fill_disk(disk)
        append_until_refused(journal)
        kept = journal.seq
        filler.unlink()
        journal.look_after()
        assert journal.trouble is None
        assert journal.append(checkin()).seq == kept + 1
    assert JournalReader(disk / "journal.db").prove()[0].broken is None


def test_a_disk_without_room_for_a_journal_at_all_is_full_and_not_broken(mount):
    disk = mount("16k")
    with open_journal(disk / "journal.db") as journal:
        assert append_until_refused(journal).reason == "journal-full"


def test_a_disk_mounted_read_only_says_so_and_records_again_when_it_is_not(mount):
    disk = mount("600k")
    with open_journal(disk / "journal.db") as journal:
        journal.append(checkin())
    remount(disk, "ro")
    with open_journal(disk / "journal.db") as journal:
        assert append_until_refused(journal).reason == "journal-read-only"
        remount(disk, "rw")
        journal.look_after()
        assert journal.trouble is None
        assert journal.append(checkin()).seq == 2


@pytest.mark.parametrize("deleted", [("", "-wal", "-shm"), ("",), ("-wal",), ("-wal", "-shm")])
def test_a_journal_deleted_in_use_is_written_anew_and_loses_no_row(tmp_path, deleted):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append(checkin())
        for suffix in deleted:
            os.unlink(f"{path}{suffix}")
        journal.append(checkin("046000000009"))
        journal.look_after()
        assert [row.seq for row in JournalReader(path).latest(5)] == [1, 2]
        assert journal.append(checkin("046000000002")).seq == 3
        assert [row.seq for row in JournalReader(path).latest(5)] == [1, 2, 3]
    with open_journal(path) as journal:
        assert journal.append(checkin("046000000003")).seq == 4
    assert JournalReader(path).prove()[0].broken is None


def test_another_file_put_in_the_journals_place_is_set_aside_and_not_written_over(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append(checkin())
        other = tmp_path / "other.db"
        other.write_bytes(b"something else")
        os.replace(other, path)
        journal.look_after()
        assert journal.append(checkin("046000000002")).seq == 2
    assert [file.read_bytes() for file in tmp_path.glob("journal.db.replaced-*[0-9]")] == [b"something else"]
    assert JournalReader(path).prove()[0].broken is None


def test_a_data_folder_that_vanishes_is_made_again_with_every_row(tmp_path):
    folder = tmp_path / "data"
    with open_journal(folder / "journal.db") as journal:
        journal.append(checkin())
        shutil.rmtree(folder)
        journal.look_after()
        assert journal.append(checkin("046000000002")).seq == 2
    assert JournalReader(folder / "journal.db").prove()[0].last == 2


def test_a_data_folder_that_cannot_be_made_again_is_a_fault_and_never_a_row_nowhere(tmp_path):
    folder = tmp_path / "data"
    with open_journal(folder / "journal.db") as journal:
        journal.append(checkin())
        os.rename(folder, tmp_path / "moved")
        folder.write_text("in the way")
        journal.look_after()
        append_until_refused(journal)
        folder.unlink()
        os.rename(tmp_path / "moved", folder)
        journal.look_after()
        assert journal.trouble is None
        assert journal.append(checkin("046000000002")).seq == 2


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
    journal_salvage.begin(path)  # and here the power goes
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
    journal_salvage.begin(path)
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
        assert not journal_salvage.waits(path)


def test_a_salvage_goes_on_after_rows_that_the_hub_has_and_the_card_let_go_meanwhile(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path, keep_days=0) as journal:
        for number in range(700):
            journal.append(checkin(f"{number:012}"))
        old = journal.epoch
    journal_salvage.begin(path)
    with open_journal(path, keep_days=0) as journal:
        journal.hold(wire.HeldMark("gate-1", old, 500, NOW))
        assert journal.erase(NOW) == 500
        journal.look_after()
        assert (journal.pending(1000, 10**9).first, journal.count_between(old, 1, 10**6)) == (501, 200)


def test_a_disk_that_does_not_give_the_damaged_file_keeps_it_waiting_and_stops_nobody(tmp_path, caplog):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append(checkin())
        old = journal.epoch
    journal_salvage.begin(path)
    real = journal_salvage.waiting(path).rename(tmp_path / "elsewhere")
    journal_salvage.waiting(path).mkdir()  # what SQLite cannot open
    with open_journal(path) as journal:
        assert journal.append(checkin("046000000002")).seq == 1
        journal.look_after()
        assert journal.trouble is None
        assert journal.pending(10, 10**6).epoch != old
    assert [record.message for record in caplog.records].count("the damaged journal cannot be read now") == 1
    journal_salvage.waiting(path).rmdir()
    real.rename(journal_salvage.waiting(path))
    with open_journal(path) as journal:
        assert journal.pending(10, 10**6).epoch == old


def test_a_second_service_on_one_journal_does_not_start(tmp_path):
    with open_journal(tmp_path / "journal.db"), pytest.raises(JournalInUse, match="another station service"):
        open_journal(tmp_path / "journal.db").__enter__()


@pytest.mark.parametrize("through", [-5, 2**63, 10**30])
def test_a_mark_with_a_number_that_no_row_has_does_no_harm(tmp_path, through):
    with open_journal(tmp_path / "journal.db") as journal:
        journal.append(checkin())
        journal.hold(mark(journal, through, wire.Refused(through, "what")))
        assert len(journal.pending(10, 10**6).raws) == 1


def test_a_mark_of_an_epoch_that_this_card_never_had_changes_nothing(tmp_path):
    with open_journal(tmp_path / "journal.db") as journal:
        journal.append(checkin())
        journal.hold(wire.HeldMark("gate-1", "00" * 8, 7, NOW))
        assert journal.pending(10, 10**6).first == 1
        assert journal.append(checkin("046000000002")).seq == 2


def test_rows_of_a_name_that_the_station_no_longer_has_do_not_hold_up_the_new_ones(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append(checkin())
    with Journal(path, "gate-2", b"\x09" + bytes(31)) as renamed:
        renamed.append(checkin("046000000002"))
        assert renamed.pending(10, 10**6).station == "gate-2"
        assert renamed.backlog().rows == 2


def test_a_row_dated_by_a_clock_far_ahead_does_not_keep_later_ones_from_being_erased(tmp_path):
    with open_journal(tmp_path / "journal.db", keep_days=3) as journal:
        journal.append(checkin(at=NOW + timedelta(days=4000)))
        for number in range(5):
            journal.append(checkin(f"04600000000{number}"))
        journal.hold(mark(journal, 6))
        assert run_on(journal, NOW, 3) == [0] * 12 + [6]


def test_erasing_looks_at_a_bounded_number_of_rows(tmp_path):
    with open_journal(tmp_path / "journal.db", keep_days=0) as journal:
        for number in range(700):
            journal.append(checkin(f"{number:012}"))
        journal.hold(mark(journal, 700))
        assert [journal.erase(NOW) for _ in range(3)] == [500, 200, 0]
        assert JournalReader(tmp_path / "journal.db").prove()[0].first == 701


def days_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        return [day for (day,) in db.execute("SELECT day FROM day_keys ORDER BY day")]


@pytest.mark.parametrize("sure", [True, False], ids=["right by somebody's word", "steady for a day"])
def test_the_key_of_a_day_is_destroyed_though_nobody_comes_afterwards(tmp_path, sure):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append(checkin())
        journal.erase(NOW + timedelta(days=1), sure=sure)
        assert days_in(path) == ["2026-11-23"]
        journal.erase(NOW + timedelta(days=2), sure=sure)
        assert days_in(path) == ([] if sure else ["2026-11-23"])
        journal.erase(NOW + timedelta(days=2.5))
        journal.erase(NOW + timedelta(days=3))
        assert days_in(path) == []
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            assert db.execute("SELECT count(*) FROM passages").fetchone() == (0,)


def test_the_key_of_a_day_that_a_fast_clock_began_does_not_outlive_the_mistake(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append(checkin(at=NOW + timedelta(days=900)))
        journal.append(checkin("046000000002"))
        journal.erase(NOW, sure=True)
    assert days_in(path) == ["2026-11-23"]


def test_a_pass_just_before_midnight_is_known_just_after_and_the_other_way_round_when_the_clock_goes_back(tmp_path):
    midnight = NOW.replace(hour=0)
    subject = Subject(Scheme.CITIZEN, "046000000001")
    with open_journal(tmp_path / "journal.db") as journal:
        before = midnight - timedelta(seconds=1)
        journal.append(checkin(at=before))
        journal.append(checkin("046000000002", at=midnight))
        assert journal.last_passage(subject, midnight + timedelta(seconds=1)) == Passage(before, wire.Direction.IN)
        journal.append(checkin("046000000003", at=before))  # read before midnight, decided after
        assert journal.last_passage(Subject(Scheme.CITIZEN, "046000000003"), midnight) is not None
        assert journal.last_passage(Subject(Scheme.CITIZEN, "046000000002"), before) is None
        assert len(days_in(tmp_path / "journal.db")) == 2
