"""Recorded days of a fleet: what stations said at which moments in, alarms out; no clock, no database, no broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from core.health import BoardFigures, CameraFigures, Device, Health, JournalFigures, Versions
from core.model import GateKind
from core.wire import State
from hub.health.fleet_health import Fleet
from hub.journals.messages import BadMessage
from hub.stations.fleet import Gate
from hub.stations.trouble import OFTEN, Gap, View, rank, release, spoken, trouble
from hub.stations.watch import Change, Matter, Watch

DAWN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # nine o'clock in Huế
A_LUOI, PHU_VANG = "481", "478"


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def health(station: str, number: int, at: datetime, **said: object) -> Health:
    return Health(**{"station": station, "session": "one", "number": number, "at": at, "up": float(number), **said})


def gate(name: str, place: str = "cho", district: str = PHU_VANG) -> Gate:
    return Gate(name, GateKind.VENUE, place, f"Chợ {place}", "63", district)


@dataclass
class Day:
    """A fleet whose stations speak every 30 s, each at its own moment, and a hub that looks every five seconds."""

    gates: list[Gate]
    fleet: Fleet = field(default_factory=Fleet)
    watch: Watch = field(default_factory=Watch)
    now: datetime = DAWN
    quiet: set[str] = field(default_factory=set)
    said: dict[str, dict[str, object]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    listening: bool = True

    def __post_init__(self) -> None:
        self.fleet.know(self.gates)

    def go_on(self, length: float, *, watched: bool = True) -> None:
        """Lets so many seconds pass; not ``watched``: the hub is away and hears nothing."""
        end = self.now + seconds(length)
        while self.now < end:
            self.now += seconds(1)
            tick = int((self.now - DAWN).total_seconds())
            if watched and self.listening:
                self._speak(tick)
            if watched and tick % 5 == 0:
                self.changes += self.watch.step(self.now, self.fleet.views(lambda _: 3), listening=self.listening)

    def _speak(self, tick: int) -> None:
        for place, one in enumerate(self.gates):
            if tick % 30 == place * 7 % 30 and one.name not in self.quiet:
                number = self.numbers[one.name] = self.numbers.get(one.name, 0) + 1
                said = {"versions": Versions(software="0.1.0", policy=3), **self.said.get(one.name, {})}
                self.fleet.take(health(one.name, number, self.now, **said), self.now)

    def told(self) -> list[tuple[str, str, bool]]:
        return [(change.matter.kind, change.matter.station, change.over) for change in self.changes]


def day(*names: str) -> Day:
    """Stations far apart, all well and heard."""
    made = Day([gate(name, f"cho-{name}", str(470 + number)) for number, name in enumerate(names)])
    made.go_on(120)
    assert made.changes == []
    return made


def test_a_quiet_day_of_a_well_fleet_raises_nothing():
    day("a", "b", "c", "d", "e", "f").go_on(3600)


def test_a_station_that_falls_silent_is_told_within_ninety_seconds_and_cleared_when_it_is_back():
    a_day = day("a", "b", "c", "d", "e", "f")
    a_day.quiet.add("c")
    a_day.go_on(30)
    last = a_day.fleet.views(lambda _: 3)[2].heard
    a_day.go_on(90)
    (alarm,) = a_day.changes
    assert (alarm.matter.kind, alarm.matter.station, alarm.matter.since, alarm.over) == ("silent", "c", last, False)
    assert alarm.at - last <= seconds(90)
    a_day.quiet.clear()
    a_day.go_on(120)
    assert a_day.told() == [("silent", "c", False), ("silent", "c", True)]


def test_one_message_that_comes_late_is_no_alarm():
    a_day = day("a", "b", "c", "d", "e", "f")
    a_day.quiet.add("a")
    a_day.go_on(35)
    a_day.quiet.clear()
    a_day.go_on(300)
    assert a_day.changes == []


def test_a_line_that_flaps_is_one_alarm_and_not_one_a_time():
    a_day = day("a", "b", "c", "d", "e", "f")
    for _ in range(10):
        a_day.quiet.add("a")
        a_day.go_on(35)
        a_day.quiet.clear()
        a_day.go_on(31)
    assert a_day.told() == [("late", "a", False)]
    assert a_day.changes[0].matter.subject == OFTEN


def test_fourteen_stations_of_one_district_that_fall_silent_are_one_alarm():
    district = [gate(f"l{number}", f"cho-{number}", A_LUOI) for number in range(14)]
    others = [gate(f"o{number}", f"nha-{number}", str(470 + number)) for number in range(10)]
    a_day = Day([*district, *others])
    a_day.go_on(12 * 60)
    a_day.quiet |= {one.name for one in district}
    a_day.go_on(120)
    (alarm,) = a_day.changes
    assert (alarm.matter.kind, alarm.matter.station, alarm.matter.stations) == ("silent-group", "", 14)
    assert alarm.matter.detail == "14 stations of Huyện A Lưới silent since 09:11"
    a_day.quiet.clear()
    a_day.go_on(300)
    assert a_day.told() == [("silent-group", "", False), ("silent-group", "", True)]


def test_those_of_a_group_that_do_not_come_back_have_alarms_of_their_own():
    a_day = Day([gate(f"l{number}", "cho", A_LUOI) for number in range(4)] + [gate(f"o{n}", f"x{n}") for n in range(6)])
    a_day.go_on(120)
    a_day.quiet |= {f"l{number}" for number in range(4)}
    a_day.go_on(120)
    a_day.quiet = {"l0"}
    a_day.go_on(180)
    assert a_day.told() == [("silent-group", "", False), ("silent-group", "", True), ("silent", "l0", False)]
    assert a_day.changes[-1].matter.since < a_day.changes[0].at


def test_a_fleet_that_falls_silent_as_a_whole_is_one_alarm():
    a_day = day(*"abcdefgh")
    a_day.quiet |= set("abcdefgh")
    a_day.go_on(600)
    (alarm,) = a_day.changes
    assert (alarm.matter.kind, alarm.matter.subject, alarm.matter.stations) == ("silent-group", "fleet/all", 8)


def test_a_hub_that_was_away_says_so_and_raises_no_false_alarm():
    a_day = day(*"abcdefgh")
    a_day.go_on(1800, watched=False)
    a_day.go_on(300)
    assert a_day.told() == [("hub-away", "", False), ("hub-away", "", True)]
    assert a_day.changes[0].matter.detail == "nobody watched the fleet from 09:02 to 09:32: the hub was away"


def test_a_station_that_died_while_the_hub_was_away_is_told_soon_after():
    a_day = day(*"abcdefgh")
    a_day.quiet.add("d")
    a_day.go_on(1800, watched=False)
    a_day.go_on(300)
    assert ("silent", "d", False) in a_day.told()
    assert len(a_day.changes) == 3


def test_a_hub_that_starts_again_goes_on_with_what_stood():
    a_day = day(*"abcdefgh")
    a_day.quiet.add("d")
    a_day.go_on(120)
    a_day.watch = Watch(a_day.watch.standing, a_day.now)
    a_day.go_on(300)
    assert a_day.told() == [("silent", "d", False)]
    a_day.quiet.clear()
    a_day.go_on(120)
    assert a_day.told()[1:] == [("silent", "d", True)]


def test_a_broker_that_is_gone_is_one_alarm_about_the_broker():
    a_day = day(*"abcdefgh")
    a_day.listening = False
    a_day.go_on(900)
    a_day.listening = True
    a_day.go_on(300)
    assert a_day.told() == [("broker", "", False), ("broker", "", True)]


FAULTS = {
    "backlog": {"journal": JournalFigures(backlog=80, oldest=400.0)},
    "blind": {"camera": CameraFigures(blind="dark")},
    "device": {"devices": (Device("scanner 1 (hid)", "is not plugged in"),)},
    "power": {"board": BoardFigures(under_voltage=True)},
    "heat": {"board": BoardFigures(temperature=84.0)},
    "disk": {"board": BoardFigures(disk_total=16 << 30, disk_free=100 << 20)},
    "wear": {"board": BoardFigures(disk_worn=3)},
    "journal": {"journal": JournalFigures(problem="the disk is full")},
    "refused": {"journal": JournalFigures(refused=2)},
    "set-aside": {"journal": JournalFigures(set_aside=True)},
    "policy": {"versions": Versions(software="0.1.0", policy=2)},
    "certificate": {"versions": Versions(software="0.1.0", policy=3, certificate_ends=DAWN + timedelta(days=3))},
}


@pytest.mark.parametrize("kind", FAULTS)
def test_each_fault_is_told_once_by_its_own_name_and_cleared_when_it_is_mended(kind):
    a_day = day(*"abcdef")
    a_day.said["b"] = FAULTS[kind]
    a_day.go_on(900)
    assert a_day.told() == [(kind, "b", False)]
    a_day.said.clear()
    a_day.go_on(300)
    assert a_day.told() == [(kind, "b", False), (kind, "b", True)]


def missing(a_day: Day, *names: str) -> None:
    a_day.fleet.miss(dict.fromkeys(names, Gap("0" * 16, 11, 20)))


@pytest.mark.parametrize("quiet", [False, True], ids=["heard", "silent"])
def test_rows_missing_for_minutes_are_told_also_of_a_station_that_is_silent_and_cleared_when_they_came(quiet):
    a_day = day(*"abcdef")
    a_day.quiet |= {"b"} if quiet else set()
    a_day.go_on(120)
    a_day.changes.clear()
    missing(a_day, "b")
    a_day.go_on(170)
    assert a_day.told() == []
    a_day.go_on(30)
    assert a_day.told() == [("missing-range", "b", False)]
    assert a_day.changes[0].matter.detail == f"rows 11 to 20 of journal {'0' * 16} are missing"
    missing(a_day)
    a_day.go_on(60)
    assert a_day.told() == [("missing-range", "b", False), ("missing-range", "b", True)]


def test_a_gap_that_fills_within_minutes_is_nobodys_matter():
    a_day = day(*"abcdef")
    for _ in range(5):
        missing(a_day, "b")
        a_day.go_on(120)
        missing(a_day)
        a_day.go_on(60)
    assert a_day.told() == []


def test_rows_missing_of_a_station_that_was_never_heard_are_told():
    a_day = day(*"abcdef")
    a_day.gates.append(gate("g", "cho-g", "499"))
    a_day.quiet.add("g")
    a_day.fleet.know(a_day.gates)
    missing(a_day, "g")
    a_day.go_on(240)
    assert a_day.told() == [("missing-range", "g", False)]


def test_a_clock_that_runs_ahead_is_measured_by_the_hub():
    a_day = day(*"abcdef")
    a_day.said["a"] = {}
    taken = a_day.fleet.take

    def seven_hours_ahead(said: Health, now: datetime) -> None:
        taken(replace(said, at=said.at + timedelta(hours=7)) if said.station == "a" else said, now)

    a_day.fleet.take = seven_hours_ahead
    a_day.go_on(300)
    assert a_day.told() == [("clock", "a", False)]
    assert a_day.changes[0].matter.detail == "its clock is 7 h ahead"


def test_an_old_software_is_told_after_a_day_only():
    a_day = day(*"abcdef")
    a_day.said["a"] = {"versions": Versions(software="0.2.0", policy=3)}
    a_day.go_on(3600)
    assert a_day.changes == []
    views = {view.station: view for view in a_day.fleet.views(lambda _: 3)}
    assert [each.kind for each in trouble(views["b"], a_day.now)] == ["version"]


def test_a_gate_that_suddenly_warns_nearly_everybody_is_unusual():
    a_day = day(*"abcdef")
    outcomes = {"pass": 0, "warn": 0}
    a_day.said["a"] = {"outcomes": outcomes}
    for warned in [False] * 40 + [True] * 10:
        outcomes["pass"] += 1 if warned else 9
        outcomes["warn"] += 9 if warned else 1
        a_day.said["a"] = {"outcomes": dict(outcomes)}
        a_day.go_on(60)
    assert a_day.told() == [("warns", "a", False)]


def test_a_figure_on_the_edge_does_not_flicker():
    a_day = day(*"abcdef")
    for temperature in (81.0, 78.0) * 10:  # each for longer than a trouble must stand, or be gone, to be believed
        a_day.said["a"] = {"board": BoardFigures(temperature=temperature)}
        a_day.go_on(150)
    assert a_day.told() == [("heat", "a", False)]
    a_day.said["a"] = {"board": BoardFigures(temperature=74.0)}
    a_day.go_on(150)
    assert a_day.told() == [("heat", "a", False), ("heat", "a", True)]


def test_the_gravest_comes_first():
    a_day = day(*"abcdef")
    a_day.said |= {"a": FAULTS["wear"], "b": FAULTS["journal"], "c": FAULTS["heat"]}
    a_day.quiet.add("e")
    a_day.go_on(200)
    views = a_day.fleet.views(lambda _: 3)
    order = sorted(views, key=lambda view: rank(view, trouble(view, a_day.now)))
    assert [view.station for view in order][:4] == ["b", "e", "c", "a"]


def test_a_message_that_cannot_be_meant_is_refused_and_named():
    fleet = Fleet()
    fleet.know([gate("a")])
    fleet.take(health("a", 5, DAWN), DAWN)
    with pytest.raises(BadMessage, match="played again"):
        fleet.take(health("a", 5, DAWN), DAWN + seconds(30))
    with pytest.raises(BadMessage, match="in the future"):
        fleet.take(health("a", 6, DAWN + timedelta(days=2)), DAWN + seconds(30))
    fleet.take(health("a", 1, DAWN, session="two"), DAWN + seconds(40))
    with pytest.raises(BadMessage, match="session that is over"):
        fleet.take(health("a", 5, DAWN), DAWN + seconds(50))
    with pytest.raises(BadMessage, match="nobody registered"):
        fleet.take(health("b", 1, DAWN), DAWN)
    (view,) = fleet.views(lambda _: 0)
    assert view.heard == DAWN + seconds(40)


def test_a_station_all_of_whose_messages_are_dropped_is_told_with_the_reason_although_it_was_never_heard():
    a_day = day(*"abcdef")
    a_day.gates.append(gate("g", "cho-g", "476"))
    a_day.fleet.know(a_day.gates)
    a_day.quiet.add("g")
    a_day.go_on(60)
    a_day.fleet.refuse("g", "dated in the future")
    a_day.go_on(10)
    (alarm,) = a_day.changes
    assert alarm.matter.detail == "it speaks, but its messages are dropped: dated in the future"
    a_day.quiet.clear()
    a_day.go_on(90)
    assert a_day.told() == [("unbelieved", "g", False), ("unbelieved", "g", True)]


def test_a_station_whose_messages_are_dropped_is_silent_and_says_why():
    fleet = Fleet()
    fleet.know([gate("a")])
    fleet.take(health("a", 1, DAWN), DAWN)
    fleet.refuse("a", "dated in the future")
    (view,) = fleet.views(lambda _: 0)
    assert [each.detail for each in trouble(view, DAWN + seconds(300))] == [
        "silent for 5 min; its messages are dropped: dated in the future"
    ]


def test_what_the_broker_remembered_is_shown_but_is_no_sign_of_life():
    fleet = Fleet()
    fleet.know([gate("a")])
    fleet.take(health("a", 4, DAWN), DAWN, fresh=False)
    (view,) = fleet.views(lambda _: 0)
    assert (view.heard, view.health.number) == (None, 4)
    fleet.take(health("a", 4, DAWN), DAWN, fresh=False)


def test_a_last_will_speaks_for_its_own_session_only():
    fleet = Fleet()
    fleet.know([gate("a")])
    fleet.hear(State("a", True, "new", DAWN))
    fleet.hear(State("a", False, "old", DAWN))
    assert fleet.views(lambda _: 0)[0].online is True
    fleet.hear(State("a", False, "new", DAWN))
    assert fleet.views(lambda _: 0)[0].online is False


def test_a_box_that_never_spoke_is_shown_as_such_and_calls_nobody():
    watch, view = Watch(), View(station="a")
    assert watch.step(DAWN, [view]) == ()
    assert [each.detail for each in trouble(view, DAWN)] == ["was never heard"]


def test_a_station_that_is_taken_off_the_register_takes_its_alarms_along():
    watch = Watch([Matter("silent", "gone", "", DAWN, "silent")], DAWN)
    (change,) = watch.step(DAWN + seconds(5), [])
    assert (change.matter.station, change.over) == ("gone", True)


@pytest.mark.parametrize(
    ("told", "numbers"), [("0.1.0", (0, 1, 0)), ("1.10", (1, 10)), ("2.0rc1", (2,)), ("", ()), ("x" * 64, ())]
)
def test_a_versions_numbers_are_compared_as_numbers(told, numbers):
    assert release(told) == numbers


@pytest.mark.parametrize(("length", "told"), [(7, "7 s"), (300, "5 min"), (7_300, "2 h"), (400_000, "5 d")])
def test_a_length_of_time_is_told_in_the_unit_that_suits_it(length, told):
    assert spoken(length) == told
