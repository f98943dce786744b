"""The journal: every row durable, chained, sealed; faults told, damage set aside, nothing lost."""

from __future__ import annotations

import base64
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from core import keys, rows, wire
from core.model import CodeKind, Direction, GateKind, Outcome, Scheme, Source, Subject
from core.movement import Passage
from station.errors import JournalError
from station.journal.reading import JournalReader
from station.journal.record import Backlog, Entry, Journal
from station.sync import batch_of

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CLOCK = wire.RowClock("ntp", "boot", 1.0)
HUB_PRIVATE, HUB_PUBLIC = keys.new_sealing_key()


def checkin(number: str = "046000000001", at: datetime = NOW, **fields) -> Entry:
    subject = Subject(Scheme.CITIZEN, number)
    fields = {"outcome": Outcome.PASS, "source": Source.HID, "code_kind": CodeKind.CITIZEN_NUMBER} | fields
    return Entry(
        "checkin", at, CLOCK, GateKind.VENUE, "dong-ba", who=wire.Who(Scheme.CITIZEN, number), seen=subject, **fields
    )


def open_journal(path: Path, **options) -> Journal:
    return Journal(path, "gate-1", HUB_PUBLIC, **options)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def mark(journal: Journal, through: int, *refused: wire.Refused) -> wire.HeldMark:
    return wire.HeldMark("gate-1", journal.epoch, through, NOW, refused)


def test_rows_are_contiguous_from_one_and_chained_across_restarts(path):
    with open_journal(path) as journal:
        first = journal.append(checkin())
    with open_journal(path) as journal:
        second = journal.append(checkin("046000000002"))
        pending = journal.pending(10, 10**6)
    assert (first.seq, second.seq, first.epoch) == (1, 2, second.epoch)
    assert first.previous == rows.genesis("gate-1", first.epoch)
    assert rows.walk(pending.raws, "gate-1", first.epoch) == rows.Link(2, rows.digest(pending.raws[1]))


def test_only_the_hub_can_open_whom_a_row_speaks_of_and_the_card_holds_no_number(path):
    with open_journal(path) as journal:
        row = journal.append(checkin())
    box = base64.b64decode(row.sealed)
    opened = keys.open_sealed(HUB_PRIVATE, box, rows.context("gate-1", row.epoch, 1))
    assert msgspec.json.decode(opened, type=wire.Who) == wire.Who(Scheme.CITIZEN, "046000000001")
    held = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"046000000001" not in held


def test_a_pass_is_remembered_across_restarts_by_code_and_by_person(path):
    with open_journal(path) as journal:
        known = wire.Who(Scheme.CITIZEN, "046000000001", person="ab")
        journal.append(replace(checkin(), who=known))
        journal.append(checkin("046000000002", outcome=Outcome.WARN))
    with open_journal(path) as journal:
        later = NOW + timedelta(minutes=5)
        passage = Passage(NOW, Direction.IN)
        assert journal.last_passage(Subject(Scheme.CITIZEN, "046000000001"), later) == passage
        assert journal.last_passage(Subject(Scheme.INSURANCE, "HS4460000000001"), later, person="ab") == passage
        assert journal.last_passage(Subject(Scheme.CITIZEN, "046000000002"), later) is None
        assert journal.last_passage(Subject(Scheme.INSURANCE, "046000000001"), later) is None


def test_yesterdays_pass_counts_for_a_night_shift_and_the_day_befores_key_is_destroyed(path):
    with open_journal(path) as journal:
        subject = Subject(Scheme.CITIZEN, "046000000001")
        journal.append(checkin())
        assert journal.last_passage(subject, NOW + timedelta(days=1)) == Passage(NOW, Direction.IN)
        journal.append(checkin("046000000002", NOW + timedelta(days=1)))
        journal.append(checkin("046000000002", NOW + timedelta(days=2)))
        journal.erase(NOW + timedelta(days=2), sure=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        days = [day for (day,) in db.execute("SELECT day FROM day_keys ORDER BY day")]
    assert days == ["2026-11-24", "2026-11-25"]


def test_rows_wait_until_the_hub_says_that_it_holds_them(path):
    with open_journal(path, keep_days=0) as journal:
        for number in range(5):
            journal.append(checkin(f"04600000000{number}"))
        assert journal.erase(NOW) == 0
        journal.hold(mark(journal, 3))
        assert journal.pending(10, 10**6).first == 4
        assert journal.backlog() == Backlog(2, NOW.timestamp())
        assert journal.erase(NOW) == 3
    with open_journal(path) as journal:
        assert journal.append(checkin()).seq == 6
    proof = JournalReader(path).prove()[0]
    assert (proof.first, proof.last, proof.held, proof.broken) == (4, 6, 3, None)


def run_on(journal: Journal, begin: datetime, days: float) -> list[int]:
    """How many rows went at each of the looks of so many days, four a day."""
    return [journal.erase(begin + timedelta(hours=6 * look)) for look in range(int(days * 4) + 1)]


def test_held_rows_stay_some_days_for_a_hub_restored_from_backup(path):
    with open_journal(path, keep_days=3) as journal:
        journal.append(checkin())
        journal.hold(mark(journal, 1))
        assert sum(run_on(journal, NOW, 2)) == 0
        journal.hold(mark(journal, 0))
        assert journal.pending(10, 10**6).first == 1
        assert sum(run_on(journal, NOW + timedelta(days=2), 2)) == 0
        journal.hold(mark(journal, 1))
        assert run_on(journal, NOW + timedelta(days=4), 3) == [0] * 12 + [1]
        assert journal.pending(10, 10**6) is None


def test_rows_that_waited_for_a_week_are_kept_as_long_as_any_when_the_hub_has_them(path):
    with open_journal(path, keep_days=3) as journal:
        journal.append(checkin())
        assert sum(run_on(journal, NOW, 7)) == 0
        journal.hold(mark(journal, 1))
        assert run_on(journal, NOW + timedelta(days=7), 3) == [0] * 12 + [1]


LEAPS = [timedelta(days=days) for days in (1, -1, 30, -30, -20_000)]


@pytest.mark.parametrize("leap", LEAPS, ids=lambda leap: f"{leap.days:+d}d")
def test_a_clock_that_leaps_and_comes_back_erases_no_row_and_no_days_key_early(path, leap):
    with open_journal(path, keep_days=3) as journal:
        journal.append(checkin())
        journal.hold(mark(journal, 1))
        assert sum(run_on(journal, NOW, 1)) == 0
        wrong = NOW + timedelta(days=1) + leap
        assert sum(run_on(journal, wrong, 0.75)) == 0
        journal.append(checkin("046000000002", wrong))
        assert journal.erase(NOW + timedelta(days=1.5)) == 0
        subject = Subject(Scheme.CITIZEN, "046000000001")
        assert journal.last_passage(subject, NOW + timedelta(days=1.5)) == Passage(NOW, Direction.IN)
        assert sum(run_on(journal, NOW + timedelta(days=1.75), 0.75)) == 0
        assert JournalReader(path).prove()[0].first == 1


def test_a_clock_that_is_years_off_for_good_still_lets_rows_go_after_their_days(path):
    with open_journal(path, keep_days=3) as journal:
        journal.append(checkin())
        journal.hold(mark(journal, 1))
        assert run_on(journal, datetime(1970, 1, 1, 0, 1, tzinfo=UTC), 3) == [0] * 12 + [1]


def test_a_station_that_is_off_every_night_lets_rows_go_after_their_days(path):
    with open_journal(path, keep_days=3) as journal:
        journal.append(checkin())
        journal.hold(mark(journal, 1))
        gone = [journal.erase(NOW + timedelta(days=day, hours=hour)) for day in range(4) for hour in (0, 5, 10)]
        assert gone == [0] * 9 + [1, 0, 0]


def bytes_of(path: Path) -> bytes:
    """All that lies on the card of this journal."""
    return b"".join(file.read_bytes() for file in path.parent.iterdir())


def test_an_erased_row_and_a_destroyed_days_key_leave_no_bytes_in_any_file_while_the_station_runs(path):
    with open_journal(path, keep_days=0) as journal:
        sealed = journal.append(checkin()).sealed.encode()
        with closing(sqlite3.connect(path)) as db:
            (key,) = db.execute("SELECT key FROM day_keys").fetchone()
        journal.append(checkin("046000000002", NOW + timedelta(days=5)))
        assert sealed in bytes_of(path)
        assert key in bytes_of(path)
        journal.hold(mark(journal, 1))
        assert journal.erase(NOW + timedelta(days=5), sure=True) == 1
        assert sealed not in bytes_of(path)
        assert key not in bytes_of(path)
        assert len(journal.pending(10, 10**6).raws) == 1


def test_what_somebody_was_reading_while_it_was_erased_leaves_the_files_at_the_next_look(path):
    with open_journal(path, keep_days=0) as journal:
        sealed = journal.append(checkin()).sealed.encode()
        journal.hold(mark(journal, 1))
        with closing(sqlite3.connect(path, isolation_level=None)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM rows").fetchone()
            assert journal.erase(NOW) == 1
            assert sealed in bytes_of(path)
        assert journal.erase(NOW) == 0
        assert sealed not in bytes_of(path)


def test_batches_are_bounded_by_rows_and_by_bytes(path):
    with open_journal(path) as journal:
        for number in range(4):
            journal.append(checkin(f"04600000000{number}"))
        assert len(journal.pending(2, 10**6).raws) == 2
        one = len(journal.pending(1, 10**6).raws[0])
        assert len(journal.pending(10, one + 1).raws) == 1
        assert len(journal.pending(10, 1).raws) == 1


def test_a_refused_row_goes_to_the_dead_letters_with_its_cause_and_blocks_nothing(path):
    with open_journal(path, keep_days=0) as journal:
        journal.append(checkin())
        journal.append(checkin("046000000002"))
        journal.hold(mark(journal, 2, wire.Refused(1, "cannot be opened")))
        assert journal.pending(10, 10**6) is None
        journal.erase(NOW)
    refused = JournalReader(path).refused()
    assert [(one.seq, one.cause) for one in refused] == [(1, "cannot be opened")]


def fill(journal: Journal) -> None:
    for number in range(1000):
        journal.append(checkin(f"{number:012}"))


def test_a_full_quota_is_a_fault_that_ends_when_there_is_room(path):
    with open_journal(path, max_bytes=64 * 1024, keep_days=0) as journal:
        with pytest.raises(JournalError) as refusal:
            fill(journal)
        assert refusal.value.reason == "journal-full"
        kept = journal.seq
        journal.hold(mark(journal, kept))
        while journal.erase(NOW):
            pass
        assert journal.append(checkin()).seq == kept + 1
        assert journal.trouble is None
    assert JournalReader(path).prove()[0].broken is None


def test_a_read_only_journal_says_so_and_writes_again_when_it_may(tmp_path, monkeypatch):
    blocked = tmp_path / "not-a-folder"
    blocked.write_text("")
    with open_journal(blocked / "journal.db") as journal:
        with pytest.raises(JournalError):
            journal.append(checkin())
        blocked.unlink()
        assert journal.append(checkin()).seq == 1


def damage(path: Path, first_page: bool) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = bytearray(path.read_bytes())
    if first_page:
        raw[:100] = b"\0" * 100
    else:
        for page in range(len(raw) // 4096 - 1, len(raw) // 4096 - 4, -1):
            raw[page * 4096 : page * 4096 + 512] = b"\xff" * 512
    path.write_bytes(raw)


def test_a_file_that_is_no_database_is_set_aside_and_the_gate_records_at_once(path):
    with open_journal(path) as journal:
        journal.append(checkin())
        old = journal.epoch
    damage(path, first_page=True)
    with open_journal(path) as journal:
        row = journal.append(checkin())
        assert (row.seq, row.epoch != old) == (1, True)
        assert journal.set_aside is not None
        assert journal.set_aside.exists()


def test_what_the_chain_of_a_damaged_journal_still_proves_goes_to_the_hub(path):
    with open_journal(path) as journal:
        for number in range(200):
            journal.append(checkin(f"{number:012}"))
        old = journal.epoch
    damage(path, first_page=False)
    with open_journal(path) as journal:
        while journal.set_aside is None:
            journal.append(checkin())
        pending = journal.pending(1000, 10**9)
        assert pending is not None
        assert (pending.epoch, pending.first) == (old, 1)
        assert 0 < len(pending.raws) < 400
        assert isinstance(rows.walk(pending.raws, "gate-1", old), rows.Link)
        assert journal.append(checkin()).epoch != old


def test_a_journal_of_the_version_before_is_brought_up_to_date_and_its_passes_still_repeat(path):
    subject = Subject(Scheme.CITIZEN, "046000000001")
    with open_journal(path) as journal:
        journal.append(checkin())
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("ALTER TABLE passages DROP COLUMN passed")
        db.execute("DELETE FROM _sqlite_migrations WHERE name = '2 admitted'")
        db.execute("PRAGMA user_version = 1")
    with open_journal(path) as journal:
        assert journal.last_passage(subject, NOW) == Passage(NOW, Direction.IN, passed=True)
        admitted = Entry("decision", NOW, CLOCK, GateKind.VENUE, seen=subject, about=2, decision="admitted")
        journal.append(admitted)
        assert journal.last_passage(subject, NOW) == Passage(NOW, Direction.IN, passed=False)


def test_a_journal_of_a_newer_version_is_left_alone(path):
    with open_journal(path) as journal:
        journal.append(checkin())
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA user_version = 99")
    with open_journal(path) as journal, pytest.raises(JournalError, match="newer version"):
        journal.append(checkin())


def test_a_changed_row_is_named_by_the_reader(path):
    with open_journal(path) as journal:
        for number in range(3):
            journal.append(checkin(f"04600000000{number}"))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            (raw,) = db.execute("SELECT raw FROM rows WHERE seq = 2").fetchone()
            db.execute("UPDATE rows SET raw = ? WHERE seq = 2", (raw.replace(b'"pass"', b'"warn"'),))
        broken = JournalReader(path).prove()[0].broken
    assert broken is not None
    assert broken.seq == 3


def test_the_reader_shows_the_last_rows_and_what_came_since(path):
    with open_journal(path) as journal:
        for number in range(5):
            journal.append(checkin(f"04600000000{number}"))
        reader = JournalReader(path)
        assert [row.seq for row in reader.latest(2)] == [4, 5]
        assert [row.seq for row in reader.after(journal.epoch, 3)] == [4, 5]
        assert len(list(reader.export())) == 5


def damage_row(path: Path, seq: int, raw: bytes) -> None:
    """Other bytes in a row's place, as a failing card leaves them."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE rows SET raw = ? WHERE seq = ?", (raw, seq))


@pytest.mark.parametrize("raw", [b"\x00\xff\n", b'{"a": tru', b"", b'"\xff"', b"[" * 5_000, b'{"a":\n1}'], ids=repr)
def test_a_damaged_row_travels_as_text_among_the_rows_around_it(path, raw):
    with open_journal(path) as journal:
        for number in range(3):
            journal.append(checkin(f"04600000000{number}"))
        before = journal.pending(10, 10**6)
        damage_row(path, 2, raw)
        pending = journal.pending(10, 10**6)
        batch = msgspec.json.decode(wire.encode(batch_of(pending)), type=wire.Batch)
    assert [bytes(row) for row in batch.rows[::2]] == [before.raws[0], before.raws[2]]
    assert msgspec.json.decode(batch.rows[1], type=str).encode("latin-1") == raw
    lines = b"".join(row + b"\n" for row in JournalReader(path).export()).splitlines()
    assert lines[::2] == [before.raws[0], before.raws[2]]
    assert msgspec.json.decode(lines[1], type=rows.Damaged).damaged == batch.rows[1]


def test_a_batch_with_a_damaged_row_is_no_larger_than_others(path):
    with open_journal(path) as journal:
        for number in range(3):
            journal.append(checkin(f"04600000000{number}"))
        damage_row(path, 2, b"\x01" * 1_000)
        assert len(journal.pending(10, 5_000).raws) == 1


def test_what_a_card_has_no_more_is_told_with_the_rows_behind_it(path):
    with open_journal(path, keep_days=0) as journal:
        for number in range(5):
            journal.append(checkin(f"04600000000{number}"))
        raws = journal.pending(10, 10**6).raws
        assert (journal.pending(10, 10**6).gone, journal.pending(10, 10**6).gone_hash) == (0, "")
        journal.hold(mark(journal, 3))
        journal.erase(NOW)
        journal.hold(mark(journal, 1))  # a hub restored from an older backup than this card keeps rows
        batch = batch_of(journal.pending(10, 10**6))
        assert (batch.first, batch.gone, batch.gone_hash) == (4, 3, rows.digest(raws[2]))
