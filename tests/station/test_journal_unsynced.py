"""The hub's word is noted without waiting for the disk: a power cut may take it back, and that costs one batch more."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from test_journal import checkin, mark, open_journal

from core import rows
from station.errors import JournalError
from station.journal.reading import JournalReader
from station.journal.record import Journal


def synchronous(journal: Journal) -> int:
    with journal._file.reading() as db:
        (level,) = db.execute("PRAGMA synchronous").fetchone()
        return int(level)


def told(journal: Journal) -> list[str]:
    """What the journal's connection is told from now on, as it grows."""
    said: list[str] = []
    with journal._file.reading() as db:
        db.set_trace_callback(said.append)
    return said


FULL = 2


def test_the_hubs_word_waits_for_no_disk_and_every_row_does(tmp_path):
    with open_journal(tmp_path / "journal.db") as journal:
        journal.append(checkin())
        said = told(journal)
        journal.hold(mark(journal, 1))
        assert (
            said.index("PRAGMA synchronous = NORMAL") < said.index("COMMIT") < said.index("PRAGMA synchronous = FULL")
        )
        assert synchronous(journal) == FULL
        said.clear()
        journal.append(checkin("046000000002"))
        assert not [line for line in said if "synchronous" in line]


def test_a_word_that_cannot_be_noted_leaves_rows_as_durable_as_before(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append(checkin())
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(JournalError):
                journal.hold(mark(journal, 1))
            other.execute("ROLLBACK")
        assert synchronous(journal) == FULL
        assert journal.append(checkin("046000000002")).seq == 2


def cut(before: Path, after: Path) -> None:
    """The card as a power cut leaves it when nothing since ``before`` has reached it."""
    for file in after.iterdir():
        file.unlink()
    for file in before.iterdir():
        shutil.copy(file, after / file.name)


def test_a_word_that_a_power_cut_takes_back_has_the_rows_brought_again_and_held_as_the_same(tmp_path):
    card, before = tmp_path / "card", tmp_path / "before"
    card.mkdir()
    with open_journal(card / "journal.db") as journal:
        journal.append_all([checkin(f"{number:012}") for number in range(5)])
        brought = journal.pending(10, 10**6)
        shutil.copytree(card, before)
        journal.hold(mark(journal, 5))
        assert journal.pending(10, 10**6) is None
    cut(before, card)
    with open_journal(card / "journal.db") as journal:
        again = journal.pending(10, 10**6)
        assert again == brought
        assert again is not None
        journal.hold(mark(journal, 5))
        assert journal.pending(10, 10**6) is None
        assert journal.append(checkin("046000000099")).seq == 6
    (proof,) = JournalReader(card / "journal.db").prove()
    assert (proof.broken, proof.held, proof.last) == (None, 5, 6)


def test_a_row_takes_the_word_before_it_to_the_disk_and_never_goes_without_it(tmp_path):
    """SQLite's log is written in order: what is behind a durable row cannot be missing before it."""
    card, copy = tmp_path / "card", tmp_path / "copy"
    card.mkdir()
    with open_journal(card / "journal.db") as journal:
        journal.append(checkin())
        journal.hold(mark(journal, 1))
        journal.append(checkin("046000000002"))
        shutil.copytree(card, copy)
    log = bytearray((copy / "journal.db-wal").read_bytes())
    seen = set()
    for length in range(len(log), 32, -4120):  # the log as far as it got, frame by frame
        (copy / "journal.db-wal").write_bytes(log[:length])
        (copy / "journal.db-shm").unlink(missing_ok=True)
        with closing(sqlite3.connect(copy / "journal.db")) as db:
            try:
                held, last = db.execute(
                    "SELECT max(held), (SELECT max(seq) FROM rows) FROM epochs WHERE current = 1"
                ).fetchone()
            except sqlite3.OperationalError:
                break  # before there was a table
            seen.add((held, last))
            found = db.execute("SELECT raw FROM rows ORDER BY seq").fetchall()
            if found:
                first = rows.decode(found[0][0])
                assert isinstance(rows.walk([raw for (raw,) in found], first.station, first.epoch), rows.Link)
    assert (0, 2) not in seen
    assert {(1, 2), (1, 1), (0, 1)} <= seen
