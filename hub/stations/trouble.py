"""What is wrong with one station, from its last words and the hub's own clock: plain judgement, no clock of its own.

A limit has two sides: a trouble begins at one and ends at the other, so that a figure on the edge does not flicker.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from math import sqrt
from typing import Literal

import msgspec

from core.health import Health

Kind = Literal[
    "journal",
    "silent",
    "unbelieved",
    "blind",
    "device",
    "clock",
    "backlog",
    "power",
    "warns",
    "disk",
    "heat",
    "refused",
    "set-aside",
    "place-conflict",
    "late",
    "certificate",
    "policy",
    "wear",
    "version",
    "missing-range",
]

WEIGHTS: dict[Kind, int] = {
    "journal": 100,
    "silent": 90,
    "unbelieved": 88,
    "blind": 85,
    "device": 80,
    "missing-range": 70,
    "clock": 60,
    "backlog": 55,
    "power": 50,
    "warns": 45,
    "disk": 40,
    "heat": 35,
    "set-aside": 32,
    "refused": 30,
    "place-conflict": 28,
    "late": 25,
    "certificate": 22,
    "policy": 20,
    "wear": 15,
    "version": 10,
}
"""How grave each is, for the order on a wall: first what keeps people from being recorded, last what can wait."""

LATE = timedelta(seconds=45)
"""One message of a station's did not come."""

SILENT = timedelta(seconds=75)
"""Two did not come; with a look every 5 s an alarm stands within 90 s of the last word."""

OFTEN = "often"
"""The subject of a lateness that is a habit; one late message alone is soon over, or silence."""

OFTEN_LATE = 3
"""So many late messages within a quarter of an hour are a line that flaps."""

CLOCK_SECONDS = (5.0, 2.0)
BACKLOG_ROWS = (20, 5)
BACKLOG_SECONDS = (300.0, 60.0)
HEAT = (80.0, 75.0)
DISK_SHARE = (0.05, 0.08)
DISK_BYTES = (200 << 20, 300 << 20)
WEAR = (0.9, 0.85)
CERTIFICATE = timedelta(days=14)
SCANS_AT_LEAST = 20
SIGMAS = (4.0, 2.0)
MORE_WARNS = (0.15, 0.05)
WORN_URGENT = 2


class Rate(msgspec.Struct, frozen=True, gc=False):
    """Presentations of the last quarter of an hour, or a little more, and what is usual at this gate."""

    scans: int = 0
    warns: int = 0
    usual: float = 0.1


class Gap(msgspec.Struct, frozen=True, gc=False):
    """Rows of a journal that are missing at the hub, first to last, though others behind them or their station's word
    say that they were written.
    """

    epoch: str
    first: int
    last: int


class View(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One station as the hub sees it now; moments are the hub's.

    ``heard`` is None when it never spoke; ``ahead`` is by how many seconds its clock is ahead of the hub's;
    ``online`` is what its state said, by its last will if need be; ``backlog_before`` what waited five minutes ago;
    ``lates`` counts late messages of the last quarter of an hour; ``policy`` is the version in force for it and
    ``version`` the newest software in the fleet; ``refused`` says why its last message was dropped, if it was, and
    ``refusals`` how many were since the hub's start; ``direction`` is as ordered; ``gap`` is where rows of it are
    missing.
    """

    station: str
    kind: str = ""
    place: str = ""
    place_name: str = ""
    district: str = ""
    district_name: str = ""
    health: Health | None = None
    heard: datetime | None = None
    ahead: float | None = None
    via: str = ""
    online: bool | None = None
    backlog_before: int = 0
    lates: int = 0
    rate: Rate = Rate()
    policy: int = 0
    version: str = ""
    refused: str = ""
    refusals: int = 0
    direction: str = ""
    gap: Gap | None = None


class Trouble(msgspec.Struct, frozen=True, gc=False):
    """One thing that is wrong; ``value`` is the figure that says so, ``subject`` the device if it is one."""

    kind: Kind
    detail: str
    value: float | None = None
    subject: str = ""

    @property
    def weight(self) -> int:
        """How grave it is."""
        return WEIGHTS[self.kind]


def trouble(view: View, now: datetime, standing: frozenset[Kind] = frozenset()) -> tuple[Trouble, ...]:
    """Everything that is wrong, the gravest first; ``standing`` are the kinds whose trouble has begun already."""
    found = [*_of_silence(view, now), *_of_gap(view)]
    if view.health is not None:
        found += [*_of_gate(view, view.health, standing), *_of_board(view.health, now, standing)]
        found += [*_of_rate(view.rate, standing), *_of_clock(view, standing), *_of_versions(view, view.health)]
    return tuple(sorted(found, key=lambda each: -each.weight))


def rank(view: View, troubles: tuple[Trouble, ...]) -> tuple[int, int, str]:
    """The order on a wall: the gravest trouble, then how much there is, then the name."""
    return -max((each.weight for each in troubles), default=0), -sum(each.weight for each in troubles), view.station


def age(view: View, now: datetime) -> timedelta | None:
    """How long ago it was heard; None when it never was."""
    return None if view.heard is None else now - view.heard


def _over(figure: float, limits: tuple[float, float], *, standing: bool) -> bool:
    return figure > limits[1] if standing else figure >= limits[0]


def _under(figure: float, limits: tuple[float, float], *, standing: bool) -> bool:
    return figure < limits[1] if standing else figure <= limits[0]


def _of_silence(view: View, now: datetime) -> Iterator[Trouble]:
    quiet = age(view, now)
    if quiet is None:
        dropped = f"it speaks, but its messages are dropped: {view.refused}"
        yield Trouble("unbelieved", dropped) if view.refused else Trouble("silent", "was never heard")
        return
    seconds = quiet.total_seconds()
    if quiet > SILENT:
        why = f"; its messages are dropped: {view.refused}" if view.refused else ""
        yield Trouble("silent", f"silent for {spoken(seconds)}{why}", seconds)
    elif quiet > LATE:
        yield Trouble("late", f"late by {spoken(seconds - 30)}", seconds)
    elif view.lates >= OFTEN_LATE:
        yield Trouble("late", f"late {view.lates} times in a quarter of an hour", float(view.lates), OFTEN)


def _of_gap(view: View) -> Iterator[Trouble]:
    if (gap := view.gap) is not None:
        said = f"rows {gap.first} to {gap.last} of journal {gap.epoch} are missing"
        yield Trouble("missing-range", said, float(gap.last - gap.first + 1), gap.epoch)


def _of_gate(view: View, health: Health, standing: frozenset[Kind]) -> Iterator[Trouble]:
    journal, camera = health.journal, health.camera
    if journal.problem:
        yield Trouble("journal", f"cannot record: {journal.problem}")
    for device in health.devices:
        if device.problem:
            yield Trouble("device", f"{device.name}: {device.problem}", subject=device.name)
    if camera is not None and camera.blind:
        yield Trouble("blind", f"the camera sees nothing: {camera.blind}", camera.sharpness, camera.blind)
    if _waits(view, health, standing=standing):
        oldest = f", the oldest for {spoken(journal.oldest)}" if journal.oldest is not None else ""
        yield Trouble("backlog", f"{journal.backlog} rows wait{oldest}", float(journal.backlog))
    if journal.set_aside:
        cure = "station journal export --sealed --file … there, then hub import here"
        yield Trouble("set-aside", f"a damaged journal was set aside on its card; {cure}")
    if journal.refused:
        yield Trouble("refused", f"{journal.refused} of its rows were refused", float(journal.refused))
    if health.place is not None and (again := health.place.conflicts):
        said = f"cut off from other gates of its place, it let {again} people go the same way again"
        yield Trouble("place-conflict", said, float(again))


def _waits(view: View, health: Health, *, standing: frozenset[Kind]) -> bool:
    """Rows pile up: many or old ones, and no fewer than five minutes ago."""
    journal, stands = health.journal, "backlog" in standing
    many = _over(journal.backlog, BACKLOG_ROWS, standing=stands)
    old = journal.backlog > 0 and _over(journal.oldest or 0.0, BACKLOG_SECONDS, standing=stands)
    if stands:
        return many or old
    return (many or old) and journal.backlog >= view.backlog_before


def _of_board(health: Health, now: datetime, standing: frozenset[Kind]) -> Iterator[Trouble]:
    board = health.board
    if board.under_voltage:
        yield Trouble("power", "under-voltage: its power supply or cable is too weak")
    if board.temperature is not None and _over(board.temperature, HEAT, standing="heat" in standing):
        yield Trouble("heat", f"{board.temperature:.0f} °C", board.temperature)
    if board.disk_free is not None and board.disk_total:
        stands, share = "disk" in standing, board.disk_free / board.disk_total
        if _under(share, DISK_SHARE, standing=stands) or _under(board.disk_free, DISK_BYTES, standing=stands):
            yield Trouble("disk", f"{board.disk_free >> 20} MiB free on its card", share)
    worn = board.disk_worn is not None and board.disk_worn >= WORN_URGENT
    if worn or (board.disk_wear is not None and _over(board.disk_wear, WEAR, standing="wear" in standing)):
        yield Trouble("wear", "its card is worn out; change it", board.disk_wear)
    ends = health.versions.certificate_ends
    if ends is not None and ends - now < CERTIFICATE:
        yield Trouble("certificate", f"its certificate ends {ends:%Y-%m-%d}", (ends - now).total_seconds())


def _of_rate(rate: Rate, standing: frozenset[Kind]) -> Iterator[Trouble]:
    """Far more warnings than this gate usually gives: more than chance explains, and enough to matter."""
    if rate.scans < SCANS_AT_LEAST:
        return
    side = 1 if "warns" in standing else 0
    share, usual = rate.warns / rate.scans, min(0.98, max(0.02, rate.usual))
    chance = sqrt(usual * (1 - usual) / rate.scans)
    if share - usual > max(SIGMAS[side] * chance, MORE_WARNS[side]):
        yield Trouble("warns", f"{share:.0%} of {rate.scans} people were warned, usually {rate.usual:.0%}", share)


def _of_clock(view: View, standing: frozenset[Kind]) -> Iterator[Trouble]:
    offset = view.ahead
    if offset is not None and _over(abs(offset), CLOCK_SECONDS, standing="clock" in standing):
        yield Trouble("clock", f"its clock is {spoken(abs(offset))} {'ahead' if offset > 0 else 'behind'}", offset)


def _of_versions(view: View, health: Health) -> Iterator[Trouble]:
    versions = health.versions
    if view.policy and versions.policy < view.policy:
        had = f"holds policy {versions.policy}" if versions.policy else "holds no policy"
        yield Trouble("policy", f"{had}, in force is {view.policy}", float(versions.policy))
    if view.version and release(versions.software) < release(view.version):
        yield Trouble("version", f"runs {versions.software or 'an unknown version'}, the newest is {view.version}")


def release(version: str) -> tuple[int, ...]:
    """A version's numbers, to be compared; what is no number ends them."""
    numbers: list[int] = []
    for part in version.split("."):
        if not (part.isascii() and part.isdigit() and len(part) < 9):
            break
        numbers.append(int(part))
    return tuple(numbers)


def spoken(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
