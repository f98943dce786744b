"""Who went through today: everybody is found again, by the last time, wherever it stands in the file."""

import secrets
import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest

from core.model import Direction, Scheme, Subject
from core.movement import Passage
from station.journal.days import LOOSE_AT_MOST, _Noted
from tests.station.test_journal import NOW, checkin, open_journal

TWO_BUSY_DAYS = 80_000
SOMEBODY = "046000000001"
SUBJECT = Subject(Scheme.CITIZEN, SOMEBODY)
IN, OUT = Passage(NOW, Direction.IN), Passage(NOW + timedelta(minutes=5), Direction.OUT)


def others(count):
    return [checkin(f"{secrets.randbelow(10**12):012}") for _ in range(count)]


def came_and_went(journal, before, between, after):
    journal.append_all([*others(before), checkin(SOMEBODY)])
    assert journal.last_passage(SUBJECT, NOW) == IN
    journal.append_all(others(between))
    journal.append(checkin(SOMEBODY, OUT.at, direction=OUT.direction))
    journal.append_all(others(after))


def test_nobody_who_was_here_is_missed_and_one_in_fifty_others_is_looked_for_in_vain_at_most():
    here = [secrets.token_hex(16) for _ in range(TWO_BUSY_DAYS)]
    noted = _Noted(here[: TWO_BUSY_DAYS // 2])
    for tag in here[TWO_BUSY_DAYS // 2 :]:
        noted.add(tag)
    assert all(tag in noted for tag in here)
    assert sum(secrets.token_hex(16) in noted for _ in range(20_000)) < 400


@pytest.mark.parametrize("after", [0, LOOSE_AT_MOST])
@pytest.mark.parametrize("between", [0, LOOSE_AT_MOST, 2 * LOOSE_AT_MOST])
@pytest.mark.parametrize("before", [0, LOOSE_AT_MOST - 1])
def test_the_last_going_through_counts_whether_or_not_it_was_put_in_its_order(tmp_path, before, between, after):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        came_and_went(journal, before, between, after)
        assert journal.last_passage(SUBJECT, OUT.at) == OUT
    with open_journal(path) as journal:
        assert journal.last_passage(SUBJECT, OUT.at) == OUT


@pytest.mark.parametrize("between", [0, LOOSE_AT_MOST])
def test_the_last_going_through_counts_after_damage_as_well(tmp_path, between):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        came_and_went(journal, 0, between, 9)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'rows'").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek((root - 1) * 4096)
        file.write(bytes(4096))
    with open_journal(path) as journal:
        journal.append(checkin("046999999999"))
        assert journal.set_aside is not None
        assert journal.last_passage(SUBJECT, OUT.at) == OUT


def test_goings_are_put_in_their_order_some_hundreds_at_a_time(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        for one in others(LOOSE_AT_MOST - 1):
            journal.append(one)
        assert kept_in(path) == (0, LOOSE_AT_MOST - 1)
    with open_journal(path) as journal:
        journal.append(checkin(SOMEBODY))
        assert kept_in(path) == (LOOSE_AT_MOST, 0)
        journal.append(checkin(SOMEBODY))
        assert kept_in(path) == (LOOSE_AT_MOST, 1)


@pytest.mark.parametrize("after", [0, LOOSE_AT_MOST])
def test_nothing_of_a_going_stays_when_its_row_is_emptied(tmp_path, after):
    path = tmp_path / "journal.db"
    with open_journal(path) as journal:
        row = journal.append(checkin(SOMEBODY))
        journal.append_all([checkin(f"{number:012}", OUT.at) for number in range(after)])
        assert journal.empty(row.epoch, [row.seq]) == 1
        journal.settle()
        assert row.tag.encode() not in b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert journal.last_passage(SUBJECT, NOW) is None


def kept_in(path):
    with closing(sqlite3.connect(path)) as db:
        return tuple(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("passages", "goings"))
