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

from core import wire
from core.model import Scheme, Subject
from core.movement import Passage
from station.errors import JournalError, JournalInUse
from station.journal.reading import JournalReader
from station.journal.record import Journal

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
            assert db.execute("SELECT tag FROM passages UNION ALL SELECT tag FROM goings").fetchall() == []


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
