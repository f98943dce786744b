"""The invented fleet's arithmetic: patterns, plans, days, clocks, journals, faults and orders; no broker needed."""

from __future__ import annotations

import base64
import random
import tomllib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from core import keys, orders, rows, wire
from core.health import MOST_BYTES, JournalFigures
from core.model import Direction, GateKind, Outcome, Scheme
from core.orders import HoldOpen, Identify, Logs, Order, Restart, Snapshot, Task
from core.wire import HeldMark, RowClock, Who
from hub.commands import simulating
from hub.errors import ConfigError, DataError, MissingFile
from hub.simulation import days, pattern, plan, visitors, world
from hub.simulation.desk import Desk
from hub.simulation.figures import Board
from hub.simulation.journal import Doorway, Journal, Passage
from hub.simulation.panel import DARK, Panel
from hub.simulation.pattern import FaultKind, Pattern
from hub.simulation.plan import Clock, Post, Trouble
from hub.stations.trouble import View, trouble

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
POST = Post("sim-0001", GateKind.VENUE, "cho", "19768", Clock(0.05, 0.00001))


# patterns


def test_the_shipped_pattern_is_without_fault_and_shows_every_section():
    assert pattern.parse(tomllib.loads(pattern.EXAMPLE.read_text("utf-8")))[1] == []
    shown = pattern.load(pattern.EXAMPLE)
    assert set(shown.crowds) == set(GateKind)
    assert len({each.kind for each in shown.faults}) == len(shown.faults) == 5


def test_the_shipped_pattern_names_every_kind_of_fault_and_every_key():
    text = pattern.EXAMPLE.read_text("utf-8")
    for kind in FaultKind.__args__:
        assert f"#   {kind} " in text
    for form in (pattern.Day, pattern.People, pattern.Clocks, pattern.Boards, pattern.Crowd):
        for key in form.__struct_fields__:
            assert f"\n{key} =" in text


def test_every_fault_of_a_pattern_is_named_at_once_with_its_key_and_its_cure(tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(
        '[dey]\n[day]\nbegins = "late"\n[people]\ncount = 0\nrepat = 1\n'
        '[crowd.venue]\nshare = 0.5\n[crowd.pub]\n[clocks]\noff_ms = "much"\n'
        '[[fault]]\nkind = "silent"\nafter = "soon"\n[[fault]]\nkind = "slient"\n[[fault]]\n'
        '[[fault]]\nkind = "power"\nsize = 3\n[[fault]]\nkind = "blind"\nhow = "foggy"\n'
        '[[fault]]\nkind = "disk"\nsize = 5\n[[fault]]\nkind = "heat"\nstations = ["sim-0001"]\ncount = 2\n'
    )
    with pytest.raises(ConfigError) as caught:
        pattern.load(wrong)
    said = str(caught.value).splitlines()
    assert all(line.startswith(f"{wrong}: ") for line in said)
    wanted = (
        "dey: unknown key; did you mean day?",
        "day.begins: write now, or HH:MM",
        "people.count: Expected `int` >= 30",
        "people.repat: unknown key; did you mean people.repeat?",
        "crowd.pub: unknown key",
        "clocks.off_ms: Expected `float`",
        "fault 1: after: write a duration such as 20s, 5m or 1h",
        "fault 2: kind: Invalid enum value 'slient'; one of silent,",
        "fault 3: kind: is needed",
        "fault 4: size: a fault of the kind power has none; leave it out",
        "fault 5: how: 'foggy' is none; one of covered, dark, white, unsharp",
        "fault 6: size: the share of the card that is free, 0 to 1",
        "fault 7: count: the stations are named already; leave one of the two out",
    )
    for each in wanted:
        assert any(each in line for line in said), each
    assert len(said) == len(wanted)


def test_shares_that_are_not_the_whole_are_told():
    assert pattern.parse({"crowd": {"venue": {"share": 0.5}}})[1] == [
        "crowd.*.share: together they are 0.5; they must be 1"
    ]


def test_a_pattern_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingFile, match=r"none\.toml: No such file"):
        pattern.load(tmp_path / "none.toml")


# plans


def test_the_same_seed_plans_the_same_fleet_and_another_seed_another_one():
    shown = pattern.load(pattern.EXAMPLE)
    assert plan.draw(shown, 50, 7) == plan.draw(shown, 50, 7)
    one, other = plan.draw(shown, 50, 7), plan.draw(shown, 50, 8)
    for part in ("place", "commune", "clock", "troubles"):
        assert [getattr(post, part) for post in one.posts] != [getattr(post, part) for post in other.posts], part
    assert visitors.invent(40, 7, NOON) == visitors.invent(40, 7, NOON) != visitors.invent(40, 8, NOON)


@pytest.mark.parametrize("stations", [1, 20, 2_000])
def test_a_fleet_has_as_many_stations_as_asked_each_at_a_place_of_its_own_kind(stations):
    drawn = plan.draw(Pattern() if stations == 1 else pattern.load(pattern.EXAMPLE), stations, 7)
    places = {place.code: place for place in drawn.places}
    assert len({post.name for post in drawn.posts}) == stations
    assert len({place.name for place in drawn.places}) == len(places)
    assert all(places[post.place].kind is post.kind for post in drawn.posts)


def test_faults_are_at_different_stations_and_of_the_kind_of_place_they_name():
    given = {"fault": [{"kind": "heat", "count": 3}, {"kind": "power", "stations": ["sim-0002"]}, {"kind": "silent"}]}
    drawn = plan.draw(pattern.parse(given)[0], 5, 7)
    assert sorted(each.kind for post in drawn.posts for each in post.troubles) == ["heat"] * 3 + ["power", "silent"]
    assert all(len(post.troubles) == 1 for post in drawn.posts)
    assert next(post for post in drawn.posts if post.name == "sim-0002").troubles[0].kind == "power"


def test_a_fault_that_finds_no_station_is_told_with_every_other_one():
    given = {"fault": [{"kind": "heat", "count": 9}, {"kind": "power", "stations": ["sim-0777"]}]}
    with pytest.raises(DataError) as caught:
        plan.draw(pattern.parse(given)[0], 5, 7)
    assert caught.value.faults == [
        "fault 1: count: 5 of 9 stations are left for it; ask for more --stations",
        "fault 2: stations: no sim-0777 in a fleet of 5",
    ]


def test_the_pattern_that_is_used_by_itself_fits_a_fleet_of_any_size():
    shown = pattern.load(pattern.EXAMPLE)
    for stations in range(1, 8):
        drawn = plan.draw(shown, stations, 7, strict=False)
        assert len(drawn.posts) == stations
    assert {post.kind for post in drawn.posts} == set(GateKind)
    assert sum(len(post.troubles) for post in drawn.posts) == 5


# days and clocks


def test_people_come_by_the_hour_and_nobody_when_it_is_closed():
    hours = [0.0] * 24
    hours[8], hours[9] = 1.0, 0.5
    assert days.next_visit(hours, 60, 7 * 3600, 1) == 8 * 3600 + 60
    assert days.next_visit(hours, 60, 8 * 3600, 61) == 9 * 3600 + 120  # one more than the hour has, at half the rate
    assert days.next_visit(hours, 60, 9.9 * 3600, 10) == (24 + 8) * 3600 + 7 * 60
    assert days.next_visit([0.0] * 24, 60, 0, 1) == float("inf")


def test_a_days_visits_are_as_many_as_its_hours_say():
    dice, hours = random.Random(7), pattern.DAYTIME
    moment, came = 0.0, 0
    while (moment := days.next_visit(hours, 100, moment, dice.expovariate(1))) < days.DAY:
        came += 1
    assert came == pytest.approx(100 * sum(hours), rel=0.1)


def test_the_day_goes_faster_and_the_clock_on_the_wall_does_not():
    time = world.begin("06:30", 1_000.0, NOON, 60)
    assert time.moment(1_060.0) == 7.5 * 3600
    assert time.when(7.5 * 3600) == 1_060.0
    assert time.wall(1_060.0) == NOON + timedelta(seconds=60)
    assert world.begin("now", 0.0, NOON, 1).day == 12 * 3600


def test_a_clock_drifts_from_where_it_was_off():
    assert Clock(0.5, 0.00001).off(100_000) == pytest.approx(1.5)


def test_what_is_due_is_done_in_order_and_never_is_never():
    agenda, done = world.Agenda(), []
    for due, name in ((3.0, "c"), (1.0, "a"), (1.0, "b"), (float("inf"), "never")):
        agenda.at(due, lambda _, name=name: done.append(name))
    agenda.run(2.0, 10)
    assert (done, agenda.wait(2.0, 10)) == (["a", "b"], 1.0)
    agenda.run(9.0, 10)
    assert (done, agenda.wait(9.0, 10)) == (["a", "b", "c"], 10)


# rows


def write(journal: Journal, count: int, number: str = "046190990001") -> None:
    passage = Passage(Who(Scheme.CITIZEN, number), Outcome.PASS, (), Direction.IN, True)
    for _ in range(count):
        journal.write(
            passage,
            Doorway(GateKind.VENUE, "cho", 1),
            RowClock("ntp", "boot", 1.0),
            NOON,
            5.0,
            random.Random(1),
        )


def test_rows_are_chained_and_sealed_and_let_go_of_when_the_hub_holds_them():
    private, public = keys.new_sealing_key()
    journal = Journal("sim-0001", keys.Sealer(public))
    write(journal, 250)
    journal.open_door(Doorway(GateKind.VENUE, "cho", 1), RowClock("ntp", "boot", 1.0), NOON, 5.0)
    first = journal.batch()
    assert (first.first, len(first.rows)) == (1, 200)
    start = rows.walk(map(bytes, first.rows), "sim-0001", journal.epoch)
    assert start.seq == 200
    row = rows.decode(bytes(first.rows[6]))
    opened = keys.open_sealed(private, base64.b64decode(row.sealed), rows.context("sim-0001", journal.epoch, 7))
    assert wire.decode(opened, Who).value == "046190990001"
    assert journal.hold(HeldMark("sim-0001", "another epoch", 200, NOON)) == 0
    assert journal.hold(HeldMark("sim-0001", journal.epoch, 200, NOON)) == 200
    rest = journal.batch()
    assert rest.first == 201
    assert rows.walk(map(bytes, rest.rows), "sim-0001", journal.epoch, start).seq == 251
    assert (journal.backlog, journal.oldest(8.0)) == (51, 3.0)


def test_nobody_is_at_two_places_at_once():
    people = visitors.invent(300, 7, NOON)
    everybody, dice = visitors.Visitors(people), random.Random(7)
    commune = people[0].address.commune
    came = [everybody.draw(dice, commune, False, 100.0) for _ in range(200)]
    found = [each.who.value for each in came if each is not None]
    assert len(found) == len(set(found)) > 3


# faults


def said(kind: str, how: str = "") -> View:
    board = Board(POST, "0.1.0", 30.0, random.Random(7))
    board.restart(0.0, "one")
    usual = pattern.SIZES.get(kind, (0.0, ""))[0]
    standing = (Trouble(kind, 0.0, float("inf"), usual, how, 1.0),) if kind else ()
    health = board.health(60.0, NOON, JournalFigures(), 3, 0.0, standing)
    assert len(msgspec.json.encode(health)) < MOST_BYTES
    return View(station="sim-0001", health=health, heard=NOON, ahead=0.0, policy=3, version="0.1.0")


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        *(("blind", how) for how in pattern.HOWS["blind"]),
        *(("device", how) for how in pattern.HOWS["device"]),
        *((kind, "") for kind in ("journal", "power", "disk", "heat", "wear", "certificate", "version", "policy")),
    ],
)
def test_each_fault_is_what_the_wall_calls_it_and_nothing_else(kind, how):
    (found,) = trouble(said(kind, how), NOON)
    assert found.kind == kind
    assert found.subject == (how if how else "")


def test_a_board_without_a_fault_has_no_trouble():
    assert trouble(said(""), NOON) == ()


# orders


class Doer:
    """What a desk orders about."""

    place_name = "Chợ Đông Ba"

    def __init__(self) -> None:
        self.panel, self.opened, self.restarts = Panel("sim-0001"), 0, []

    def move(self, place, name, direction):
        self.place_name = name

    def open_door(self, mono):
        self.opened += 1

    def start_again(self, seconds, mono):
        self.restarts.append(seconds)


def desk() -> tuple[Desk, Doer, bytes]:
    private, public = keys.new_signing_key()
    doer = Doer()
    return Desk("sim-0001", public, doer), doer, private


def order(private: bytes, task: Task, **changed: object) -> bytes:
    fields = {"id": "a" * 16, "station": "sim-0001", "issued": NOON, "not_after": NOON + timedelta(minutes=5)}
    made = Order(**{**fields, "nonce": "b" * 32, "task": task, **changed})
    return wire.encode(orders.sign(private, made))


def test_identify_flashes_beeps_and_says_which_station_it_is_for_its_time():
    own, doer, private = desk()
    assert doer.panel.face(1.0) == DARK
    said = own.take(order(private, Identify(20)), NOON, 100.0)
    assert [each.status for each in said] == ["in-progress", "succeeded"]
    face = doer.panel.face(119.0)
    assert (face.colour, face.flashes, face.beeps, face.lines) == ("blue", True, True, ("sim-0001", "Chợ Đông Ba"))
    assert doer.panel.face(120.0) == DARK


def test_an_order_that_comes_thrice_is_carried_out_once_and_answered_thrice():
    own, doer, private = desk()
    document = order(private, HoldOpen())
    said = [own.take(document, NOON, 1.0)[-1].status for _ in range(3)]
    assert (said, doer.opened) == (["succeeded"] * 3, 1)


def test_what_another_key_signed_or_another_station_is_told_is_no_order():
    own, doer, private = desk()
    assert own.take(order(keys.new_signing_key()[0], HoldOpen()), NOON, 1.0) == []
    assert own.take(order(private, HoldOpen(), station="sim-0002"), NOON, 1.0) == []
    assert own.take(b"rubbish", NOON, 1.0) == []
    assert doer.opened == 0


def test_an_order_that_is_over_is_rejected():
    own, doer, private = desk()
    (said,) = own.take(order(private, HoldOpen()), NOON + timedelta(hours=1), 1.0)
    assert (said.status, doer.opened) == ("rejected", 0)
    assert "expired" in said.words


def test_a_restart_is_told_of_when_it_is_back():
    own, doer, private = desk()
    assert [each.status for each in own.take(order(private, Restart()), NOON, 1.0)] == ["in-progress"]
    assert doer.restarts == [3.0]
    assert [each.status for each in own.after_start(NOON)] == ["succeeded"]
    assert own.after_start(NOON) == []


def test_logs_are_brought_and_pictures_are_not():
    own, _, private = desk()
    (_, logs) = own.take(order(private, Logs()), NOON, 1.0)
    assert (logs.status, logs.media, bool(logs.data)) == ("succeeded", "application/gzip", True)
    assert own.take(order(private, Snapshot(), nonce="c" * 32), NOON, 1.0)[-1].status == "rejected"


def test_faults_are_listed_for_whoever_waits_until_all_is_up():
    drawn = plan.draw(pattern.load(pattern.EXAMPLE), 20, 7)
    up = simulating.described(drawn)
    assert len(up.stations) == 20
    assert {(each.kind, each.after, each.lasts) for each in up.faults} >= {
        ("silent", 40.0, 360.0),
        ("clock", 10.0, None),
    }
