"""The alarms that stand, as the wall shows them: worded, by kind, the gravest first."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, unquote

import msgspec

from hub.stations.alarms import Alarm
from hub.stations.trouble import WEIGHTS
from hub.web.fleet import wording
from hub.web.fleet.lines import Line, Look
from hub.web.fleet.wording import Words

GRAVITY: dict[str, int] = {
    **{str(kind): weight for kind, weight in WEIGHTS.items()},
    "broker": 110,
    "hub-away": 105,
    "chain-broken": 104,
    "lost-rows": 103,
    "two-stations": 102,
    "silent-group": 95,
    "conflict": 92,
}
"""How grave an alarm of each kind is; those that are not here are the least."""

OTHERS = 40
AT_FIRST = 3
"""So many of one kind are in view; the others open below them."""

_BETWEEN = "|"


class Shown(msgspec.Struct, frozen=True):
    """One alarm with the line of its station, and the number of stations of a group."""

    alarm: Alarm
    line: Line | None
    where: str
    stations: int
    look: Look
    names: dict[str, str] = {}

    @property
    def handle(self) -> str:
        """What a button sends to name it."""
        own = (self.alarm.kind, self.alarm.station, self.alarm.subject)
        return _BETWEEN.join(quote(each, safe="") for each in own)

    def said(self, t: Words) -> str:
        """What is the matter, with the figure of now where its trouble still stands."""
        alarm, line = self.alarm, self.line
        if alarm.kind == "silent-group":
            return t("alarm-silent-group", count=self.stations, of=self.where or t("wall-fleet"))
        for each in line.troubles if line is not None else ():
            if line is not None and (each.kind, each.subject) == (alarm.kind, alarm.subject):
                return wording.said(t, each, line.view, self.look.at)
        subject = f": {alarm.subject}" if alarm.kind == "device" else ""
        return wording.title(t, alarm.kind) + subject

    def detail(self, t: Words) -> str:
        """Which rows, which places, both answers: what no figure of the station's own says."""
        alarm = self.alarm
        if alarm.kind in WEIGHTS or alarm.kind == "silent-group":
            return ""
        return wording.detail(t, alarm.kind, alarm.subject, alarm.facts, self.names, self.look.at) or alarm.detail

    def since(self) -> str:
        """When it began."""
        return wording.clock(self.alarm.first, self.look.at)

    def seen(self) -> str:
        """When somebody acknowledged it."""
        seen = self.alarm.acknowledged
        return wording.clock(seen, self.look.at) if seen is not None else ""


class Group(msgspec.Struct, frozen=True):
    """Alarms of one kind: the first few, and the others."""

    kind: str
    first: tuple[Shown, ...]
    others: tuple[Shown, ...]

    @property
    def count(self) -> int:
        """How many."""
        return len(self.first) + len(self.others)

    @property
    def grave(self) -> bool:
        """Whether people may go unrecorded meanwhile."""
        return GRAVITY.get(self.kind, OTHERS) >= 80  # as a line's red


def grouped(look: Look, alarms: Iterable[Alarm]) -> list[Group]:
    """Alarms by kind; within one those that nobody has acknowledged come first, then the oldest."""
    lines = {line.name: line for line in look.lines}
    names = {line.view.place: line.view.place_name for line in look.lines if line.view.place_name}
    kinds: dict[str, list[Shown]] = {}
    for alarm in sorted(alarms, key=lambda each: (each.acknowledged is not None, each.first, each.station)):
        kinds.setdefault(alarm.kind, []).append(_shown(alarm, look, lines.get(alarm.station), names))
    gravest = sorted(kinds.items(), key=lambda each: (-GRAVITY.get(each[0], OTHERS), each[0]))
    return [Group(kind, tuple(found[:AT_FIRST]), tuple(found[AT_FIRST:])) for kind, found in gravest]


def _shown(alarm: Alarm, look: Look, line: Line | None, names: dict[str, str]) -> Shown:
    level, _, code = alarm.subject.partition("/")
    if alarm.kind != "silent-group":
        return Shown(alarm, line, line.view.place_name if line is not None else "", 1, look, names)
    members = [each for each in look.lines if level == "fleet" or getattr(each.view, level, "") == code]
    called = {each.view.district_name if level == "district" else each.view.place_name for each in members}
    where = "" if level == "fleet" else next(iter(called), code)
    return Shown(alarm, None, where, sum(each.state in ("silent", "late") for each in members), look)


def named(handle: str) -> tuple[str, str, str] | None:
    """Kind, station and subject of what a button sent; None for anything else."""
    parts = [unquote(each) for each in handle.split(_BETWEEN)]
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else None  # as ``handle`` has them
