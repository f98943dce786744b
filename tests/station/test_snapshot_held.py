"""The province's standings on a card: taken in whole or not at all, opened by the code presented, and nothing else."""

import sqlite3
import threading
from datetime import timedelta

import msgspec
import pytest
from snapshots import GROUP_KEY, NOW, Centre, bring, credential, lookups_over, loop_of, name_of, somebody, standing

from core import keys, snapshot
from core.model import (
    Direction,
    GateKind,
    HealthGroup,
    Origin,
    Outcome,
    Reason,
)
from core.policy import Rules, decide
from core.rules import MaxAge, Policy
from station.errors import HubUnreachable, SnapshotError
from station.snapshots.held import Loading, Snapshot
from station.snapshots.loop import held_key


@pytest.fixture
def centre():
    made = Centre()
    made.publish(1, 0, {number: standing(number) for number in range(40)})
    return made


@pytest.fixture
def held(tmp_path):
    opened = Snapshot(tmp_path / "snapshot")
    yield opened
    opened.close()


def test_everybody_is_found_and_a_stranger_is_not(held, centre):
    assert bring(held, centre)
    assert [held.look_up(somebody(number)) for number in (0, 39)] == [standing(0), standing(39)]
    assert held.look_up(somebody(40)) is None


def test_a_line_that_breaks_goes_on_where_it_was(held, centre):
    centre.cut_after = 2
    with pytest.raises(HubUnreachable):
        bring(held, centre)
    assert held.usable is None
    centre.cut_after = None
    assert bring(held, centre)
    assert centre.fetched == [0, 1, 2]
    assert held.look_up(somebody(7)) == standing(7)


def test_a_spoilt_piece_is_refused_and_fetched_again(held, centre):
    centre.spoil = True
    with pytest.raises(SnapshotError, match="not the one its manifest names"):
        bring(held, centre)
    centre.spoil = False
    assert bring(held, centre)


def test_a_delta_changes_adds_and_takes_away_at_once(held, centre):
    bring(held, centre)
    centre.publish(2, 1, {3: standing(3, day=1), 4: None, 90: standing(90)}, day=1, entries=40)
    assert bring(held, centre)
    later = NOW + timedelta(days=1)
    assert held.manifest is not None
    assert (held.manifest.version, held.manifest.as_of) == (2, later)
    assert held.look_up(somebody(3)) == msgspec.structs.replace(standing(3, day=1), as_of=later)
    assert held.look_up(somebody(4)) is None
    assert held.look_up(somebody(90)) is not None
    assert held.look_up(somebody(5)) is not None


def test_half_a_delta_changes_nothing(held, centre):
    bring(held, centre)
    centre.publish(2, 1, {number: standing(number, day=1) for number in range(20)}, day=1)
    centre.cut_after = len(centre.fetched) + 2
    with pytest.raises(HubUnreachable):
        bring(held, centre)
    held.open()
    assert held.manifest is not None
    assert held.manifest.version == 1
    assert [held.look_up(somebody(number)) for number in range(20)] == [standing(number) for number in range(20)]
    centre.cut_after = None
    assert bring(held, centre)
    assert held.manifest.version == 2


def test_a_whole_one_takes_the_place_of_another_and_leaves_nothing_of_it(held, centre, tmp_path):
    bring(held, centre)
    centre.key = bytes(32)
    centre.publish(9, 0, {1: standing(1)}, day=3)
    centre.offers[(1, snapshot.key_name(GROUP_KEY))] = centre.offers[(0, "")]
    assert loop_of(held, centre).step(threading.Event()) is True
    held.key = bytes(32)
    assert held.look_up(somebody(2)) is None
    assert len(list((tmp_path / "snapshot").glob("standings-*.db"))) == 1


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda centre: setattr(centre, "signer", keys.new_signing_key()[0]), "refused"),
        (lambda centre: centre.publish(3, 2, {1: None}, day=1), "does not go on"),
        (lambda centre: centre.publish(2, 1, {1: None}, day=-1), "no newer"),
    ],
)
def test_what_the_hub_did_not_say_or_said_before_is_refused(held, centre, spoil, told):
    bring(held, centre)
    centre.publish(2, 1, {1: None}, day=1)
    spoil(centre)
    centre.offers = {(1, snapshot.key_name(GROUP_KEY)): list(centre.offers.values())[-1]}
    with pytest.raises(SnapshotError, match=told):
        bring(held, centre)
    assert held.look_up(somebody(1)) == standing(1)


def test_the_key_is_kept_on_the_card_or_handed_over_at_every_start(held, centre, tmp_path):
    folder = tmp_path / "snapshot"
    loop_of(held, centre, keep="card").step(threading.Event())
    assert held_key(folder) == GROUP_KEY
    assert (folder / "group.key").stat().st_mode & 0o777 == 0o600
    restarted = Snapshot(folder)
    restarted.open()
    loop = loop_of(restarted, centre, keep="boot")
    assert restarted.usable is None
    assert loop.step(threading.Event()) is False
    assert restarted.usable is not None
    assert held_key(folder) is None
    restarted.close()


def test_no_identity_and_no_name_lies_on_the_card(held, centre, tmp_path):
    bring(held, centre)
    raw = b"".join(path.read_bytes() for path in (tmp_path / "snapshot").iterdir())
    names = [name_of(number) for number in range(40)]
    assert not [name for name in names if name.encode() in raw or bytes.fromhex(name) in raw]


def test_a_damaged_file_is_told_and_a_whole_one_comes_again(held, centre, tmp_path):
    bring(held, centre)
    held.close()
    (path,) = (tmp_path / "snapshot").glob("standings-*.db")
    path.write_bytes(b"not a database" * 1000)
    held.open()
    assert held.usable is None
    centre.publish(2, 0, {1: standing(1)}, day=1)
    assert bring(held, centre)
    assert held.look_up(somebody(1)) is not None


def test_a_damaged_entry_is_told_and_is_nobody(held, centre, tmp_path):
    bring(held, centre)
    (path,) = (tmp_path / "snapshot").glob("standings-*.db")
    with sqlite3.connect(path) as db:
        db.execute("UPDATE entries SET entry = 'no bytes' WHERE place % 2")
        db.execute("UPDATE entries SET entry = zeroblob(40) WHERE NOT place % 2")
    db.close()
    for number in range(40):
        with pytest.raises(SnapshotError, match="damaged"):
            held.look_up(somebody(number))
    assert lookups_over(held).look_up(credential(1), NOW).found is None


def test_without_a_network_the_snapshot_answers_with_its_age(held, centre):
    bring(held, centre)
    found = lookups_over(held).look_up(credential(5), NOW)
    assert (found.standing, found.found) == (standing(5), True)
    assert {(one.origin, one.as_of) for one in (found.destination, found.health, found.entry)} == {
        (Origin.SNAPSHOT, NOW)
    }
    unknown = lookups_over(held).look_up(credential(77), NOW)
    assert (unknown.standing, unknown.found, unknown.health.origin) == (None, False, Origin.SNAPSHOT)


def test_a_snapshot_a_week_old_still_gives_real_verdicts_and_after_that_nobody_is_verified(held, centre):
    bring(held, centre)
    rules = Rules.of(Policy(version=1, issued=NOW, effective=NOW), GateKind.VENUE, "cho", Direction.IN)
    outcomes = {}
    for days in (7, 9):
        then = NOW + timedelta(days=days)
        someone = msgspec.structs.replace(standing(5), health=HealthGroup(NOW - timedelta(minutes=1)))
        lookup = msgspec.structs.replace(lookups_over(held).look_up(credential(5), then), standing=someone)
        rules_then = msgspec.structs.replace(
            rules, gate=msgspec.structs.replace(rules.gate, max_age=MaxAge(health=30 * 86_400))
        )
        outcomes[days] = decide(credential(5), lookup, rules_then, then)
    assert (outcomes[7].outcome, outcomes[7].reasons) == (Outcome.PASS, (Reason.HELD_ANSWER,))
    assert outcomes[9].outcome is Outcome.UNVERIFIED


def test_what_the_hub_said_later_than_the_snapshot_counts_more(held, centre):
    bring(held, centre)
    lookups = lookups_over(held)
    newer = msgspec.structs.replace(standing(5, day=2), as_of=NOW + timedelta(hours=1))
    lookups.memory.keep(somebody(5), newer)
    lookups.memory.keep(somebody(6), msgspec.structs.replace(standing(6), as_of=NOW - timedelta(hours=1)))
    assert lookups.look_up(credential(5), NOW).health.origin is Origin.MEMORY
    assert lookups.look_up(credential(6), NOW).health.origin is Origin.SNAPSHOT


def test_a_disk_that_is_full_is_told_and_what_is_held_stays(held, centre):
    bring(held, centre)
    centre.publish(2, 1, {number: standing(number, day=1) for number in range(500)}, day=1)
    manifest, pieces = centre.offers[(1, snapshot.key_name(GROUP_KEY))]
    loading = Loading(held.folder, manifest)
    loading.take(pieces[0])
    loading._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(SnapshotError, match=r"cannot be kept: .*full"):
        loading.take(pieces[1])
    loading.close()
    assert held.look_up(somebody(1)) == standing(1)
    assert bring(held, centre)
    assert held.look_up(somebody(499)) is not None
