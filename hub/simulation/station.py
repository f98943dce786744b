"""One simulated station: its visitors, its rows, its health, its orders and its faults, on a line of its own."""

from __future__ import annotations

import random
import secrets
import selectors
from datetime import timedelta
from functools import partial

import msgspec

from core import wire
from core.health import Health, JournalFigures, State, state_of
from core.model import Direction, Outcome, Reason
from core.wire import HeldMark, RowClock
from hub.simulation import days
from hub.simulation.desk import Desk
from hub.simulation.figures import Board
from hub.simulation.inquiring import Inquiries
from hub.simulation.journal import Doorway, Journal, Passage
from hub.simulation.line import Broker, Line
from hub.simulation.panel import Panel
from hub.simulation.plan import Post, Trouble
from hub.simulation.world import World

HELD_WITHIN = 20.0
TEND_SECONDS = 5.0
SOON = 0.5
PAUSE, LONGEST_PAUSE = 1.0, 30.0
GONE = frozenset({"silent", "left"})


class Station:
    """A station; everything happens in the fleet's one thread, at moments that the agenda keeps."""

    def __init__(
        self,
        world: World,
        post: Post,
        place_name: str,
        token: str,
        scopes: tuple[str, ...],
        selector: selectors.BaseSelector,
        broker: Broker,
    ) -> None:
        self._world, self.post = world, post
        self._crowd = world.pattern.crowds[post.kind]
        self._dice = self._own_dice()
        self._place, self._name, self._way = post.place, place_name, Direction.IN
        self._first = (post.place, place_name)
        self.panel = Panel(post.name)
        self.journal = Journal(post.name, world.sealer)
        self._desk = Desk(post.name, world.policy_key, self)
        boards = world.pattern.boards
        self._board = Board(post, boards.version, boards.health_seconds, self._own_dice("board"))
        self._row_dice = self._own_dice("rows")  # apart, so that who comes when does not hang on the network
        self._inquiries = Inquiries(world.sealing_key, world.agenda, world.tally)
        self.standing: tuple[Trouble, ...] = ()
        self._versions: dict[str, int] = {}
        self._under_way = float("-inf")  # until then the hub's word for a batch is waited for
        self._visits = self._ticks = 0
        self._pause = PAUSE
        self._away = self._waits = self._is_up = False
        self._told: State | None = None
        self.problem = ""
        self.line = Line(selector, broker, post.name, token, scopes, self._heard, self._changed)

    def _own_dice(self, what: str = "") -> random.Random:
        """Chance that is the station's own, the same for the same seed."""
        return random.Random(f"{self._world.seed}/{self.post.name}{what}")  # noqa: S311  # the point is that it repeats

    # beginning and end

    def start(self, mono: float) -> None:
        """Begins at a moment: connects, has people come, and has its faults noted."""
        begun = self._world.time.mono
        self._board.restart(mono, secrets.token_hex(8))
        for trouble in self.post.troubles:
            self._world.agenda.at(begun + trouble.begins, partial(self._begin, trouble))
            self._world.agenda.at(begun + trouble.ends, partial(self._end, trouble))
        self._connect(mono)
        self._await_visit(mono)
        self._world.agenda.at(mono + self._dice.uniform(0, self._interval), self._tick)
        self._world.agenda.at(mono + self._dice.uniform(0, TEND_SECONDS), self._tend)

    def leave(self) -> None:
        """Says goodbye for good."""
        self._away = True
        self._say_goodbye()

    def _say_goodbye(self) -> None:
        if self.line.connected:
            self.line.publish("state", wire.encode(self._state(online=False)), retain=True)
        self.line.leave()

    @property
    def place_name(self) -> str:
        """What its place is called."""
        return self._name

    @property
    def _interval(self) -> float:
        return self._world.pattern.boards.health_seconds

    @property
    def _is_gone(self) -> bool:
        return self._away or any(each.kind in GONE for each in self.standing)

    def _has(self, kind: str) -> Trouble | None:
        return next((each for each in self.standing if each.kind == kind), None)

    # faults

    def _begin(self, trouble: Trouble, mono: float) -> None:
        self.standing = (*self.standing, trouble)
        self._world.tally.troubles += 1
        self._world.said(f"{self.post.name}: {trouble.kind} begins")
        if trouble.kind == "silent":
            self.line.cut()
        elif trouble.kind == "left":
            self._say_goodbye()
        self._disturbed(mono)

    def _end(self, trouble: Trouble, mono: float) -> None:
        self.standing = tuple(each for each in self.standing if each is not trouble)
        self._world.tally.troubles -= 1
        self._world.said(f"{self.post.name}: {trouble.kind} is over")
        if trouble.kind in GONE and not self._is_gone:
            self._connect(mono)
        self._bring(mono)
        self._disturbed(mono)

    def _disturbed(self, mono: float) -> None:
        """Tells a change at once, and has another crowd come if there is one."""
        self._await_visit(mono)
        self._world.agenda.at(mono + SOON, self._tell)

    # people

    def _await_visit(self, mono: float) -> None:
        """Draws when somebody comes next; whoever was awaited before does not come."""
        self._visits += 1
        times = max([each.crowd for each in self.standing], default=1.0)
        moment = self._world.time.moment(mono)
        comes = days.next_visit(self._crowd.hours, self._crowd.busiest * times, moment, self._dice.expovariate(1))
        self._world.agenda.at(self._world.time.when(comes), partial(self._visit, self._visits))

    def _visit(self, number: int, mono: float) -> None:
        if number != self._visits:
            return
        if not self._away and self._has("journal") is None:
            self._present(mono)
        self._await_visit(mono)

    def _present(self, mono: float) -> None:
        """Somebody shows something: a row, unless it is a repeat or no code of ours."""
        people, chance = self._world.pattern.people, self._dice.random()
        self._world.tally.people += 1
        if chance < people.repeat + people.wrong_code:
            self._count(Outcome.REPEAT if chance < people.repeat else Outcome.WRONG_CODE, mono)
            return
        warns = self._has("warns")
        warned = self._dice.random() < (warns.size if warns is not None else self._crowd.warn)
        visitor = self._world.visitors.draw(self._dice, self.post.commune, warned, self._world.time.moment(mono))
        if visitor is None:
            return
        outcome, reasons = (Outcome.WARN, visitor.reasons) if warned else (Outcome.PASS, ())
        self._look_up(Passage(visitor.who, outcome, reasons, self._way, True), mono)
        if self._crowd.stay_minutes and outcome is not Outcome.WARN:
            stays = self._dice.expovariate(1 / (60 * self._crowd.stay_minutes))
            leaves = self._world.time.moment(mono) + stays
            going = Passage(visitor.who, Outcome.PASS, (), Direction.OUT, True)
            self._world.agenda.at(self._world.time.when(leaves), partial(self._go, going))

    def _go(self, going: Passage, mono: float) -> None:
        if not self._away and self._has("journal") is None:
            self._look_up(going, mono)

    def _look_up(self, passage: Passage, mono: float) -> None:
        """Asks the hub who it is; what was to come of it does when an answer comes in time."""
        if not self.line.connected:
            self._record(_unverified(passage), mono)
            return
        at = self._world.time.wall(mono) + self._off(mono)
        told = partial(self._answered, passage)
        self._inquiries.ask(self.line, passage.who, self.post.kind, at, mono, told)

    def _answered(self, passage: Passage, answer: wire.Answer | None, took: float) -> None:
        mono = self._world.now()
        self._record(
            passage if answer is not None else _unverified(passage), mono, took if answer is not None else None
        )

    def _record(self, passage: Passage, mono: float, lookup: float | None = None) -> None:
        """Records, then signals, then brings."""
        clock, at = self._row_clock(mono), self._world.time.wall(mono) + self._off(mono)
        self.journal.write(passage, self._doorway, clock, at, mono, self._row_dice)
        self._world.tally.rows += 1
        self._count(passage.outcome, mono, passage.direction, lookup)
        self._bring(mono)

    def _count(self, outcome: Outcome, mono: float, way: Direction = Direction.IN, lookup: float | None = None) -> None:
        self._board.count(outcome, lookup)
        told = self._world.tally.outcomes
        told[outcome.value] = told.get(outcome.value, 0) + 1
        self.panel.signal(outcome, way, mono)

    @property
    def _doorway(self) -> Doorway:
        return Doorway(self.post.kind, self._place, self._policy)

    def _off(self, mono: float) -> timedelta:
        """By how much its clock is ahead."""
        wrong = self._has("clock")
        elapsed = (mono - self._world.time.mono) * self._world.time.speed
        return timedelta(seconds=self.post.clock.off(elapsed) + (wrong.size if wrong is not None else 0.0))

    def _row_clock(self, mono: float) -> RowClock:
        is_set = self.post.clock.is_set
        return RowClock("ntp" if is_set else "guess", self.journal.boot, round(mono, 3), 0.02 if is_set else None)

    # the line

    def _connect(self, mono: float) -> None:
        self._waits = False
        if self._is_gone or not self.line.closed:
            return
        self.problem = self.line.connect(wire.encode(self._state(online=False)))
        if self.problem:
            self._connect_again(mono)

    def _connect_again(self, mono: float) -> None:
        """Not at once, ever later, and not all stations at the same moment."""
        if not self._waits:
            self._waits = True
            self._world.agenda.at(mono + self._pause * self._dice.uniform(0.5, 1), self._connect)
            self._pause = min(LONGEST_PAUSE, self._pause * 2)

    def _changed(self, up: bool, problem: str) -> None:
        tally, mono, was = self._world.tally, self._world.now(), self._is_up
        self._is_up, self.problem = up, "" if self._is_gone else problem
        tally.connected += up - was
        if not up:
            tally.lost += was and not self._is_gone
            self._connect_again(mono)
            return
        tally.connects += 1
        self._pause = PAUSE
        self._under_way = float("-inf")
        self.line.publish("state", wire.encode(self._state(online=True)), retain=True)
        for result in self._desk.after_start(self._world.time.wall(mono)):
            self._count_order(result.status)
            self.line.publish("done", wire.encode(result))
        self._told = None
        self._world.agenda.at(mono + SOON, self._tell)
        self._bring(mono)

    def _tend(self, mono: float) -> None:
        self.line.tend()
        self._world.agenda.at(mono + TEND_SECONDS, self._tend)

    def _state(self, *, online: bool) -> wire.State:
        return wire.State(
            station=self.post.name,
            online=online,
            session=self._board.session,
            since=self._world.time.wall(self._board.begun),
            version=self._world.pattern.boards.version,
            policy_version=self._policy,
        )

    # health

    def _tick(self, mono: float) -> None:
        """One message an interval; one whose line flaps loses every second one."""
        self._ticks += 1
        if not (self._ticks % 2 and self._has("late") is not None):
            self._say(self._health(mono), mono)
        self._bring(mono)
        self._world.agenda.at(mono + self._interval, self._tick)

    def _tell(self, mono: float) -> None:
        """A message out of turn when something has changed that is worth telling at once."""
        said = self._health(mono)
        if state_of(said) != self._told:
            self._say(said, mono)

    def _say(self, said: Health, mono: float) -> None:
        if self.line.connected:
            self._told = state_of(said)
            self.line.publish("health", wire.encode(said), qos=0, retain=True)
            self._world.tally.health += 1

    def _health(self, mono: float) -> Health:
        off = self._off(mono)
        oldest = self.journal.oldest(mono)
        journal = JournalFigures(
            backlog=self.journal.backlog,
            oldest=round(oldest, 1) if oldest is not None else None,
            seq=self.journal.seq,
            refused=self.journal.refused,
        )
        at = self._world.time.wall(mono) + off
        return self._board.health(mono, at, journal, self._policy, off.total_seconds(), self.standing)

    @property
    def _policy(self) -> int:
        return max(self._versions.values(), default=0)

    # rows

    def _bring(self, mono: float) -> None:
        """Sends the oldest rows, one batch at a time; again when the hub's word for them does not come."""
        if not self.line.connected or self._has("backlog") is not None or mono < self._under_way:
            return
        batch = self.journal.batch()
        if batch is not None:
            self._under_way = mono + HELD_WITHIN
            self.line.publish("checkins", wire.encode(batch))

    def _heard(self, leaf: str, payload: bytes) -> None:
        mono = self._world.now()
        if leaf == "held":
            self._hold(payload, mono)
        elif leaf == "answer":
            self._inquiries.hear(payload, mono)
        elif leaf == "do":
            for result in self._desk.take(payload, self._world.time.wall(mono), mono):
                self._count_order(result.status)
                self.line.publish("done", wire.encode(result))
        elif leaf.startswith("policy/"):
            self._versions[leaf] = self._world.policies.version(payload) if payload else 0
            self._world.agenda.at(mono + SOON, self._tell)

    def _hold(self, payload: bytes, mono: float) -> None:
        try:
            mark = wire.decode(payload, HeldMark)
        except ValueError:
            return
        let_go = self.journal.hold(mark)
        self._world.tally.held += let_go
        if let_go:
            self._under_way = float("-inf")
            self._bring(mono)

    def _count_order(self, status: str) -> None:
        if status == "in-progress":
            return
        for counts in (self._board.orders, self._world.tally.orders):
            counts[status] = counts.get(status, 0) + 1
        self._world.said(f"{self.post.name}: an order {status}")

    # what orders do

    def move(self, place: str, name: str, direction: Direction | None) -> None:
        """Stands at another place, or where it stood at first."""
        self._place, self._name = (place, name) if place else self._first
        self._way = direction if direction in (Direction.IN, Direction.OUT) else Direction.IN

    def open_door(self, mono: float) -> None:
        """A row, then the door."""
        self.journal.open_door(
            self._doorway, self._row_clock(mono), self._world.time.wall(mono) + self._off(mono), mono
        )
        self._world.tally.rows += 1
        self._bring(mono)

    def start_again(self, seconds: float, mono: float) -> None:
        """Says goodbye and is back after so long, as another session."""
        self._world.agenda.at(mono + SOON, partial(self._down, seconds))

    def _down(self, seconds: float, mono: float) -> None:
        self.leave()
        self._world.agenda.at(mono + seconds, self._up)

    def _up(self, mono: float) -> None:
        self._away = False
        self._board.restart(mono, secrets.token_hex(8))
        self._connect(mono)


def _unverified(passage: Passage) -> Passage:
    """What is recorded when nobody could be asked."""
    reasons = (Reason.HUB_UNREACHABLE,)
    return msgspec.structs.replace(passage, outcome=Outcome.UNVERIFIED, reasons=reasons, online=False)
