"""A disk that gives input/output errors: a fault at the gate, told once, over by itself, and the chain holds.

A real file system on a loop device whose backing store can be made to take nothing: every write that has to reach it
fails as it does on a dying card.
"""

from __future__ import annotations

import contextlib
import logging
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rig import Registry, Rig
from test_clock_faults import DEVICES
from test_gate import declared
from test_journal import checkin, open_journal

from core.model import Outcome, Reason
from station.errors import JournalError
from station.journal.reading import JournalReader

PEOPLE = [f"0460900001{number:02}" for number in range(40)]


@dataclass
class Disk:
    """``folder`` is on it; it fails between ``fail`` and ``heal``."""

    folder: Path
    store: Path

    def fail(self) -> None:
        with (self.store / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(b"x" * 4096)

    def heal(self) -> None:
        (self.store / "filler").unlink(missing_ok=True)


def ran(*words: object) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"{words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    store, folder = tmp_path / "store", tmp_path / "disk"
    store.mkdir()
    folder.mkdir()
    image = store / "disk.img"
    with contextlib.ExitStack() as stack:
        ran("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", store)
        stack.callback(subprocess.run, ["umount", store], check=True)
        with image.open("wb") as made:
            made.truncate(16 << 20)
        loop = ran("losetup", "--find", "--show", image)
        stack.callback(subprocess.run, ["losetup", "-d", loop], check=True)
        ran("mkfs.ext4", "-q", "-O", "^has_journal", "-E", "lazy_itable_init=1", loop)
        ran("mount", "-o", "errors=continue,nodelalloc", loop, folder)
        stack.callback(subprocess.run, ["umount", folder], check=True)
        yield Disk(folder, store)


def test_a_disk_that_gives_errors_is_a_fault_at_the_gate_told_once_and_over_by_itself(disk, caplog):
    registry = Registry({person: declared(f"{number:02x}") for number, person in enumerate(PEOPLE)})
    rig = Rig(disk.folder / "data", registry, devices=DEVICES)
    try:
        assert rig.scan(PEOPLE[0]).outcome is Outcome.PASS
        with caplog.at_level(logging.WARNING, "station.journal.file"):
            disk.fail()
            faults = 0
            for person in PEOPLE[1:20]:
                done = rig.scan(person)
                if done.outcome is Outcome.FAULT:
                    assert done.reasons == (Reason.JOURNAL_BROKEN,)
                    faults += 1
            assert faults > 5
            trouble = rig.station.journal.trouble
            assert trouble is not None
            assert "I/O error" in trouble.problem
            rig.nothing_more(2.5)
            assert [record.message for record in caplog.records] == ["journal fails"]
            disk.heal()
            rig.wait(lambda: rig.station.journal.trouble is None)
            assert rig.scan(PEOPLE[30]).outcome is Outcome.PASS
            assert [record.message for record in caplog.records] == ["journal fails", "journal writes again"]
        assert rig.outcomes[-1] is Outcome.PASS
    finally:
        disk.heal()
        rig.close()


@pytest.mark.parametrize("together", [1, 5])
def test_every_row_that_was_said_to_be_recorded_is_there_after_the_errors(disk, together):
    path = disk.folder / "journal.db"
    recorded = []
    with open_journal(path) as journal:
        for turn in range(6):
            disk.fail() if turn % 2 else disk.heal()
            people = [checkin(f"{turn}{number:011}") for number in range(10)]
            for first in range(0, 10, together):
                with contextlib.suppress(JournalError):
                    recorded.extend(journal.append_all(people[first : first + together]))
            journal.look_after()
        disk.heal()
        journal.look_after()
        assert journal.trouble is None
    held = {row.seq: row for row in JournalReader(path).latest(1000)}
    assert [held[row.seq] for row in recorded] == recorded
    assert JournalReader(path).prove()[0].broken is None
    assert len(recorded) >= 30
