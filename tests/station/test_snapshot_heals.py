"""A snapshot whose card damages it: told once, hides nobody, and is fetched as a whole, also after a restart."""

import itertools
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from snapshots import NOW, PINNED, Centre, bring, credential, lookups_over, loop_of, somebody, standing

from station.errors import HubUnreachable, SnapshotDamaged, SnapshotError
from station.snapshots import loop as snapshot_loop
from station.snapshots.held import Snapshot
from station.snapshots.loop import SnapshotLoop

PEOPLE = 1_500
DAMAGED = "the snapshot held is damaged: a whole one is asked for"


@pytest.fixture
def centre():
    made = Centre()
    made.publish(1, 0, {number: standing(number) for number in range(PEOPLE)})
    return made


@pytest.fixture
def held(tmp_path, centre):
    opened = Snapshot(tmp_path / "snapshot")
    bring(opened, centre)
    yield opened
    opened.close()


def restarted(held: Snapshot) -> Snapshot:
    held.close()
    again = Snapshot(held.folder)
    again.key = held.key
    again.open()
    return again


def file_of(held: Snapshot) -> Path:
    (path,) = held.folder.glob("standings-*.db")
    return path


def overwrite(path: Path, page: int, many: int = 1) -> None:
    """What a worn card gives back instead of some pages, the first being 0."""
    with path.open("r+b") as file:
        file.seek(4096 * page)
        file.write(b"\xa5" * 4096 * many)


def leaf_of_entries(path: Path) -> int:
    """A page in which some of the entries lie and nothing else."""
    with closing(sqlite3.connect(path)) as db:
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'entries'").fetchone()
    page = path.read_bytes()[4096 * (root - 1) : 4096 * root]
    assert page[0] == 5, "an inner page of a table"
    cell = int.from_bytes(page[12:14], "big")
    return int.from_bytes(page[cell : cell + 4], "big") - 1


def found(held: Snapshot) -> set[int]:
    """Who is found as they are known (the third may be gone); everybody else is said to be unsure."""
    there, as_of = set(), held.manifest.as_of
    for number in range(PEOPLE):
        try:
            found = held.look_up(somebody(number))
            assert (found is None and number == 3) or found == replace(standing(number), as_of=as_of)
            there.add(number)
        except SnapshotDamaged:
            continue
    return there


def test_a_damaged_page_is_told_once_and_nobody_is_said_to_be_unknown_from_then_on(held, caplog):
    assert held.look_up(somebody(PEOPLE)) is None
    overwrite(file_of(held), leaf_of_entries(file_of(held)))
    held = restarted(held)  # SQLite's own memory may hold the page
    there = found(held)
    assert 0 < PEOPLE - len(there) < 100
    for stranger in range(PEOPLE, PEOPLE + 20):
        with pytest.raises(SnapshotDamaged):
            held.look_up(somebody(stranger))
    assert [record.getMessage() for record in caplog.records] == [DAMAGED]
    assert snapshot_loop.told(held, ()).endswith(", damaged")
    assert "malformed" in snapshot_loop.trouble(held, "")
    held.close()


def test_after_a_restart_a_damaged_one_is_known_as_such_and_who_is_found_in_it_still_counts(held):
    overwrite(file_of(held), leaf_of_entries(file_of(held)))
    held = restarted(held)
    there = found(held)
    held = restarted(held)
    assert "malformed" in held.damage
    with pytest.raises(SnapshotDamaged):
        held.look_up(somebody(PEOPLE))
    assert found(held) == there
    held.close()


@pytest.mark.parametrize("again", [False, True], ids=["at once", "after a restart"])
def test_the_next_offer_is_asked_for_as_a_whole_and_everybody_is_known_again(held, centre, again):
    centre.publish(2, 1, {3: None}, day=1)
    bring(held, centre)
    overwrite(file_of(held), leaf_of_entries(file_of(held)))
    held = restarted(held)
    assert len(found(held)) < PEOPLE
    if again:
        held = restarted(held)
    centre.asked.clear()
    assert bring(held, centre)  # of the same version and under the same name as the file in use
    assert centre.asked == [(0, "")]
    assert (held.damage, held.manifest.version, snapshot_loop.trouble(held, "")) == ("", 1, "")
    assert found(held) == set(range(PEOPLE))
    assert held.look_up(somebody(PEOPLE)) is None
    assert bring(held, centre), "the deltas since follow at once"
    assert (held.manifest.version, held.look_up(somebody(3))) == (2, None)
    held = restarted(held)
    assert (held.damage, held.manifest.version) == ("", 2)
    assert not list(held.folder.glob("*.damaged"))
    assert len(list(held.folder.glob("standings-*.db"))) == 1
    held.close()


def test_a_delta_never_goes_over_damage_wherever_it_lies(held, centre, caplog):
    overwrite(file_of(held), leaf_of_entries(file_of(held)))
    held = restarted(held)
    centre.publish(2, 1, {PEOPLE + 1: standing(PEOPLE + 1, day=1)}, day=1)
    with pytest.raises(SnapshotDamaged):
        bring(held, centre)
    assert held.manifest.version == 1
    centre.asked.clear()
    assert bring(held, centre)
    assert bring(held, centre)
    assert not bring(held, centre)
    assert [version for version, _ in centre.asked] == [0, 1, 2]
    assert held.manifest.version == 2
    assert all(held.look_up(somebody(number)) for number in [*range(PEOPLE), PEOPLE + 1])
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == [DAMAGED]
    held.close()


def test_damage_that_the_gate_meets_while_a_delta_is_fetched_stops_the_delta(held, centre):
    overwrite(file_of(held), leaf_of_entries(file_of(held)))
    held = restarted(held)
    centre.publish(2, 1, {PEOPLE + 1: standing(PEOPLE + 1, day=1)}, day=1)
    centre.between = lambda: found(held)
    with pytest.raises(SnapshotDamaged):
        bring(held, centre)
    centre.between = None
    assert (held.manifest.version, bool(held.damage)) == (1, True)
    held = restarted(held)
    assert (held.manifest.version, bool(held.damage)) == (1, True)
    held.close()


@pytest.mark.parametrize("first", [0, 1], ids=["no database any more", "all but its first page"])
def test_a_file_of_which_nothing_is_left_is_replaced_under_the_same_name(held, centre, first):
    pages = file_of(held).stat().st_size // 4096
    overwrite(file_of(held), first, pages - first)
    held = restarted(held)
    assert held.damage
    assert snapshot_loop.told(held, ()) == "none, damaged"
    assert bring(held, centre)
    assert found(held) == set(range(PEOPLE))
    held.close()


def test_a_single_entry_that_does_not_open_is_damage_as_well(held, centre):
    with closing(sqlite3.connect(file_of(held))) as db, db:
        db.execute("UPDATE entries SET entry = zeroblob(length(entry)) WHERE place = (SELECT max(place) FROM entries)")
    held = restarted(held)
    assert len(found(held)) == PEOPLE - 1
    assert held.damage
    assert bring(held, centre)
    assert found(held) == set(range(PEOPLE))
    held.close()


def test_what_is_damaged_on_its_way_in_is_fetched_anew(tmp_path, centre):
    fresh = Snapshot(tmp_path / "other")
    centre.fetched.clear()
    centre.cut_after = 2
    with pytest.raises(HubUnreachable):
        bring(fresh, centre)
    centre.cut_after = None
    path = file_of(fresh)
    overwrite(path, 1, path.stat().st_size // 4096 - 1)
    with pytest.raises(SnapshotError, match="fetched anew") as told:
        bring(fresh, centre)
    assert not isinstance(told.value, SnapshotDamaged), "nothing is in use that could be damaged"
    assert bring(fresh, centre)
    assert found(fresh) == set(range(PEOPLE))
    assert not fresh.damage
    fresh.close()


def test_a_gate_over_a_damaged_snapshot_says_unsure_and_its_log_is_not_filled(held, caplog):
    overwrite(file_of(held), leaf_of_entries(file_of(held)))
    held = restarted(held)
    lookups = lookups_over(held)
    for number in itertools.chain(range(PEOPLE), range(PEOPLE + 50)):
        lookup = lookups.look_up(credential(number), NOW)
        assert lookup.found is not False
    assert [record.getMessage() for record in caplog.records] == [DAMAGED]
    held.close()


def test_damage_is_mended_soon_but_not_again_and_again(held, centre, monkeypatch):
    monkeypatch.setattr(snapshot_loop, "_GLANCE", 0.01)
    loop = SnapshotLoop(held, centre, PINNED, every=3_600, keep_key="card")
    stop = threading.Event()
    running = threading.Thread(target=loop.run, args=(stop,))
    asked, mended = threading.Event(), threading.Event()
    centre.between = mended.set
    centre.asking = asked.set
    running.start()
    try:
        assert asked.wait(60), "at the start"
        held.distrust("a page of it is damaged")
        assert mended.wait(60)
        while held.damage:
            stop.wait(0.01)
        mended.clear()
        held.distrust("another page of it is damaged")
        assert not mended.wait(0.3)
    finally:
        stop.set()
        running.join(60)


def test_damage_that_the_gate_meets_while_the_hub_is_asked_is_mended_soon_too(held, centre, monkeypatch):
    monkeypatch.setattr(snapshot_loop, "_GLANCE", 0.01)
    loop = SnapshotLoop(held, centre, PINNED, every=3_600, keep_key="card")
    stop, mended = threading.Event(), threading.Event()
    centre.asking, centre.between = lambda: held.distrust("a page of it is damaged"), mended.set
    running = threading.Thread(target=loop.run, args=(stop,))
    running.start()
    try:
        assert mended.wait(60)
    finally:
        stop.set()
        running.join(60)


def test_a_card_that_spoils_what_was_just_fetched_is_not_filled_again_at_once(held, centre):
    loop = loop_of(held, centre)
    held.distrust("a page of it is damaged")
    assert loop.step(threading.Event())
    held.distrust("another page of it is damaged")
    centre.fetched.clear()
    assert not loop.step(threading.Event())
    assert not centre.fetched


def test_an_older_whole_is_believed_only_in_the_place_of_a_damaged_one(held, centre):
    centre.publish(2, 1, {3: None}, day=1)
    bring(held, centre)
    key = held.manifest.key
    centre.offers[(2, key)] = centre.offers[(0, "")]
    with pytest.raises(SnapshotError, match="no newer"):
        loop_of(held, centre).step(threading.Event())
    held.distrust("a page of it is damaged")
    assert bring(held, centre)
    assert held.manifest.as_of == NOW
    assert held.manifest.as_of + timedelta(days=1) == centre.offers[(1, key)][0].as_of
