"""What ``hub simulate --crowd pattern.toml`` is told: who comes when, how clocks run, and what goes wrong when.

Every key has a default, an unknown one is an error, and all faults of a file are named at once, each with its cure.
``pattern.example.toml`` beside this file explains every key.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec
from msgspec import Meta

from core.model import GateKind
from hub.config import misspelt
from hub.errors import ConfigError, MissingFile

EXAMPLE = Path(__file__).with_name("pattern.example.toml")
"""The pattern that is used when none is named."""

FaultKind = Literal[
    "silent",
    "left",
    "late",
    "backlog",
    "blind",
    "device",
    "journal",
    "clock",
    "power",
    "disk",
    "heat",
    "warns",
    "wear",
    "certificate",
    "version",
    "policy",
]

SIZES: dict[str, tuple[float, str]] = {
    "clock": (420.0, "seconds that it is ahead, negative for behind"),
    "disk": (0.02, "the share of the card that is free, 0 to 1"),
    "heat": (86.0, "degrees Celsius"),
    "warns": (0.7, "the share of people who are warned, 0 to 1"),
    "wear": (0.95, "the share of its life that the card has lived, 0 to 1"),
    "certificate": (3.0, "days until its certificate ends"),
}
"""The kinds of fault that have a size, with the usual one and what it means."""

_SHARES = ("disk", "warns", "wear")

HOWS: dict[str, tuple[str, ...]] = {
    "blind": ("covered", "dark", "white", "unsharp"),
    "device": ("display", "camera", "lamp", "buzzer", "relay", "scanner"),
}
"""The kinds of fault that come in several ways, the usual one first."""

_DURATION = re.compile(r"([0-9]{1,7})([smhd]?)")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}

Share = Annotated[float, Meta(ge=0, le=1)]
HourMinute = Annotated[str, Meta(pattern="^(now|([01][0-9]|2[0-3]):[0-5][0-9])$", description="now, or HH:MM")]
Duration = Annotated[str, Meta(pattern="^[0-9]{1,7}[smhd]?$", description="a duration such as 20s, 5m or 1h")]
Hours = Annotated[tuple[Share, ...], Meta(min_length=24, max_length=24)]

DAYTIME = (0, 0, 0, 0, 0, 0.2, 0.5, 0.8, 1, 0.9, 0.8, 0.8, 0.5, 0.5, 0.7, 0.8, 0.9, 1, 0.8, 0.5, 0.3, 0.1, 0, 0)


class Day(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hour of the simulated day at which everything begins, in Vietnam; ``now`` is that of the clock."""

    begins: HourMinute = "now"


class People(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many people there are in all, and how often a showing is no row: a repeat, or a code of another kind."""

    count: Annotated[int, Meta(ge=30, le=4_000)] = 600
    repeat: Share = 0.03
    wrong_code: Share = 0.02


class Clocks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far stations' clocks are off (milliseconds, one sigma), how they drift, and how many nobody has set."""

    off_ms: Annotated[float, Meta(ge=0, le=60_000)] = 40.0
    drift_ppm: Annotated[float, Meta(ge=0, le=1_000)] = 12.0
    guess: Share = 0.0


class Boards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the boards run, how often they tell their health, and how many connect a second at the start."""

    version: Annotated[str, Meta(min_length=1, max_length=64)] = "0.1.0"
    health_seconds: Annotated[float, Meta(ge=1, le=300)] = 30.0
    connect_a_second: Annotated[int, Meta(ge=1, le=2_000)] = 200


class Crowd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of place: its share of all stations, how many stand at one place, and how people come.

    ``busiest`` is people an hour at one station in its busiest hour, ``hours`` the share of that in each of the 24
    hours; ``stay_minutes`` how long people stay inside (0: nobody is scanned on leaving); ``warn`` the share warned.
    """

    share: Share = 0.0
    stations_a_place: Annotated[int, Meta(ge=1, le=20)] = 2
    busiest: Annotated[float, Meta(ge=0, le=3_600)] = 30.0
    hours: Hours = DAYTIME
    stay_minutes: Annotated[float, Meta(ge=0, le=1_440)] = 0.0
    warn: Share = 0.05


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that goes wrong ``after`` the start for so long as it ``lasts``, by the clock on the wall.

    It is at the ``stations`` named, or at ``count`` of a kind of place (``at``; empty: of any) that chance picks.
    ``crowd`` is how many times as many people come meanwhile.
    """

    kind: FaultKind
    after: Duration = "0s"
    lasts: Duration = ""
    stations: tuple[str, ...] = ()
    count: Annotated[int, Meta(ge=1, le=10_000)] = 1
    at: GateKind | None = None
    size: float | None = None
    how: str = ""
    crowd: Annotated[float, Meta(ge=0, le=1_000)] = 1.0

    @property
    def begins(self) -> float:
        """Seconds after the start."""
        return seconds(self.after)

    @property
    def ends(self) -> float:
        """Seconds after the start; infinite when it lasts until the end."""
        return self.begins + seconds(self.lasts) if self.lasts else float("inf")


_USUAL = {GateKind.VENUE: Crowd(share=1.0, stay_minutes=40)}


class Pattern(msgspec.Struct, frozen=True):
    """A whole pattern; ``crowds`` by kind of place."""

    day: Day = Day()
    people: People = People()
    clocks: Clocks = Clocks()
    boards: Boards = Boards()
    crowds: Mapping[GateKind, Crowd] = msgspec.field(default_factory=lambda: _USUAL)
    faults: tuple[Fault, ...] = ()


Form = TypeVar("Form", bound=msgspec.Struct)
_SECTIONS: dict[str, type[msgspec.Struct]] = {"day": Day, "people": People, "clocks": Clocks, "boards": Boards}


def seconds(text: str) -> float:
    """The seconds of a duration such as ``20s``, ``5m``, ``1h``; seconds without a unit."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration; write one like 20s, 5m or 1h")
    return int(found[1]) * _UNITS[found[2] or "s"]


def load(path: Path) -> Pattern:
    """The pattern of a file; ``ConfigError`` names every fault, ``MissingFile`` when it cannot be read."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise MissingFile(f"{path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from error
    pattern, faults = parse(given)
    if faults:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))
    return pattern


def parse(given: Mapping[str, Any]) -> tuple[Pattern, list[str]]:
    """The pattern and every fault found; it counts only when there is none."""
    found: list[str] = []
    known = [*_SECTIONS, "crowd", "fault"]
    found += [misspelt(key, known, "") for key in given if key not in known]
    sections = {name: _form(given.get(name, {}), kind, f"{name}.", found) for name, kind in _SECTIONS.items()}
    crowds = _crowds(given.get("crowd", {}), found) if "crowd" in given else _USUAL
    several = given.get("fault", [])
    if not isinstance(several, list):
        found.append("fault: write [[fault]], with two brackets: there may be several")
        several = []
    faults = [_form(each, Fault, f"fault {number}: ", found) for number, each in enumerate(several, 1)]
    for number, fault in enumerate(faults, 1):
        found += [f"fault {number}: {said}" for said in _of_fault(fault)] if fault is not None else []
    whole = {name: form for name, form in sections.items() if form is not None}
    return Pattern(**whole, crowds=crowds, faults=tuple(filter(None, faults))), found  # type: ignore[arg-type]


def _crowds(given: object, found: list[str]) -> Mapping[GateKind, Crowd]:
    kinds = [kind.value for kind in GateKind]
    if not isinstance(given, dict):
        found.append(f"crowd: write a section for each kind of place, such as [crowd.{kinds[0]}]")
        return {}
    found += [misspelt(key, kinds, "crowd.") for key in given if key not in kinds]
    forms = {GateKind(key): _form(given[key], Crowd, f"crowd.{key}.", found) for key in given if key in kinds}
    crowds = {kind: form for kind, form in forms.items() if form is not None}
    whole = sum(crowd.share for crowd in crowds.values())
    if len(crowds) == len(given) and abs(whole - 1) > 0.001:
        found.append(f"crowd.*.share: together they are {whole:g}; they must be 1")
    return crowds


def _form(given: object, kind: type[Form], prefix: str, found: list[str]) -> Form | None:
    if not isinstance(given, dict):
        found.append(f"{prefix.rstrip('.: ')}: must be a section")
        return None
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    begun, good = len(found), {}
    for key, value in given.items():
        if key not in fields:
            found.append(misspelt(key, list(fields), prefix))
            continue
        try:
            good[key] = msgspec.convert(value, fields[key].type)
        except msgspec.ValidationError as error:
            found.append(f"{prefix}{key}: {_said(error, fields[key].type)}")
    found += [f"{prefix}{key}: is needed" for key, field in fields.items() if field.required and key not in given]
    return kind(**good) if len(found) == begun else None


def _said(error: msgspec.ValidationError, kind: object) -> str:
    """In words that say what to write, where the error alone would show a pattern."""
    notes = [note.description for note in get_args(kind)[1:] if isinstance(note, Meta) and note.description]
    if notes and "matching regex" in str(error):
        return f"write {notes[0]}"
    choices = get_args(kind) if str(error).startswith("Invalid enum value") else ()
    names = [one for one in choices if isinstance(one, str)]
    return f"{error}; one of {', '.join(names)}" if names else str(error)


def _of_fault(fault: Fault) -> Iterator[str]:
    """What a fault says that does not go together."""
    if fault.size is not None and fault.kind not in SIZES:
        yield f"size: a fault of the kind {fault.kind} has none; leave it out"
    elif fault.size is not None and fault.kind in _SHARES and not 0 <= fault.size <= 1:
        yield f"size: {SIZES[fault.kind][1]}"
    ways = HOWS.get(fault.kind, ())
    if fault.how and not ways:
        yield f"how: a fault of the kind {fault.kind} comes in one way only; leave it out"
    elif fault.how and fault.how not in ways:
        yield f"how: {fault.how!r} is none; one of {', '.join(ways)}"
    if fault.stations and fault.count != 1:
        yield "count: the stations are named already; leave one of the two out"
    if fault.stations and fault.at is not None:
        yield "at: the stations are named already; leave one of the two out"
