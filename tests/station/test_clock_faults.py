"""A whole station whose clock starts in 1970 or leaps: no row lost, doubled or misplaced, and verdicts stay honest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rig import Registry, Rig, now
from test_clock import UNSYNCHRONISED
from test_gate import AN, BINH, CHI, declared

from core.model import Origin, Outcome, Reason
from station.clock import Clock
from station.journal.reading import JournalReader

DUNG, GIANG, HA = "046090000004", "046090000005", "046090000006"
DEVICES = '[[scanner]]\ndriver = "sim-serial"\n'
LEAPS = [timedelta(days=days) for days in (1, -1, 30, -30)]
SINCE_1970 = datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC) - datetime.now(UTC)


class Wall:
    """A wall clock that is off by ``off``, kept by nobody."""

    def __init__(self) -> None:
        self.off = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.off


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def registry() -> Registry:
    return Registry({person: declared(f"{n:02x}") for n, person in enumerate((AN, BINH, CHI, DUNG, GIANG, HA), 1)})


def station(folder: Path, registry: Registry, wall: Wall) -> Rig:
    return Rig(
        folder, registry, devices=DEVICES, clock=Clock(wall=wall, kernel=UNSYNCHRONISED, chip=folder / "no-chip")
    )


@pytest.fixture
def rig(tmp_path: Path, registry: Registry, wall: Wall) -> Iterator[Rig]:
    rig = station(tmp_path, registry, wall)
    yield rig
    rig.close()


def all_arrived_once_in_order(rig: Rig, rows: int) -> None:
    """Every row is at the hub under its own number, and the chain holds."""
    rig.wait(lambda: len(rig.registry.held) == rows)
    (proof,) = JournalReader(rig.settings.data / "journal.db").prove()
    assert (proof.first, proof.last, proof.count, proof.broken) == (1, rows, rows, None)
    assert [row.seq for row in rig.rows] == list(range(1, rows + 1))
    uptimes = [row.clock.monotonic for row in rig.rows]
    assert uptimes == sorted(uptimes)


def nobody_is_heard(rig: Rig) -> None:
    """The hub says nothing from now on, and no word of before is on its way any more: the loop has asked in vain."""
    rig.registry.down = True

    def asked_in_vain() -> bool:
        rig.station.sync.carrier._policy_next = 0.0
        rig.station.sync.wake.set()
        return bool(rig.station.sync.carrier.problem)

    rig.wait(asked_in_vain)


@pytest.mark.parametrize("leap", LEAPS, ids=lambda leap: f"{leap.days:+d}d")
def test_a_clock_that_leaps_and_comes_back_changes_no_verdict_while_the_hub_is_heard(rig, wall, leap):
    done = [rig.scan(AN)]
    wall.off = leap
    done += [rig.scan(BINH), rig.scan(CHI)]
    wall.off = timedelta(0)
    done += [rig.scan(DUNG)]
    assert [(one.outcome, one.origin, one.seq) for one in done] == [
        (Outcome.PASS, Origin.HUB, number) for number in (1, 2, 3, 4)
    ]
    all_arrived_once_in_order(rig, 4)
    third = rig.rows[2].clock
    assert third.source == "guess"
    assert third.offset == pytest.approx(-leap.total_seconds(), abs=30)


@pytest.mark.parametrize("leap", LEAPS, ids=lambda leap: f"{leap.days:+d}d")
def test_a_clock_that_leaps_while_nobody_is_heard_verifies_nothing_until_it_is_back(rig, registry, wall, leap):
    for person in (AN, BINH, CHI):
        rig.scan(person)
    all_arrived_once_in_order(rig, 3)
    nobody_is_heard(rig)
    wall.off = leap
    lost = rig.scan(AN)
    assert (lost.outcome, lost.seq) == (Outcome.UNVERIFIED, 4)
    assert set(lost.reasons) <= {Reason.CLOCK_UNSURE, Reason.NO_POLICY, Reason.HUB_UNREACHABLE}
    wall.off = timedelta(0)
    again = rig.scan(DUNG)
    assert Reason.CLOCK_UNSURE not in again.reasons
    registry.down = False
    all_arrived_once_in_order(rig, 6)
    assert [row.type for row in rig.rows] == ["checkin"] * 5 + ["amendment"]


def test_a_start_in_1970_is_put_right_by_the_hubs_word_for_every_verdict(tmp_path, registry, wall):
    wall.off = SINCE_1970
    rig = station(tmp_path, registry, wall)
    try:
        done = [rig.scan(AN), rig.scan(BINH)]
        assert [(one.outcome, one.seq) for one in done] == [(Outcome.PASS, 1), (Outcome.PASS, 2)]
        assert rig.scan(BINH).outcome is Outcome.REPEAT
        wall.off = timedelta(0)
        assert rig.scan(CHI).outcome is Outcome.PASS
        all_arrived_once_in_order(rig, 3)
        assert [row.at.year for row in rig.rows] == [1970, 1970, now().year]
    finally:
        rig.close()


def test_a_start_in_1970_without_a_hub_verifies_nothing_and_records_everybody(tmp_path, registry, wall):
    rig = station(tmp_path, registry, wall)
    rig.close()
    registry.down, wall.off = True, SINCE_1970
    rig = station(tmp_path, registry, wall)
    try:
        done = [rig.scan(AN), rig.scan(BINH)]
        assert [one.outcome for one in done] == [Outcome.UNVERIFIED] * 2
        rig.nothing_more(1.5)
        assert [row.type for row in rig.rows] == ["checkin"] * 2
        rig.close()  # and the service starts anew in the same boot
        rig = station(tmp_path, registry, wall)
        registry.down = False
        all_arrived_once_in_order(rig, 3)
        _, second, amendment = rig.rows
        assert (amendment.type, amendment.cause, amendment.about) == ("amendment", "clock", 0)
        assert amendment.clock.source == "hub"
        assert abs(amendment.at - now()) < timedelta(minutes=5)
        assert amendment.off == pytest.approx(-SINCE_1970.total_seconds(), abs=60)
        passed = timedelta(seconds=amendment.clock.monotonic - second.clock.monotonic)
        assert abs(amendment.at - passed - (second.at - SINCE_1970)) < timedelta(seconds=60)
        wall.off = timedelta(0)
        rig.nothing_more(2.5)
        assert len(rig.rows) == 3
    finally:
        rig.close()


def test_a_clock_that_the_hub_confirms_amends_the_guesses_before_once(tmp_path, registry, wall):
    registry.down = True
    rig = station(tmp_path, registry, wall)
    try:
        rig.scan(AN)
        registry.down = False
        rig.wait(lambda: len(rig.rows) == 2)
        assert rig.rows[1].off == pytest.approx(0.0, abs=60)
        rig.scan(BINH)
        rig.nothing_more(1.5)
        assert [row.type for row in rig.rows] == ["checkin", "amendment", "checkin"]
    finally:
        rig.close()
