"""The fleet's one loop: thousands of lines on one selector, whatever is due, and what has come of it so far."""

from __future__ import annotations

import resource
import selectors
from collections.abc import Callable, Iterator, Mapping

import msgspec

from hub.errors import Unavailable
from hub.register.people import PlaceRecord
from hub.simulation.founding import Founded
from hub.simulation.line import Broker
from hub.simulation.plan import Plan, Post
from hub.simulation.station import Station
from hub.simulation.world import World

TURN_SECONDS = 0.2
ACTIONS_A_TURN = 500
GOODBYE_SECONDS = 10.0
PROGRESS_SECONDS = 5.0
SPARE_FILES = 100


class Summary(msgspec.Struct, frozen=True):
    """What came of a run; ``waiting`` rows the hub did not yet hold, ``memory`` and ``processor`` are the fleet's own.

    Of the look-ups ``asked`` those ``answered`` came in time; by ``unknown`` of them the hub knew nobody.
    ``memory`` is MiB at its highest, ``processor`` seconds; ``seconds`` is how long it ran.
    """

    stations: int
    connects: int
    lost: int
    people: int
    rows: int
    held: int
    waiting: int
    asked: int
    answered: int
    unknown: int
    health: int
    outcomes: Mapping[str, int]
    orders: Mapping[str, int]
    seconds: float
    processor: float
    memory: float


class Fleet:
    """Every station of a plan on a broker; ``run`` returns when it is told to stop."""

    def __init__(self, world: World, plan: Plan, founded: Founded, broker: Broker) -> None:
        _allow_files(len(plan.posts) + SPARE_FILES)
        self._world = world
        self._selector = selectors.DefaultSelector()
        places = {place.code: place for place in plan.places}
        self.stations = tuple(self._station(post, places[post.place], founded, broker) for post in plan.posts)

    def _station(self, post: Post, place: PlaceRecord, founded: Founded, broker: Broker) -> Station:
        district = f"district/{place.area.edition}/{place.area.district}"
        scopes = ("all", f"kind/{post.kind.value}", district, f"station/{post.name}")
        token = founded.tokens[post.name]
        return Station(self._world, post, place.name, token, scopes, self._selector, broker)

    def run(self, ended: Callable[[float], bool], up: Callable[[], None], told: Callable[[str], None]) -> None:
        """Runs until ``ended``; ``up`` is called once all are connected, ``told`` hears how it goes now and then."""
        mono, is_up = self._world.time.mono, False
        gap = 1 / self._world.pattern.boards.connect_a_second
        for number, station in enumerate(self.stations):
            self._world.agenda.at(mono + number * gap, station.start)
        next_word = mono + PROGRESS_SECONDS
        while not ended(mono):
            mono = self._turn()
            if not is_up and self._world.tally.connects >= len(self.stations):
                is_up = True
                up()
            if mono >= next_word:
                next_word = mono + PROGRESS_SECONDS
                told(self.said())
        self._say_goodbye()

    def _turn(self) -> float:
        agenda = self._world.agenda
        for key, events in self._selector.select(agenda.wait(self._world.now(), TURN_SECONDS)):
            key.data.attend(events)
        mono = self._world.now()
        agenda.run(mono, ACTIONS_A_TURN)
        return mono

    def _say_goodbye(self) -> None:
        until = self._world.now() + GOODBYE_SECONDS
        for station in self.stations:
            station.leave()
        while self._world.now() < until and not all(station.line.closed for station in self.stations):
            for key, events in self._selector.select(TURN_SECONDS):
                key.data.attend(events)
        self._selector.close()

    @property
    def waiting(self) -> int:
        """How many rows the hub does not hold yet."""
        return sum(station.journal.backlog for station in self.stations)

    def problems(self) -> Iterator[str]:
        """Why stations have no line, each reason once."""
        yield from dict.fromkeys(station.problem for station in self.stations if station.problem)

    def said(self) -> str:
        """How it goes, in a line."""
        tally = self._world.tally
        parts = [
            f"{tally.connected} of {len(self.stations)} stations connected",
            f"{tally.people} people came",
            f"{tally.held} rows held, {self.waiting} waiting",
            f"{tally.answered} of {tally.asked} look-ups answered",
            f"{tally.health} health messages",
            f"{tally.troubles} faults stand",
        ]
        return ", ".join([*parts, *([f"lines fail: {why}"] if (why := next(self.problems(), "")) else [])])

    def summary(self, mono: float) -> Summary:
        """What came of it."""
        tally, used = self._world.tally, resource.getrusage(resource.RUSAGE_SELF)
        return Summary(
            stations=len(self.stations),
            connects=tally.connects,
            lost=tally.lost,
            people=tally.people,
            rows=tally.rows,
            held=tally.held,
            waiting=self.waiting,
            asked=tally.asked,
            answered=tally.answered,
            unknown=tally.unknown,
            health=tally.health,
            outcomes=tally.outcomes,
            orders=tally.orders,
            seconds=round(mono - self._world.time.mono, 1),
            processor=round(used.ru_utime + used.ru_stime, 1),
            memory=round(used.ru_maxrss / 1024, 1),
        )


def _allow_files(wanted: int) -> None:
    """Lets this process hold a socket a station; ``Unavailable`` when the system does not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in (-1, resource.RLIM_INFINITY) and hard < wanted:
        raise Unavailable(f"this many stations need {wanted} open files and {hard} are allowed; raise `ulimit -Hn`")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
