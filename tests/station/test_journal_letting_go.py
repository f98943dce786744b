"""What the hub holds leaves the card in the end: rows, dead letters and their bytes, for as long as a station runs."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace
from test_journal import NOW, checkin, mark, open_journal
from test_journal_unsynced import told

from core import wire
from station.journal.reading import JournalReader


def test_a_station_that_is_never_off_goes_on_erasing_for_as_long_as_it_runs(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path, keep_days=3) as journal:
        for hour in range(26 * 24):
            at = NOW + timedelta(hours=hour)
            journal.append(checkin(at=at))
            journal.hold(mark(journal, journal.seq))
            journal.erase(at, sure=True)
        stays = len(JournalReader(path).latest(1000))
    assert 3 * 24 <= stays <= 3.5 * 24


def test_a_dead_letter_keeps_its_cause_and_not_its_bytes_once_its_row_is_past_its_keeping(tmp_path):
    path = tmp_path / "journal.db"
    with open_journal(path, keep_days=0) as journal:
        sealed = journal.append(checkin()).sealed.encode()
        journal.hold(mark(journal, 1, wire.Refused(1, "cannot be opened")))
        journal.settle()
        assert sealed in path.read_bytes()
        assert journal.erase(NOW) == 1
    assert sealed not in path.read_bytes()
    assert [one.cause for one in JournalReader(path).refused()] == ["cannot be opened"]


def test_a_row_that_was_replayed_at_the_hub_is_no_dead_letter_any_more(tmp_path):
    path = tmp_path / "journal.db"
    letters = [wire.Refused(1, "cannot be opened"), wire.Refused(2, wire.CONFLICT), wire.Refused(3, "cannot be read")]

    def listed() -> list[int]:
        return [one.seq for one in JournalReader(path).refused()]

    with open_journal(path) as journal:
        for _ in range(4):
            journal.append(checkin())
        journal.hold(mark(journal, 4, *letters))
        journal.hold(mark(journal, 4, letters[2]))  # a conflict is told once
        assert listed() == [2, 3]
        journal.hold(replace(mark(journal, 4, wire.Refused(4, "cannot be read")), refused_older=1))  # the newest alone
        assert listed() == [2, 3, 4]
        journal.hold(replace(mark(journal, 4), refused_before=4))  # and there is none below it
        assert listed() == [2, 4]
        journal.hold(mark(journal, 4))
        assert journal.backlog().refused == 1


def test_rows_of_a_card_that_was_set_back_are_on_the_disk_before_any_of_them_is_sent(tmp_path):
    with open_journal(tmp_path / "journal.db") as journal:
        journal.append(checkin())
        said = told(journal)
        journal.hold(mark(journal, 9))
        assert said.index("COMMIT") < said.index("PRAGMA wal_checkpoint(TRUNCATE)")
        said.clear()
        journal.append(checkin())
        journal.hold(mark(journal, journal.seq))
        assert "PRAGMA wal_checkpoint(TRUNCATE)" not in said
