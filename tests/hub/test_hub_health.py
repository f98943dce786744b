"""Stations' health on its way into a real hub: over MQTT and HTTP, into memory, onto disk, out again by command."""

from __future__ import annotations

import json
import random
import tracemalloc
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hub_stand import HubProcess, Line, command, furnish, now, until

from core import wire
from core.health import (
    MOST_BYTES,
    BoardFigures,
    CameraFigures,
    ClockFigures,
    Device,
    Health,
    Histogram,
    JournalFigures,
    LinkFigures,
    Versions,
)
from core.model import GateKind
from hub.health import health_history
from hub.health.fleet_health import Fleet
from hub.health.health_history import MINUTE, QUARTER, Recorder
from hub.stations import alarms
from hub.stations.fleet import Gate
from hub.stations.watch import Change, Matter

NAMES = [f"s{number}" for number in range(1, 9)]


def health(station: str = "s1", number: int = 1, at: datetime | None = None, **said: object) -> Health:
    return Health(
        **{"station": station, "session": "one", "number": number, "at": at or now(), "up": float(number), **said}
    )


def full(station: str, number: int = 1) -> Health:
    """As a station with every device says it, with problems in long words."""
    return health(
        station,
        number,
        session="0123456789abcdef",
        boot="61706c6f-4af8-483f-8dd9-e14962ae1baa",
        versions=Versions(software="0.1.0", policy=17, snapshot="2026-03-02", certificate_ends=now()),
        clock=ClockFigures(source="ntp", error=0.012, offset=-0.034),
        journal=JournalFigures(backlog=1234, oldest=567.8, seq=98765, refused=2, problem="x" * 80),
        link=LinkFigures(last_contact=12.3, problem="y" * 80, dbm=-67, radio=0.61),
        outcomes=dict.fromkeys(("pass", "warn", "unverified", "repeat", "wrong-code", "fault"), 1000 + number),
        decode=Histogram(tuple(range(1000, 1013)), 123456.789),
        lookup=Histogram(tuple(range(1000, 1013)), 123456.789),
        signal=Histogram(tuple(range(1000, 1013)), 123456.789),
        camera=CameraFigures(frames=10**7, fps=14.9, sharpness=31.2, best=33.3, brightness=0.4, contrast=0.2),
        scanner=True,
        devices=tuple(Device(f"device {each}", "is not plugged in") for each in range(8)),
        board=BoardFigures(temperature=61.2, under_voltage=False, memory_total=10**9, disk_total=10**10, up=1e6),
        orders={"done": 3, "refused": 1},
    )


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    data = tmp_path_factory.mktemp("hub")
    pinned = furnish(data, *NAMES)
    hub = HubProcess(data, "--broker").start()
    yield hub, pinned, iter(NAMES)
    assert hub.stop() == 0


@pytest.fixture
def private(stand):
    hub, pinned, names = stand
    name = next(names)
    with Line(hub.mqtt, name, pinned[name]["token"]) as line:
        yield hub, line


def fleet_of(hub: HubProcess) -> dict[str, dict[str, object]]:
    return {each["station"]: each for each in json.loads(command(hub.data, "fleet", "--json"))}


def dropped(hub: HubProcess, name: str) -> set[str]:
    return {str(each["what"]) for each in hub.lines("dropped") if each.get("station") == name}


@pytest.mark.broker
def test_what_a_station_says_of_its_health_is_shown_with_what_is_wrong(private):
    hub, line = private
    said = health(line.name, board=BoardFigures(temperature=84.0, under_voltage=True))
    line.publish("health", wire.encode(said))
    until(lambda: fleet_of(hub)[line.name]["health"], "kept on disk", 120)
    shown = fleet_of(hub)[line.name]
    assert shown["health"]["board"]["temperature"] == 84.0
    assert abs(shown["ahead"]) < 20
    assert [each["kind"] for each in shown["troubles"]][:2] == ["power", "heat"]
    text = command(hub.data, "fleet")
    assert "under-voltage" in next(each for each in text.splitlines() if each.startswith(line.name))


@pytest.mark.broker
def test_garbage_replayed_future_dated_and_gigantic_health_is_counted_named_and_dropped(private):
    hub, line = private
    dice = random.Random(4)
    good = wire.encode(health(line.name, 5))
    bad = {
        "health: played again": good,
        "health: dated in the future": wire.encode(health(line.name, 6, now() + timedelta(days=400))),
        f"health: longer than {MOST_BYTES} bytes": wire.encode(full(line.name)) + b" " * MOST_BYTES,
        "health: the health is another station's": wire.encode(health("s8")),
        "health: not what it should be": dice.randbytes(200),
        "health: not what it should be, at `$.number`": wire.encode(health(line.name, 0)),
        "health: not what it should be, at `$.devices`": wire.encode(
            health(line.name, 7, devices=tuple(Device(str(each)) for each in range(25)))
        ),
    }
    line.publish("health", good)
    for payload in bad.values():
        line.publish("health", payload)
    until(lambda: dropped(hub, line.name) >= set(bad), "all of them named")
    until(lambda: fleet_of(hub)[line.name]["health"], "the good one kept", 120)
    assert fleet_of(hub)[line.name]["health"]["number"] == 5


@pytest.mark.broker
def test_a_station_without_mqtt_says_the_same_over_http(stand):
    hub, pinned, names = stand
    name = next(names)
    http = hub.session(pinned[name]["token"])
    answer = http.post("/v1/health", data=wire.encode(full(name)))
    assert answer.status_code == 200
    assert abs(datetime.fromisoformat(answer.json()["hub_time"]) - now()) < timedelta(seconds=20)
    assert http.post("/v1/health", data=wire.encode(full(name))).status_code == 400
    assert http.post("/v1/health", data=b"{").status_code == 400
    assert hub.session("nobody's").post("/v1/health", data=wire.encode(full(name))).status_code == 401


def test_the_fleet_takes_at_most_eight_kibibytes_of_memory_a_station():
    names = [f"gate-{number}" for number in range(300)]
    gates = [Gate(name, GateKind.VENUE, "cho", "Chợ Đông Ba", "63", "474") for name in names]
    raws = {(name, turn): wire.encode(full(name, turn)) for name in names for turn in range(1, 8)}
    fleet = Fleet()
    fleet.know(gates)
    recorder = Recorder()
    tracemalloc.start()
    for turn in range(1, 8):
        for name in names:
            fleet.take(msgspec.json.decode(raws[name, turn], type=Health), now() + timedelta(minutes=15 * turn))
        recorder.points(fleet.members(), now())
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held / len(names) <= 7 * 1024  # of 8: the rest is for its line on a wall that somebody looks at


def test_what_many_stations_say_alike_is_kept_once():
    fleet = Fleet()
    fleet.know([Gate(name, GateKind.VENUE, "cho", "Chợ Đông Ba", "63", "474") for name in ("s1", "s2")])
    for name in ("s1", "s2"):
        fleet.take(msgspec.json.decode(wire.encode(full(name)), type=Health), now())
    one, other = (member.health for member in fleet.members())
    assert one.devices is other.devices
    assert one.versions.software is other.versions.software
    assert (one.station, other.station) == ("s1", "s2")


def taken(peopled, *said: Health, at: datetime) -> Fleet:
    fleet = Fleet()
    fleet.know([Gate("s1", GateKind.VENUE, "cho", "Chợ Đông Ba", "63", "474")])
    for number, each in enumerate(said):
        fleet.take(each, at + timedelta(seconds=30 * number))
    return fleet


def test_a_hub_that_starts_knows_what_the_last_one_knew(peopled):
    at = now().replace(microsecond=0)
    fleet = taken(peopled, health(number=1, at=at), health(number=2, at=at), at=at)
    with peopled.writing() as connection:
        assert health_history.save(connection, fleet.members(), None) == 1
        health_history.note_look(connection, at)
    anew = taken(peopled, at=at)
    with peopled.reading() as connection:
        health_history.load(connection, anew)
        assert health_history.looked(connection) == at
    (before,), (after,) = fleet.views(lambda _: 0), anew.views(lambda _: 0)
    assert (after.health, after.heard, after.ahead) == (before.health, before.heard, before.ahead)


def test_what_another_hub_heard_later_is_believed_and_what_it_heard_earlier_is_not(peopled):
    at = now().replace(microsecond=0)
    with peopled.writing() as connection:
        health_history.save(connection, taken(peopled, health(number=7, at=at), at=at).members(), None)
    late = taken(peopled, health(number=9, at=at), at=at + timedelta(minutes=1))
    early = taken(peopled, health(number=6, at=at), at=at - timedelta(minutes=1))
    with peopled.reading() as connection:
        for fleet in (late, early):
            health_history.load(connection, fleet)
    assert [fleet.views(lambda _: 0)[0].health.number for fleet in (late, early)] == [9, 7]
    with peopled.writing() as connection:
        health_history.save(connection, taken(peopled, health(number=6, at=at), at=at - timedelta(1)).members(), None)
        health_history.load(connection, anew := taken(peopled, at=at))
    assert anew.views(lambda _: 0)[0].health.number == 7


def test_figures_over_time_are_minutes_for_a_day_and_quarters_of_an_hour_for_sixty(peopled):
    begun = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    recorder, fleet = Recorder(), taken(peopled, at=begun)
    for minute in range(31):
        at = begun + timedelta(minutes=minute)
        outcomes = {"pass": 3 * minute, "warn": minute, "repeat": minute}
        signal = Histogram((minute,) * 13, 13.0 * 20 * minute)
        board = BoardFigures(temperature=50.0 + minute % 2)
        fleet.take(health(number=minute + 1, at=at, outcomes=outcomes, signal=signal, board=board), at)
        with peopled.writing() as connection:
            health_history.write(connection, recorder.points(fleet.members(), at))
            health_history.condense(connection, at)
            health_history.condense(connection, at)
    with peopled.reading() as connection:
        minutes = health_history.points(connection, "s1", begun, MINUTE)
        (quarter, _) = health_history.points(connection, "s1", begun, QUARTER)
    assert [(each.passes, each.warns, each.others, each.signal_ms) for each in minutes] == [(3, 1, 1, 20.0)] * 30
    assert (quarter.at, quarter.messages, quarter.passes, quarter.signal_ms) == (begun, 14, 42, 20.0)
    with peopled.writing() as connection:
        assert health_history.thin(connection, begun + timedelta(days=2)) == 30
        assert health_history.points(connection, "s1", begun, QUARTER)
        health_history.thin(connection, begun + timedelta(days=61))
        assert health_history.points(connection, "s1", begun, QUARTER) == []


def test_an_alarm_that_is_over_begins_anew_and_must_be_seen_anew(peopled):
    at = now().replace(microsecond=0)
    later = at + timedelta(minutes=5)
    matter = Matter("silent", "s1", "", at - timedelta(seconds=80), "silent for 80 s")
    with peopled.writing() as connection:
        for _ in range(2):  # two hubs on one database tell of it
            alarms.keep(connection, [Change(at, matter)])
        assert alarms.standing_matters(connection) == [matter]
        assert alarms.acknowledge(connection, "silent", "s1", "", "lan", at)
        assert not alarms.acknowledge(connection, "silent", "s1", "", "minh", at)
        alarms.keep(connection, [Change(later, matter, over=True)])
        assert alarms.standing_matters(connection) == []
        (over,) = alarms.listed(connection)
        assert (over.cleared, over.acknowledged_by, over.times) == (later, "lan", 1)
        assert alarms.listed(connection, standing=True) == []
        again = msgspec.structs.replace(matter, since=later)
        alarms.keep(connection, [Change(later, again)])
        (anew,) = alarms.listed(connection, standing=True)
    assert (anew.first, anew.acknowledged, anew.acknowledged_by, anew.times) == (later, None, "", 2)
