"""Rows that are recorded at one go: one transaction, and everything that holds for one row holds for each of them."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing

import msgspec
import pytest
from test_journal import HUB_PRIVATE, NOW, checkin, damage, mark, open_journal

from core import keys, rows, wire
from core.model import Outcome, Scheme, Subject
from station.errors import JournalError
from station.journal.reading import JournalReader

PEOPLE = [f"0460000{number:05}" for number in range(40)]


def commits(journal, action) -> int:
    """How often the journal's connection commits during ``action``."""
    said: list[str] = []
    with journal._file.reading() as db:
        db.set_trace_callback(said.append)
    action()
    with journal._file.reading() as db:
        db.set_trace_callback(None)
    return said.count("COMMIT")


def test_rows_recorded_at_one_go_are_one_commit_contiguous_and_chained_to_what_was_there(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        first = journal.append(checkin("046999999999"))
        recorded = []
        done = commits(journal, lambda: recorded.extend(journal.append_all([checkin(number) for number in PEOPLE])))
        last = journal.append(checkin("046999999998"))
        assert done == 1
        assert [row.seq for row in (first, *recorded, last)] == list(range(1, 43))
        with closing(sqlite3.connect(path)) as beside:
            assert beside.execute("SELECT count(*) FROM rows").fetchone() == (42,)
    (proof,) = JournalReader(path).prove()
    assert (proof.broken, proof.last, proof.count) == (None, 42, 42)


def test_the_hub_opens_each_of_them_in_its_own_place_and_all_are_remembered(tmp_path):
    with open_journal(tmp_path / "journal.db") as journal:
        recorded = journal.append_all([checkin(number) for number in PEOPLE])
        for row, number in zip(recorded, PEOPLE, strict=True):
            box = base64.b64decode(row.sealed)
            opened = keys.open_sealed(HUB_PRIVATE, box, rows.context("gate-1", row.epoch, row.seq))
            assert msgspec.json.decode(opened, type=wire.Who).value == number
            passage = journal.last_passage(Subject(Scheme.CITIZEN, number), NOW)
            assert passage is not None
            assert passage.at == NOW


def test_when_one_of_them_has_no_room_none_is_recorded_and_the_next_row_goes_on_in_the_chain(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path, max_bytes=64 * 1024, keep_days=0) as journal:
        journal.append(checkin("046999999999"))
        many = [checkin(f"{number:012}") for number in range(200)]
        with pytest.raises(JournalError) as refusal:
            journal.append_all(many)
        assert refusal.value.reason == "journal-full"
        assert journal.seq == 1
        assert journal.last_passage(many[0].seen, NOW) is None
        assert [row.seq for row in journal.append_all(many[:3])] == [2, 3, 4]
        assert journal.trouble is None
        journal.hold(mark(journal, 4))
    (proof,) = JournalReader(path).prove()
    assert (proof.broken, proof.count) == (None, 4)


def test_a_number_that_was_given_in_vain_is_sealed_anew_with_another_key(tmp_path):
    with open_journal(tmp_path / "journal.db", max_bytes=64 * 1024) as journal:
        entries = [checkin(f"{number:012}") for number in range(200)]
        tried = []
        seal = keys.RowSeals.seal
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(keys.RowSeals, "seal", lambda self, *given: tried.append(seal(self, *given)) or tried[-1])
            with pytest.raises(JournalError):
                journal.append_all(entries)
            journal.append(entries[5])
    assert tried[0][:32] != tried[-1][:32]


def test_damage_met_by_several_rows_is_set_aside_and_all_of_them_are_recorded(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        journal.append_all([checkin(f"{number:012}") for number in range(200)])
        old = journal.epoch
    damage(path, first_page=False)
    with open_journal(path) as journal:
        for _ in range(20):
            recorded = journal.append_all([checkin(number) for number in PEOPLE])
            assert len({row.epoch for row in recorded}) == 1
            if journal.set_aside is not None:
                break
        assert recorded[0].epoch != old
        assert [row.seq for row in recorded] == list(range(recorded[0].seq, recorded[0].seq + len(PEOPLE)))


def test_nothing_to_record_is_nothing_done(tmp_path):
    with open_journal(tmp_path / "journal.db") as journal:
        assert commits(journal, lambda: journal.append_all([])) == 0
        assert journal.append(checkin(outcome=Outcome.WARN)).seq == 1
