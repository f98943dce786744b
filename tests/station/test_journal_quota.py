"""The journal's quota: full, it takes no row; with room again it goes on by itself."""

from __future__ import annotations

import pytest
from test_journal import NOW, checkin, mark, open_journal
from test_journal_weather import append_until_refused

from station.errors import JournalError


def test_the_trouble_of_a_full_quota_ends_by_itself_when_rows_were_erased(tmp_path):
    with open_journal(tmp_path / "journal.db", max_bytes=64 * 1024, keep_days=0) as journal:
        append_until_refused(journal)
        journal.look_after()
        assert journal.trouble is not None
        journal.hold(mark(journal, journal.seq))
        assert journal.trouble is not None
        while journal.erase(NOW):
            pass
        journal.look_after()
        assert journal.trouble is None


def test_a_smaller_quota_than_is_held_takes_no_row_until_there_is_more_again(tmp_path):
    with open_journal(tmp_path / "journal.db") as journal:
        journal.append(checkin())
        journal.limit(1)
        with pytest.raises(JournalError) as refused:
            journal.append(checkin())
        assert refused.value.reason == "journal-full"
        journal.look_after()
        assert journal.trouble is not None
        journal.limit(None)
        journal.look_after()
        assert journal.trouble is None
        assert journal.append(checkin()).seq == 2
