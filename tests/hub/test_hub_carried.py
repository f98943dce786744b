"""Rows carried to the hub by hand, as `station journal export` writes them."""

import msgspec
import pytest
from hub_stand import Journal, now
from kept import take

from core import rows, wire
from hub.errors import DataError, MissingFile
from hub.journals import carried, dead_letters, proof
from hub.stations.fleet import add_station


@pytest.fixture
def journal(peopled, ring):
    made = Journal(ring.sealing_public)
    for _ in range(450):
        made.write()
    return made


def exported(tmp_path, *raws: bytes):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"".join(raw + b"\n" for raw in raws))
    return path


def brought(peopled, ring, path):
    return carried.take(peopled, ring, path, now(), lambda done: None)


def test_rows_carried_by_hand_are_held_once_beside_those_that_were_sent(peopled, ring, journal, tmp_path):
    take(peopled, ring, journal, last=120)
    path = exported(tmp_path, *journal.raws)
    assert carried.is_rows(path)
    (first,) = brought(peopled, ring, path)
    assert (first.rows, first.new, first.refused, first.through, first.waiting) == (450, 330, 0, 450, 0)
    (again,) = brought(peopled, ring, path)
    assert (again.rows, again.new, again.through) == (450, 0, 450)
    with peopled.reading() as connection:
        assert all(each.whole for each in proof.prove(connection, "s1"))


def test_a_card_that_lost_its_beginning_waits_for_it(peopled, ring, journal, tmp_path):
    (found,) = brought(peopled, ring, exported(tmp_path, *journal.raws[100:]))
    assert (found.through, found.waiting, found.new) == (0, 350, 350)
    (found,) = brought(peopled, ring, exported(tmp_path, *journal.raws[:100]))
    assert (found.through, found.waiting) == (450, 0)


def test_several_journals_and_emptied_rows_come_in_one_file(peopled, ring, journal, tmp_path):
    with peopled.writing() as connection:
        add_station(connection, "s2", "cho", None, now())
    other = Journal(ring.sealing_public, station="s2", epoch="b" * 16)
    for _ in range(3):
        other.write()
    raws = [*other.raws[:1], rows.emptied(other.raws[1]), *other.raws[2:], *journal.raws[:5]]
    found = brought(peopled, ring, exported(tmp_path, *raws))
    assert [(each.station, each.through) for each in found] == [("s2", 3), ("s1", 5)]
    with peopled.reading() as connection:
        assert all(each.whole for each in proof.prove(connection, "s2"))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda raw: raw[: len(raw) // 2], "line 3 is no row"),
        (lambda raw: b'{"station":' * 9_000, "line 3 is no row"),
        (lambda raw: raw.replace(b'"seq":3', b'"seq":0'), "line 3 is no row of any"),
        (lambda raw: raw.replace(b'"station":"s1"', b'"station":"s9"'), "'s9' is not registered"),
    ],
)
def test_a_line_that_is_no_row_is_named_and_what_came_before_is_kept(peopled, ring, journal, tmp_path, spoil, told):
    path = exported(tmp_path, *journal.raws[:2], spoil(journal.raws[2]), *journal.raws[3:9])
    with pytest.raises(DataError, match=told):
        brought(peopled, ring, path)
    (whole,) = brought(peopled, ring, exported(tmp_path, *journal.raws[:9]))
    assert whole.through == 9


def test_a_row_with_another_content_is_kept_as_a_conflict(peopled, ring, journal, tmp_path):
    take(peopled, ring, journal, last=5)
    twin = Journal(ring.sealing_public)
    for _ in range(5):
        twin.write()
    (found,) = brought(peopled, ring, exported(tmp_path, *twin.raws))
    assert (found.new, found.refused, found.through) == (0, 5, 5)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(MissingFile, match=r"nothing\.jsonl"):
        carried.is_rows(tmp_path / "nothing.jsonl")


def test_a_damaged_row_carried_by_hand_is_the_dead_letter_that_it_is_when_sent(peopled, ring, journal, tmp_path):
    row = rows.travelling(journal.raws[1].replace(b'"cho"', b'"ch\xef\n'))
    damaged = wire.encode(rows.Damaged("s1", journal.epoch, 2, msgspec.Raw(row)))
    (found,) = brought(peopled, ring, exported(tmp_path, journal.raws[0], damaged, journal.raws[2]))
    assert (found.rows, found.through) == (3, 3)
    with peopled.reading() as connection:
        (letter,) = dead_letters.listed(connection, dead_letters.Wanted(station="s1"))
        assert (letter.seq, dead_letters.raw(connection, letter)) == (2, row)
    journal.raws[1] = row
    take(peopled, ring, journal, last=3)  # as it would have been sent
    with peopled.reading() as connection:
        (found,) = proof.prove(connection, "s1")
    assert (found.conflicts, [fault.seq for fault in found.broken]) == (0, [2, 3])
