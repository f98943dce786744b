"""The fleet as it is now, in the hub's memory: every station's last health, when it came, and what it is to be held
against.

Stations are judged by the hub's own clock.  A message that was played again, or is dated in the future, is not
believed; the station that sent it is told of under ``refused``.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from core.health import Health
from core.shown import LOOKED_ON, Face
from core.wire import State
from hub.health import hours
from hub.health.common import Common
from hub.journals.messages import BadMessage
from hub.register import areas
from hub.stations.fleet import Gate
from hub.stations.trouble import LATE, Gap, Rate, View, release

Via = Literal["mqtt", "http"]

FUTURE = timedelta(days=1)
"""How far ahead a station's clock may be: further ahead than any time zone somebody set it to."""

SAMPLES = 5
"""Of so many differences of the clocks the greatest is believed: on its way a message only grows old."""

SESSIONS_KEPT = 8

BEGAN_APART = 5.0
"""Seconds by which two sessions' beginnings must differ to be told apart: clocks are corrected while they run."""

SURE = ("ntp", "hub")
"""Sources of a clock by which beginnings are compared; one that merely guesses may be years behind after a start."""

BACKLOG_WINDOW = timedelta(minutes=5)
RATE_WINDOW = timedelta(minutes=15)
FORGETS = 0.98
"""How much of the usual rate is left after each window: half of it after eight hours with scans."""

LEARNS = 0.25
"""By how much of what is known one window may change it: a crowd of one evening is not what is usual."""

USUAL = (20.0, 2.0)
"""What is taken for usual before a gate has shown what is: scans, and warnings among them."""

JUDGED = ("pass", "warn", "unverified")


NONE: dict[str, int] = {}
"""Shared by all stations that have had one session only: never written into."""


class Counted:
    """What a station's counters stood at, of one session."""

    __slots__ = ("scans", "session", "warns")

    def __init__(self, health: Health | None = None) -> None:
        self.session = health.session if health is not None else ""
        self.scans = sum(health.outcomes.get(each, 0) for each in JUDGED) if health is not None else 0
        self.warns = health.outcomes.get("warn", 0) if health is not None else 0


class Kept(NamedTuple):
    """What a hub had kept of one station: its newest message, when that came, and the sessions before it."""

    health: Health
    heard: datetime
    ahead: float | None
    via: Via
    former: Mapping[str, int]
    hour: hours.Marks = b""


class Member:
    """One station; changed under the fleet's lock only."""

    __slots__ = (
        "ahead",
        "backlog_at",
        "backlog_before",
        "former",
        "gap",
        "gate",
        "health",
        "heard",
        "hour",
        "lates",
        "marked",
        "marked_at",
        "messages",
        "online",
        "rate",
        "refusals",
        "refused",
        "samples",
        "session",
        "usual",
        "via",
    )

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.health: Health | None = None
        self.heard: datetime | None = None
        self.via: Via | Literal[""] = ""
        self.online: bool | None = None
        self.session = ""
        self.samples: tuple[float, ...] = ()
        self.ahead: float | None = None
        self.former: dict[str, int] = NONE  # of each session before this one, the last number, the newest last
        self.refused = ""
        self.refusals = 0
        self.gap: Gap | None = None
        self.messages = 0
        self.lates = 0
        self.backlog_before = 0
        self.backlog_at: datetime | None = None
        self.rate = (0, 0)
        self.usual = USUAL
        self.hour: hours.Marks = b""
        self.marked = Counted()
        self.marked_at: datetime | None = None

    def take(self, health: Health, now: datetime, *, fresh: bool, via: Via) -> None:
        """Puts a message that is believed in the last one's place."""
        before = self.health
        if before is not None and before.session != health.session:
            self.former = {session: number for session, number in self.former.items() if session != health.session}
        self._roll(health, now)
        self.hour = hours.marked(self.hour, before, health, now)
        self.health, self.via, self.refused = health, via, ""
        if before is not None:
            self.remember({before.session: before.number})
        if not fresh:
            return
        if self.heard is not None and now - self.heard > LATE:
            self.lates += 1
        self.heard, self.messages = now, self.messages + 1
        self.samples = (*self.samples, (health.at - now).total_seconds())[-SAMPLES:]
        self.ahead = round(max(self.samples), 3)

    def check(self, health: Health, now: datetime) -> None:
        """``BadMessage`` for a message that this station cannot have meant now."""
        if health.at > now + FUTURE:
            raise BadMessage("dated in the future")
        last = self.health
        if last is not None and last.session == health.session:
            if health.number <= last.number:
                raise BadMessage("played again")
        elif last is not None and self._is_over(health, last):
            raise BadMessage("of a session that is over")

    def remember(self, former: Mapping[str, int]) -> None:
        """Notes sessions that came before the one held, and the last number of each."""
        held = self.health.session if self.health is not None else ""
        fresh = {session: number for session, number in former.items() if session != held}
        if not fresh:
            return
        most = {session: max(number, self.former.get(session, 0)) for session, number in fresh.items()}
        every = {session: number for session, number in self.former.items() if session not in most} | most
        self.former = dict(list(every.items())[-SESSIONS_KEPT:])

    def _is_over(self, health: Health, last: Health) -> bool:
        """Whether a message of another session than the one held is an old one.

        By sure clocks the session that began earlier is.  Else it is one that says nothing new: who goes on counting
        where nobody had counted before is alive, whatever was played again in between.
        """
        if health.clock.source in SURE and last.clock.source in SURE:
            later = _began(health) - _began(last)
            if abs(later) > BEGAN_APART:
                return later < 0
        return health.number <= self.former.get(health.session, 0)

    def _roll(self, health: Health, now: datetime) -> None:
        """Begins new windows when the old ones are over: what waited then, and what is usual at this gate."""
        if self.backlog_at is None or now - self.backlog_at >= BACKLOG_WINDOW:
            self.backlog_before = self.health.journal.backlog if self.health is not None else health.journal.backlog
            self.backlog_at = now
        if self.marked_at is None or now - self.marked_at >= RATE_WINDOW:
            scans, warns = self.rate = self._since_mark(self.health)
            part = min(1.0, LEARNS * self.usual[0] / scans) if scans else 0.0
            self.usual = (self.usual[0] * FORGETS + part * scans, self.usual[1] * FORGETS + part * warns)
            self.marked = Counted(self.health if self.health is not None else health)
            self.marked_at, self.lates = now, 0

    def _since_mark(self, health: Health | None) -> tuple[int, int]:
        if health is None or self.marked_at is None:
            return 0, 0
        now = Counted(health)
        if now.session != self.marked.session:
            return now.scans, now.warns
        return now.scans - self.marked.scans, now.warns - self.marked.warns

    def view(self, policy: int, version: str) -> View:
        """How it stands."""
        gate = self.gate
        scans, warns = self._since_mark(self.health)
        return View(
            station=gate.name,
            kind=gate.kind.value,
            place=gate.place,
            place_name=gate.place_name,
            district=sys.intern(f"{gate.edition}/{gate.district}") if gate.district else "",
            district_name=district_name(gate),
            health=self.health,
            heard=self.heard,
            ahead=self.ahead,
            via=self.via,
            online=self.online,
            backlog_before=self.backlog_before,
            lates=self.lates,
            rate=Rate(scans + self.rate[0], warns + self.rate[1], self.usual[1] / self.usual[0]),
            policy=policy,
            version=version,
            refused=self.refused,
            refusals=self.refusals,
            direction=gate.direction,
            gap=self.gap,
        )


class Fleet:
    """Every station's last words; any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: dict[str, Member] = {}
        self._common = Common()
        self._faces: dict[str, Face] = {}
        self._looked_on: dict[str, list[float]] = {}
        self.listeners: list[Callable[[str], None]] = []
        """Each hears the name of a station that said something new, in the thread that took it in: be brief."""

    def know(self, gates: Iterable[Gate]) -> None:
        """Takes in who the stations are; one that is gone is forgotten."""
        with self._lock:
            before = self._members
            self._members = {}
            for gate in gates:
                member = before.get(gate.name) or Member(gate)
                member.gate = gate
                self._members[gate.name] = member

    def take(self, health: Health, now: datetime, *, fresh: bool = True, via: Via = "mqtt") -> None:
        """Takes a message in that came at ``now``; ``BadMessage`` when it is not believed.

        Not ``fresh``: the broker remembered it, which says nothing about when the station was last heard.
        """
        with self._lock:
            member = self._members.get(health.station)
            if member is None:
                raise BadMessage("of a station nobody registered")
            if not fresh and member.health is not None and member.health.number >= health.number:
                return
            member.check(health, now)
            member.take(self._common.thinned(health, member.gate.name), now, fresh=fresh, via=via)
        self._tell(health.station)

    def refuse(self, station: str, why: str) -> None:
        """Counts a dropped message of this station's; why it was dropped is noted until the next that is believed."""
        with self._lock:
            if (member := self._members.get(station)) is not None:
                member.refused = why or member.refused
                member.refusals += 1

    def miss(self, gaps: Mapping[str, Gap]) -> None:
        """Takes in which stations' rows have a gap now; those of all others have none."""
        with self._lock:
            for name, member in self._members.items():
                member.gap = gaps.get(name)

    def hear(self, state: State) -> None:
        """Takes in what a station, or its last will, says of being there; a will speaks only for its own session."""
        with self._lock:
            member = self._members.get(state.station)
            if member is None or (not state.online and member.session not in ("", state.session)):
                return
            member.online, member.session = state.online, state.session
        self._tell(state.station)

    def restore(self, station: str, kept: Kept) -> None:
        """Takes in what a hub kept, unless something newer is known: at the start, and from another hub beside."""
        with self._lock:
            member = self._members.get(station)
            if member is None:
                return
            if member.heard is None or member.heard < kept.heard:
                health = self._common.thinned(kept.health, member.gate.name)
                member.take(health, kept.heard, fresh=False, via=kept.via)
                member.heard, member.ahead, member.hour = kept.heard, kept.ahead, kept.hour or member.hour
            member.remember(kept.former)

    def see(self, face: Face) -> None:
        """Takes in what a station shows; only of those that somebody looks on is it kept."""
        with self._lock:
            if face.station in self._looked_on:
                self._faces[face.station] = face

    def face(self, station: str) -> Face | None:
        """What a station showed last, while somebody looks on."""
        return self._faces.get(station)

    def look_on(self, station: str) -> None:
        """Somebody has this station's page open: for a minute from now on it is to show itself."""
        with self._lock:
            told = self._looked_on.get(station, [0.0, float("-inf")])[1]
            self._looked_on[station] = [time.monotonic() + LOOKED_ON, told]

    def watched(self) -> list[str]:
        """Stations that are to be told now that somebody looks on: at once, and again well before they forget."""
        now, due = time.monotonic(), []
        with self._lock:
            for station, (until, told) in list(self._looked_on.items()):
                if now >= until:
                    del self._looked_on[station]
                    self._faces.pop(station, None)
                elif now - told > LOOKED_ON / 3:
                    self._looked_on[station][1] = now
                    due.append(station)
        return due

    def hour(self, station: str, now: datetime) -> hours.Hour | None:
        """How long things took at a station within the last hour; None when it was never heard."""
        member = self._members.get(station)
        return None if member is None or member.health is None else hours.hour(member.hour, member.health, now)

    def views(self, policy: Callable[[Gate], int]) -> tuple[View, ...]:
        """Every station as it stands; ``policy`` gives the version in force for one."""
        with self._lock:
            members = tuple(self._members.values())
            said = (each.health.versions.software for each in members if each.health is not None)
            newest = max(said, key=release, default="")
            return tuple(each.view(policy(each.gate), newest) for each in members)

    def members(self) -> tuple[Member, ...]:
        """The stations, to be looked at only."""
        with self._lock:
            return tuple(self._members.values())

    def _tell(self, station: str) -> None:
        for listener in self.listeners:
            listener(station)


def _began(health: Health) -> float:
    return health.at.timestamp() - health.up


def district_name(gate: Gate) -> str:
    """What people call the district of a gate, or an empty text."""
    unit = areas.find(gate.edition, gate.district) if gate.district else None
    return unit.name if unit is not None else ""
