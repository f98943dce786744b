"""Six recorded hours of an invented fleet, played to the hub's watch: each thing that went wrong is one alarm."""

from __future__ import annotations

import gzip
from datetime import timedelta

import msgspec
import pytest
from recording import BEHIND, DAWN, DAY, HOT, HOURS, SILENT, TOGETHER, Heard, Where, record

from core.model import GateKind
from hub.health.fleet_health import Fleet
from hub.stations.fleet import Gate
from hub.stations.watch import Change, Watch


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return gzip.decompress(DAY.read_bytes()).splitlines()


@pytest.fixture(scope="module")
def where(lines) -> Where:
    return msgspec.json.decode(lines[0], type=Where)


@pytest.fixture(scope="module")
def changes(lines, where) -> list[Change]:
    """Everything that the watch told of that day, looking every five seconds."""
    fleet, watch, told, listening = Fleet(), Watch(), [], True
    fleet.know([Gate(name, GateKind.VENUE, place, place, "34", of) for name, (place, of) in where.stations.items()])
    heard = iter([msgspec.json.decode(line, type=Heard) for line in lines[1:]])
    one = next(heard)
    for second in range(5, HOURS * 3_600, 5):
        while one is not None and one.second <= second:
            listening = listening if one.listening is None else one.listening
            if one.said is not None:
                fleet.take(one.said, DAWN + timedelta(seconds=one.second))
            one = next(heard, None)
        told += watch.step(DAWN + timedelta(seconds=second), fleet.views(lambda _: 3), listening=listening)
    return told


def of(changes: list[Change], kind: str) -> list[tuple[str, int, bool]]:
    """When, in seconds of the day, alarms of a kind began and ended."""
    return [
        (change.matter.station, int((change.at - DAWN).total_seconds()), change.over)
        for change in changes
        if change.matter.kind == kind
    ]


def test_the_day_is_the_one_that_the_recorder_writes(lines):
    assert lines[0] == next(record()).rstrip(b"\n")
    assert len(lines) > 9_000


def test_nothing_is_told_but_what_went_wrong(changes):
    assert {change.matter.kind for change in changes} == {"silent", "silent-group", "heat", "backlog", "broker"}


def test_the_one_that_fell_silent_is_told_within_ninety_seconds_and_cleared(changes, where):
    (begun, ended) = of(changes, "silent")
    assert (begun[0], begun[2], ended[2]) == (where.silent, False, True)
    assert SILENT[0] < begun[1] <= SILENT[0] + 90 + 30
    assert SILENT[1] < ended[1] <= SILENT[1] + 90


def test_a_place_that_fell_silent_as_a_whole_is_one_alarm(changes, where):
    (begun, ended) = of(changes, "silent-group")
    assert (begun[0], begun[2], ended[2]) == ("", False, True)
    assert TOGETHER[0] < begun[1] <= TOGETHER[0] + 120
    assert TOGETHER[1] < ended[1] <= TOGETHER[1] + 90
    (group,) = {change.matter.stations for change in changes if change.matter.kind == "silent-group"}
    assert group == len(where.together)


def test_a_heat_about_its_limit_does_not_flicker(changes, where):
    (begun, ended) = of(changes, "heat")
    assert begun[0] == ended[0] == where.hot
    assert HOT[0] < begun[1] < ended[1]
    assert ended[1] >= HOT[1]


def test_a_backlog_that_grows_is_named_and_over_when_it_is_brought(changes, where):
    (begun, ended) = of(changes, "backlog")
    assert begun[0] == where.behind
    assert BEHIND[0] + 200 < begun[1] < BEHIND[0] + 420
    assert BEHIND[1] <= ended[1] <= BEHIND[1] + 120


def test_a_broker_that_was_gone_is_no_stations_silence(changes):
    (begun, ended) = of(changes, "broker")
    assert (begun[2], ended[2]) == (False, True)
