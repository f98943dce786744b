"""The book of a place: who went through at any gate, over power cuts, for two days, within bounds, in any weather."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from core import place, wire
from core.model import CodeKind, Direction, GateKind, Outcome, Scheme, Source, Subject
from core.place import Held, Seen
from station.journal import place as place_book
from station.journal.place import PlaceBook

NOW = datetime(2026, 11, 23, 8, 0, 0, 123_457, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=9)
KEY = b"k" * 32
AN, BINH = Subject(Scheme.CITIZEN, "046090000001"), Subject(Scheme.CITIZEN, "046090000002")
CARD = Subject(Scheme.INSURANCE, "HS4010100000001")


def row(seq: int, at: datetime = NOW, direction: Direction = Direction.IN) -> wire.Row:
    return wire.Row(
        station="gate-a",
        epoch="ab" * 8,
        seq=seq,
        type="checkin",
        at=at,
        clock=wire.RowClock("ntp", "boot", 1.0, None),
        previous="0" * 64,
        gate=GateKind.VENUE,
        direction=direction,
        source=Source.STDIN,
        code_kind=CodeKind.CCCD,
        outcome=Outcome.PASS,
    )


def told(seq: int, subject: Subject = AN, at: datetime = NOW, way: Direction = Direction.OUT) -> tuple[str, Seen]:
    tags = place.tags(KEY, place.day_of(at), [(subject.scheme.value, subject.value)])
    return "gate-b", Seen("cd" * 8, seq, at, way, tags)


@pytest.fixture
def book(tmp_path):
    with PlaceBook(tmp_path / "place.db", "cho", "gate-a", KEY) as one:
        yield one


def test_the_last_going_through_at_any_gate_is_found_by_the_code_and_by_the_person(book):
    book.note(row(1), AN, "p1")
    assert book.last(AN, NOW).direction is Direction.IN
    assert book.last(CARD, NOW) is None
    assert book.last(CARD, NOW, person="p1").at == NOW
    assert book.take([told(1, at=NOW + timedelta(minutes=1))]) == 1
    assert book.last(AN, NOW, person="p1").direction is Direction.OUT
    assert book.last(BINH, NOW) is None


def test_a_night_shift_finds_the_evenings_and_two_days_later_nothing_is_left_in_the_file(book, tmp_path):
    book.note(row(1), AN)
    tag = place.tags(KEY, place.day_of(NOW), [(AN.scheme.value, AN.value)])[0]
    assert book.last(AN, NOW + timedelta(days=1)).at == NOW
    book.forget(NOW + timedelta(days=1))
    assert len(book.since(LONG_AGO)) == 1
    assert book.last(AN, NOW + timedelta(days=2)) is None
    book.forget(NOW + timedelta(days=2))
    assert book.since(LONG_AGO) == []
    book.__exit__()
    assert tag.encode() not in (tmp_path / "place.db").read_bytes()


def test_what_is_told_twice_is_kept_once_and_own_words_that_come_back_not_at_all(book):
    book.note(row(1), AN)
    assert book.take([told(1), told(1)]) == 1
    assert book.take([told(1)]) == 0
    assert book.take([("gate-a", told(2)[1])]) == 0
    assert [step.station for step in book.since(LONG_AGO)] == ["gate-a", "gate-b"]


def test_a_power_cut_forgets_nothing(book, tmp_path):
    book.note(row(1), AN)
    book.take([told(1, BINH)])
    with PlaceBook(tmp_path / "place.db", "cho", "gate-a", KEY) as again:  # the first was never closed
        assert again.last(AN, NOW).at == NOW
        assert again.last(BINH, NOW).direction is Direction.OUT


def test_only_what_this_gate_let_through_is_told_new_ones_in_order_and_a_part_of_old_ones_backwards(book):
    book.note_all((row(seq), AN, "") for seq in range(1, 601))
    book.take([told(1)])
    assert [step.seen.seq for step in book.own_after(0)] == list(range(1, 51))
    assert book.own_after(0)[0].seen.at == NOW
    assert [step.seen.seq for step in book.own_of("ab" * 8, 0, 101)] == list(range(100, 50, -1))
    assert [step.seen.seq for step in book.own_of("ab" * 8, 1, 9_999)] == list(range(600, 550, -1))
    assert [step.seen.seq for step in book.own_of("ab" * 8, 1, 514)] == [513, 512]


def test_what_is_in_the_book_is_known_by_parts_the_own_apart_from_the_neighbours(book):
    book.note_all((row(seq), AN, "") for seq in range(1, 601))
    book.take([told(seq) for seq in (3, 4)])
    assert book.held() == [Held("gate-b", "cd" * 8, 0, 2, 7)]
    assert set(book.own_parts()) == {
        Held("gate-a", "ab" * 8, 0, 511, sum(range(512))),
        Held("gate-a", "ab" * 8, 1, 89, sum(range(89))),
    }


def test_no_turn_is_given_twice_though_the_newest_was_erased(book):
    book.note(row(1), AN)
    book.note(row(2, NOW - timedelta(days=1)), AN)
    before = book.newest_turn()
    assert book.forget(NOW + timedelta(days=1)) == 1
    book.note(row(3), AN)
    assert [step.seen.seq for step in book.own_after(before)] == [3]
    assert book.forget(NOW + timedelta(days=5)) == 2
    book.note(row(4), AN)
    assert [step.seen.seq for step in book.own_after(before)] == [4]


def test_what_is_told_late_does_not_push_out_what_happened_since(book, monkeypatch):
    monkeypatch.setattr(place_book, "MOST_KEPT", 10)
    book.take([told(seq) for seq in range(1, 11)])
    book.take([told(seq, at=NOW - timedelta(hours=1)) for seq in range(11, 21)])
    assert book.forget(NOW) == 10
    assert [step.seen.seq for step in book.since(LONG_AGO)] == list(range(1, 11))


def test_a_person_is_found_whole_over_all_names_and_nobody_else(book):
    book.note(row(1), AN, "p1")
    book.note(row(2), CARD, "p1")
    book.take([told(1, CARD), told(2, BINH)])
    (last,) = [step for step in book.since(LONG_AGO) if step.seen.seq == 1 and step.station == "gate-a"]
    assert sorted((step.station, step.seen.seq) for step in book.people_of([last])) == [
        ("gate-a", 1),
        ("gate-a", 2),
        ("gate-b", 1),
    ]


def test_no_more_is_kept_than_there_is_room_for(book, monkeypatch):
    monkeypatch.setattr(place_book, "MOST_KEPT", 10)
    book.take([told(seq) for seq in range(1, 31)])
    book.forget(NOW)
    assert [step.seen.seq for step in book.since(LONG_AGO)] == list(range(21, 31))


def test_a_damaged_book_is_set_aside_and_a_new_one_begins(tmp_path):
    path = tmp_path / "place.db"
    path.write_bytes(b"no database at all" * 100)
    with PlaceBook(path, "cho", "gate-a", KEY) as book:
        book.note(row(1), AN)
        assert book.last(AN, NOW).at == NOW
        assert not book.problem
    assert list(tmp_path.glob("place.db.damaged-*"))


def overwrite_pages(path, first: int, *, root_of: str = "") -> None:
    """What a worn card gives back from a page on, or for the first page of one table or index."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if root_of:
            first = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (root_of,)).fetchone()[0] - 1
    size = 4096 if root_of else path.stat().st_size - 4096 * first
    with path.open("r+b") as file:
        file.seek(4096 * first)
        file.write(b"\xff" * size)


@pytest.mark.parametrize(
    "use",
    [
        lambda book: book.note(row(2), BINH),
        lambda book: book.take([told(9_000, BINH)]),
        lambda book: book.last(AN, NOW),
        lambda book: book.own_after(0),
        lambda book: book.since(LONG_AGO),
        lambda book: book.forget(NOW + timedelta(days=3)),
    ],
    ids=["note", "take", "last", "own_after", "since", "forget"],
)
@pytest.mark.parametrize("anew", [False, True], ids=["open", "opened again"])
def test_a_book_that_is_damaged_while_it_is_used_is_set_aside_once_and_the_next_going_through_is_kept(
    tmp_path, caplog, use, anew
):
    path = tmp_path / "place.db"
    book = PlaceBook(path, "cho", "gate-a", KEY)
    book.take([told(seq, Subject(Scheme.CITIZEN, f"{seq:012d}")) for seq in range(1, 2_001)])
    book.note(row(1), AN)
    if anew:
        book.__exit__()
    overwrite_pages(path, 3)
    use(book)
    assert book.problem == ""
    book.note(row(3), AN)
    assert book.last(AN, NOW).direction is Direction.IN
    assert book.renewed == 1
    assert [record.getMessage() for record in caplog.records] == ["the place's book was damaged: a new one begins"]
    assert len(list(tmp_path.glob("place.db.damaged-*[0-9]"))) == 1
    book.__exit__()


def test_a_book_damaged_in_one_index_alone_is_replaced_as_well(tmp_path):
    path = tmp_path / "place.db"
    with PlaceBook(path, "cho", "gate-a", KEY) as book:
        book.note(row(1), AN)
    overwrite_pages(path, 0, root_of="seen_code")
    with PlaceBook(path, "cho", "gate-a", KEY) as book:
        book.note(row(2), BINH)
        assert book.last(BINH, NOW).at == NOW


def test_what_is_noted_after_a_loss_is_told_on_from_where_the_neighbours_were_told(tmp_path):
    path = tmp_path / "place.db"
    with PlaceBook(path, "cho", "gate-a", KEY) as book:
        for seq in range(1, 8):
            book.note(row(seq), AN)
        turn = book.newest_turn()
        overwrite_pages(path, 1)
        book.note(row(8), AN)
        assert [step.seen.seq for step in book.own_after(turn)] == [8]
        book.forget(NOW + timedelta(days=3))  # nothing is left: turns go on all the same
        turn = book.newest_turn()
        book.note(row(9, NOW + timedelta(days=3)), AN)
        assert [step.seen.seq for step in book.own_after(turn)] == [9]


def test_of_the_damaged_books_only_the_last_lies_aside(tmp_path):
    path = tmp_path / "place.db"
    for day in ("20260101T000000", "20260102T000000"):
        (tmp_path / f"place.db.damaged-{day}-1").write_bytes(b"old")
        (tmp_path / f"place.db.damaged-{day}-1-wal").write_bytes(b"old")
    path.write_bytes(b"no database at all" * 100)
    with PlaceBook(path, "cho", "gate-a", KEY) as book:
        book.note(row(1), AN)
    (left,) = tmp_path.glob("place.db.damaged-*")
    assert left.read_bytes().startswith(b"no database")


def test_a_damaged_book_does_not_outlive_its_days(tmp_path):
    path = tmp_path / "place.db"
    path.write_bytes(b"no database at all" * 100)
    with PlaceBook(path, "cho", "gate-a", KEY) as book:
        written = datetime.now(UTC)
        book.forget(written + timedelta(days=1))
        assert list(tmp_path.glob("place.db.damaged-*"))
        book.forget(written + timedelta(days=2, minutes=1))
    assert not list(tmp_path.glob("place.db.damaged-*"))


def test_a_book_that_cannot_be_written_is_told_once_and_works_again_by_itself(tmp_path, caplog):
    folder = tmp_path / "data"
    book = PlaceBook(folder / "place.db", "cho", "gate-a", KEY)
    for _ in range(3):
        book.note(row(1), AN)
        assert book.last(AN, NOW) is None
    assert "place.db: cannot be used" in book.problem
    folder.mkdir()
    book.note(row(1), AN)
    assert book.last(AN, NOW).at == NOW
    assert book.problem == ""
    assert len(caplog.records) == 2
    book.__exit__()


def test_nobody_else_on_the_board_reads_the_book(book, tmp_path):
    book.note(row(1), AN)
    assert os.stat(tmp_path / "place.db").st_mode & 0o077 == 0
    with closing(sqlite3.connect(tmp_path / "place.db")) as db:
        assert AN.value not in "".join(map(str, db.execute("SELECT * FROM seen").fetchall()))
