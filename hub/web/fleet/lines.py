"""The wall's lines: each station as it stands by the hub's own clock, the gravest trouble first."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Literal, cast

import msgspec

from core.health import Health
from hub.centre import Centre
from hub.health import health_history
from hub.stations import alarms
from hub.stations.alarms import Alarm
from hub.stations.trouble import LATE, SILENT, Kind, Trouble, View, trouble
from hub.web.fleet import figures, wording
from hub.web.fleet.figures import Figures, Lately
from hub.web.fleet.wording import Words

State = Literal["online", "late", "silent", "left", "never"]

SINCE = ("left", "late", "silent")
"""States beside which stands when the station was heard last."""

SHARED_SECONDS = 1.0
"""Several readers within this see the same look."""

SCANS_SECONDS = 30.0
SCANS_SINCE = timedelta(minutes=3)
_MOST = 9_999


class Line(msgspec.Struct, frozen=True, gc=False):
    """One station; ``scans`` are those of its last whole minute, None when it was not heard in it."""

    view: View
    troubles: tuple[Trouble, ...]
    state: State
    scans: int | None
    at: datetime
    lately: Lately = Lately()

    @property
    def name(self) -> str:
        """The station's."""
        return self.view.station

    @property
    def health(self) -> Health | None:
        """What it last said."""
        return self.view.health

    @property
    def rank(self) -> str:
        """Sorts as text: the gravest first, then how much there is, then the name; last who was never heard."""
        if not self.troubled and self.state == "never":
            return f"{_MOST}{_MOST} {self.name}"
        gravest = max((each.weight for each in self.troubles), default=0)
        whole = sum(each.weight for each in self.troubles)
        return f"{_MOST - 1 - gravest:04}{_MOST - 1 - whole:04} {self.name}"

    @property
    def gravest(self) -> int:
        """How grave its worst trouble is."""
        return max((each.weight for each in self.troubles), default=0) if self.troubled else 0

    @property
    def quiet(self) -> float | None:
        """Seconds since it was heard; None when it never was."""
        return None if self.view.heard is None else round((self.at - self.view.heard).total_seconds(), 3)

    @property
    def troubled(self) -> bool:
        """Whether somebody should look: a box still in its carton is nobody's trouble."""
        return bool(self.troubles) and (self.state != "never" or bool(self.view.refused))

    @property
    def grave(self) -> str:
        """A colour's name: red keeps people from being recorded, amber needs a person, green needs none."""
        gravest = max((each.weight for each in self.troubles), default=0)
        if self.state == "never" and not self.troubled:
            return "none"
        return "red" if gravest >= 80 else "amber" if gravest else "green"  # trouble.WEIGHTS

    @property
    def key(self) -> str:
        """Differs when the line must be drawn anew: what it shows, in no language, and nothing that it does not show.

        A message that changes no figure by as much as is shown changes nothing here.
        """
        view, since = self.view, self.since() if self.state in SINCE else ""
        where = (view.kind, view.place, view.place_name, view.district, view.district_name)
        shown = (self.figures(_unworded), self.lately)
        return "\0".join(map(str, (self.rank, self.state, since, self.scans, *where, *self.said(_unworded), *shown)))

    def figures(self, t: Words) -> Figures:
        """The figures of its last message as the columns have them."""
        return figures.figures(t, self.health, self.view.ahead)

    def said(self, t: Words) -> list[str]:
        """Its troubles in words."""
        return [wording.said(t, each, self.view, self.at) for each in self.troubles]

    def since(self) -> str:
        """When it was last heard."""
        return wording.clock(self.view.heard, self.at) if self.view.heard is not None else ""

    def oldest(self, t: Words) -> str:
        """For how long the oldest row waits."""
        return figures.oldest(t, self.health)

    def ahead(self, t: Words) -> str:
        """How far its clock is off, with a sign."""
        return figures.off(t, self.view.ahead)


def _unworded(key: str, **values: object) -> str:
    """Stands for words in any language."""
    return f"{key} {values}"


class Look(msgspec.Struct, frozen=True):
    """The wall at one moment."""

    at: datetime
    lines: tuple[Line, ...]
    alarms: tuple[Alarm, ...]

    def sums(self) -> dict[str, int]:
        """How many stations stand how."""
        counted = Counter(each.state for each in self.lines)
        states = {state: counted[state] for state in ("online", "late", "silent", "left", "never")}
        return {"all": len(self.lines), "troubled": sum(each.troubled for each in self.lines), **states}

    def named(self, station: str) -> Line | None:
        """A station's line."""
        return next((each for each in self.lines if each.name == station), None)


class Board:
    """Looks at the fleet for every page of the wall's; any thread may call."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._lock = threading.Lock()
        self._look: Look | None = None
        self._looked = 0.0
        self._scans: dict[str, int] = {}
        self._counted = -SCANS_SECONDS
        self._lately: dict[str, tuple[Health, Lately]] = {}

    def look(self, *, fresh: bool = False) -> Look:
        """The wall now, or as it was within the last second."""
        with self._lock:
            if fresh or self._look is None or time.monotonic() - self._looked > SHARED_SECONDS:
                self._look, self._looked = self._judge(datetime.now(UTC)), time.monotonic()
            return self._look

    def dropped(self) -> dict[str, int]:
        """How many messages were dropped, by why, since the hub's start."""
        return self._centre.tally.counts()

    def _judge(self, now: datetime) -> Look:
        with self._centre.store.reading() as connection:
            standing = tuple(alarms.listed(connection, standing=True))
            if time.monotonic() - self._counted > SCANS_SECONDS:
                self._scans = health_history.scans(connection, now - SCANS_SINCE)
                self._counted = time.monotonic()
        self._centre.fleet.know(self._centre.tokens.all)
        views = self._centre.fleet.views(self._centre.version_for)
        return Look(now, lines(views, standing, self._scans, now, self._lasted(views, now)), standing)

    def _lasted(self, views: Iterable[View], now: datetime) -> dict[str, Lately]:
        """How long things took at each station; those that have said nothing new are as they were."""
        before, self._lately = self._lately, {}
        for view in views:
            if view.health is None:
                continue
            known = before.get(view.station)
            if known is None or known[0] is not view.health:
                known = view.health, figures.lately(self._centre.fleet.hour(view.station, now))
            self._lately[view.station] = known
        return {name: drawn for name, (_, drawn) in self._lately.items()}


NOTHING = Lately()


def lines(
    views: Iterable[View],
    standing: Iterable[Alarm],
    scans: Mapping[str, int],
    now: datetime,
    lately: Mapping[str, Lately] = MappingProxyType({}),
) -> tuple[Line, ...]:
    """Every station, sorted; a trouble whose alarm stands ends at the limit's other side."""
    stands: dict[str, set[str]] = {}
    for alarm in standing:
        stands.setdefault(alarm.station, set()).add(alarm.kind)
    found = []
    for view in views:
        begun = frozenset(cast(Kind, kind) for kind in stands.get(view.station, ()))
        troubles = trouble(view, now, begun)
        name = view.station
        found.append(Line(view, troubles, state(view, now), scans.get(name), now, lately.get(name, NOTHING)))
    return tuple(sorted(found, key=lambda each: each.rank))


def state(view: View, now: datetime) -> State:
    """Whether it is there, by the hub's clock; one that said goodbye has left until it is late."""
    if view.heard is None:
        return "never"
    quiet = now - view.heard
    if quiet > SILENT:
        return "silent"
    if view.online is False:
        return "left"
    return "late" if quiet > LATE else "online"
