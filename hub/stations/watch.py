"""When the fleet's troubles become alarms and when they are over: a step every few seconds, its clock a parameter.

One alarm a matter.  A trouble must stand for a while before it is told, and be gone for a while before it is over.
When a whole place, a district or everything falls silent at once, that is one alarm and not one a station.  What
nobody could hear, because the hub or its broker was away, is nobody's silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Literal, cast

import msgspec

from hub.stations.trouble import LATE, SILENT, Kind, Trouble, View, trouble

MatterKind = Kind | Literal["silent-group", "broker", "hub-away"]

ZONE = timezone(timedelta(hours=7))
"""Vietnam's, for the times in sentences."""

AWAY = timedelta(seconds=60)
"""Longer than this between two steps, and nobody watched."""

BROKER_PATIENCE = timedelta(seconds=15)

PATIENCE: dict[Kind, timedelta] = {
    "device": timedelta(seconds=20),
    "missing-range": timedelta(minutes=3),
    "clock": timedelta(seconds=60),
    "backlog": timedelta(seconds=60),
    "power": timedelta(seconds=5),
    "disk": timedelta(seconds=60),
    "heat": timedelta(seconds=60),
    "policy": timedelta(minutes=5),
    "version": timedelta(hours=24),
}
"""How long a trouble stands before it is told; those not named are told at once, for a limit waited already."""

CALM = timedelta(seconds=45)
"""How long a trouble must be gone before it is over: longer than one message."""

GROUPS: tuple[tuple[Literal["fleet", "district", "place"], int], ...] = (("fleet", 5), ("district", 3), ("place", 2))
"""What falls silent together, the widest first, and of how many stations at least."""

TOGETHER = 0.8
APART = 0.5
"""The share of a group's stations that must be quiet for it to begin, and below which it is over."""


class Matter(msgspec.Struct, frozen=True):
    """One thing somebody must look at; ``station`` is empty when it is of several, ``since`` by the hub's clock.

    ``facts`` are the parts of ``detail``, to be worded in another language.
    """

    kind: MatterKind
    station: str
    subject: str
    since: datetime
    detail: str
    stations: int = 1
    facts: dict[str, str] = {}

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same matter when it is told again."""
        return self.kind, self.station, self.subject


class Change(msgspec.Struct, frozen=True):
    """A matter that began (``over`` False), was said anew, or ended."""

    at: datetime
    matter: Matter
    over: bool = False


class _Group(msgspec.Struct):
    matter: Matter
    members: set[str]


class Watch:
    """The state between two steps; one thread steps.

    ``standing`` are the matters that stood when a hub last looked, ``looked`` when that was.
    """

    def __init__(self, standing: Iterable[Matter] = (), looked: datetime | None = None) -> None:
        self._standing: dict[tuple[str, str, str], Matter] = {each.key: each for each in standing}
        self._since: dict[tuple[str, Kind, str], datetime] = {}
        self._gone: dict[tuple[str, str, str], datetime] = {}
        self._groups: dict[str, _Group] = {}
        self._looked = looked
        self._began: datetime | None = None
        self._judged_from: dict[str, datetime] = {}
        self._pardoned: dict[str, datetime] = {}
        self._deaf_since: datetime | None = None
        self._heard: dict[str, datetime] = {}

    @property
    def standing(self) -> tuple[Matter, ...]:
        """Everything that is not over."""
        return tuple(self._standing.values())

    def step(self, now: datetime, views: Sequence[View], *, listening: bool = True) -> tuple[Change, ...]:
        """What began and what ended until ``now``; ``listening`` is whether the hub's line to the broker stands."""
        changes = [*self._of_hub(now, listening=listening)]
        self._heard = {view.station: view.heard for view in views if view.heard is not None}
        if self._deaf_since is None:
            changes += self._of_old_groups(_quiet([self._seen(view, now) for view in views], now), now)
        judged = [self._seen(view, now) for view in views]
        known = {view.station for view in views}
        told = {view.station: self._troubles(view, now) for view in judged}
        silent = {name for name, troubles in told.items() if any(each.kind == "silent" for each in troubles)}
        if self._deaf_since is not None:
            deaf = {view.station for view in judged if view.via != "http"}
            silent -= deaf
            told = {name: () if name in deaf else troubles for name, troubles in told.items()}
            known -= deaf
        changes += self._of_groups(judged, silent, now)
        covered = {name for group in self._groups.values() for name in group.members}
        for name in sorted(told):
            troubles = [each for each in told[name] if not (each.kind == "silent" and name in covered)]
            changes += self._of_station(name, troubles, now)
        changes += self._over(now, told, known, covered)
        return tuple(changes)

    # the hub itself

    def _of_hub(self, now: datetime, *, listening: bool) -> Iterator[Change]:
        before, self._looked = self._looked, now
        if self._began is None:
            self._began = now
            self._judged_from = dict.fromkeys(("mqtt", "http", ""), now)
        if before is not None and (now - before > AWAY or now < before):
            self._judged_from = dict.fromkeys(("mqtt", "http", ""), now)
            self._since.clear()
            away = f"nobody watched the fleet from {_clock(before)} to {_clock(now)}: the hub was away"
            yield self._begin(Matter("hub-away", "", "hub", before, away), now)
        elif ("hub-away", "", "hub") in self._standing and now - self._judged_from.get("", now) > SILENT:
            yield self._end(("hub-away", "", "hub"), now)
        yield from self._of_broker(now, listening=listening)

    def _of_broker(self, now: datetime, *, listening: bool) -> Iterator[Change]:
        key = ("broker", "", "hub")
        if listening:
            if self._deaf_since is not None:
                self._deaf_since = None
                self._judged_from = {**self._judged_from, "mqtt": now, "": now}
            if key in self._standing:
                yield self._end(key, now)
            return
        self._deaf_since = self._deaf_since or now
        if now - self._deaf_since >= BROKER_PATIENCE and key not in self._standing:
            since = self._deaf_since
            detail = f"the hub has not reached the broker since {_clock(since)}: no station is heard over MQTT"
            yield self._begin(Matter("broker", "", "hub", since, detail), now)

    def _seen(self, view: View, now: datetime) -> View:
        """A station as it may be judged: one that could not be heard is given its time, unless it was silent before."""
        if view.heard is None or ("silent", view.station, "") in self._standing:
            return view
        given = (self._judged_from.get(view.via), self._pardoned.get(view.station))
        return msgspec.structs.replace(view, heard=max([view.heard, *filter(None, given)]))

    # one station

    def _troubles(self, view: View, now: datetime) -> tuple[Trouble, ...]:
        stands = frozenset(cast(Kind, kind) for kind, station, _ in self._standing if station == view.station)
        found = trouble(view, now, stands)
        if view.heard is None:  # on the wall it shows, but nobody is called for a box still in its carton
            return tuple(each for each in found if each.kind in ("unbelieved", "missing-range"))
        quiet = now - view.heard > SILENT
        # Last words of a silent station say nothing of now: what stood then goes on standing, nothing new is told but
        # what the hub knows by itself.
        known = {"silent", "missing-range", *stands}
        return tuple(each for each in found if not quiet or each.kind in known)

    def _of_station(self, station: str, troubles: Iterable[Trouble], now: datetime) -> Iterator[Change]:
        for each in troubles:
            if each.kind == "late" and not each.subject:
                continue  # it is over or silent soon enough
            key = (each.kind, station, each.subject)
            self._gone.pop(key, None)
            if key in self._standing:
                continue
            begun = self._since.setdefault((station, each.kind, each.subject), now)
            if now - begun >= PATIENCE.get(each.kind, timedelta()):
                since = self._heard.get(station, begun) if each.kind == "silent" else begun
                facts = {"value": repr(each.value)} if each.value is not None else {}
                yield self._begin(Matter(each.kind, station, each.subject, since, each.detail, facts=facts), now)

    def _over(
        self, now: datetime, told: dict[str, tuple[Trouble, ...]], known: set[str], covered: set[str]
    ) -> Iterator[Change]:
        """Ends what is gone for long enough, and forgets what had only begun."""
        still = {(name, each.kind, each.subject) for name, troubles in told.items() for each in troubles}
        self._since = {key: since for key, since in self._since.items() if key in still or key[0] not in known}
        for key, matter in tuple(self._standing.items()):
            kind, station, subject = key
            if not station or (station, kind, subject) in still:
                continue
            if station not in known and station in told:
                continue  # nobody can hear it now
            if station not in told:
                yield self._end(key, now)  # the station is gone from the register
            elif now - self._gone.setdefault(key, now) >= CALM or (matter.kind == "silent" and station in covered):
                yield self._end(key, now)

    # several at once

    def _of_groups(self, views: Sequence[View], silent: set[str], now: datetime) -> Iterator[Change]:
        if self._deaf_since is not None:
            return
        heard = [view for view in views if view.heard is not None]
        quiet = _quiet(heard, now)
        alone = {station for kind, station, _ in self._standing if kind == "silent"}
        free = [view for view in heard if view.station not in alone]
        for level, least in GROUPS:
            for subject, members in _together(free, level).items():
                out = [view for view in members if view.station in quiet]
                if len(out) < max(least, TOGETHER * len(members)) or not any(view.station in silent for view in out):
                    continue
                fresh = {view.station for view in out}
                if any(fresh <= group.members for group in self._groups.values()):
                    continue
                yield from self._gather(level, subject, out, now)

    def _gather(self, level: str, subject: str, out: list[View], now: datetime) -> Iterator[Change]:
        """Begins a group, or has it grow; narrower ones within it end in it."""
        names = {view.station for view in out}
        for other in [key for key, group in self._groups.items() if key != subject and group.members <= names]:
            yield self._end(self._groups.pop(other).matter.key, now)
        since = min(self._heard[name] for name in names)
        detail = f"{len(out)} stations{_of(level, out[0])} silent since {_clock(since)}"
        facts = {"count": str(len(out)), "of": _of(level, out[0]).removeprefix(" of ") if level != "fleet" else ""}
        matter = Matter("silent-group", "", subject, since, detail, len(out), facts)
        self._groups[subject] = _Group(matter, names)
        yield self._begin(matter, now)

    def _of_old_groups(self, quiet: set[str], now: datetime) -> Iterator[Change]:
        """Ends groups most of whose stations are heard again; each of the others is given its time, then an alarm."""
        for subject, group in tuple(self._groups.items()):
            left = group.members & quiet
            if len(left) < max(2, APART * len(group.members)):
                del self._groups[subject]
                self._pardoned |= dict.fromkeys(left, now)  # they may be on their way back with the others
                yield self._end(group.matter.key, now)
        for key in [key for key in self._standing if key[0] == "silent-group" and key[2] not in self._groups]:
            if now - self._gone.setdefault(key, now) >= CALM:
                yield self._end(key, now)  # stood when this hub began, and did not form again

    # what stands

    def _begin(self, matter: Matter, now: datetime) -> Change:
        self._standing[matter.key] = matter
        self._gone.pop(matter.key, None)
        return Change(now, matter)

    def _end(self, key: tuple[str, str, str], now: datetime) -> Change:
        self._gone.pop(key, None)
        return Change(now, self._standing.pop(key), over=True)


def _quiet(views: Iterable[View], now: datetime) -> set[str]:
    return {view.station for view in views if view.heard is not None and now - view.heard > LATE}


def _together(views: Iterable[View], level: str) -> dict[str, list[View]]:
    """Stations by what they share, under the name that a group's alarm goes by."""
    names: dict[str, Callable[[View], str]] = {
        "fleet": lambda _: "all",
        "district": lambda view: view.district,
        "place": lambda view: view.place,
    }
    found: dict[str, list[View]] = {}
    for view in views:
        if shared := names[level](view):
            found.setdefault(f"{level}/{shared}", []).append(view)
    return found


def _of(level: str, view: View) -> str:
    names = {"fleet": "", "district": view.district_name or view.district, "place": view.place_name or view.place}
    return f" of {names[level]}" if names[level] else " (nearly all)"


def _clock(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%H:%M}"
