"""The mapping file: how one province system is asked, and how its JSON answer becomes a standing.

Read whole at the start: every fault is named by its key, and nothing is asked while one is left.  Where something
lies is a JSON pointer; inside a group it counts from the group's ``record``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from core.model import Scheme
from hub.province.pointers import Pointer

Scalar = str | int | float | bool
Status = Annotated[int, Meta(ge=200, le=599, description="an HTTP status")]


class Request(Struct, frozen=True, forbid_unknown_fields=True):
    """What is sent: ``{value}`` is the number, ``{scheme}`` the system's word for its kind, ``{now}`` the moment."""

    path: Annotated[str, Meta(pattern="^/", description="a path beginning with /")]
    schemes: Annotated[tuple[Scheme, ...], Meta(min_length=1)]
    method: Literal["POST", "PUT", "GET"] = "POST"
    encoding: Literal["json", "form"] = "json"
    headers: dict[str, str] = {}
    body: dict[str, Any] = {}
    words: dict[Scheme, str] = {}
    allow_in_url: bool = False


class Flag(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether a value is one of those listed."""

    at: Pointer
    values: tuple[Scalar, ...] = msgspec.field(name="is")


class Unknown(Struct, frozen=True, forbid_unknown_fields=True):
    """What «nobody is known» looks like: any one of these."""

    status: tuple[Status, ...] = (404,)
    empty: tuple[Pointer, ...] = ()
    flags: tuple[Flag, ...] = ()


class Dates(Struct, frozen=True, forbid_unknown_fields=True):
    """How moments are written unless a place says otherwise."""

    format: str = "rfc3339"
    zone: str = "+07:00"


class Instant(Struct, frozen=True, forbid_unknown_fields=True):
    """A moment written otherwise than the rest."""

    at: Pointer
    format: str = ""
    zone: str = ""


class Person(Struct, frozen=True, forbid_unknown_fields=True):
    """Who was found: ``key`` stays the same whatever number was asked for; ``echo`` repeats the number."""

    key: Pointer
    name: Pointer = ""
    echo: Pointer = ""


class Signs(Struct, frozen=True, forbid_unknown_fields=True):
    """Symptoms or exposures: a list of words (or of objects with one at ``item``), a text, or flags.

    ``words`` gives ours for theirs, an empty text for a word that means none; ``other`` stands for any other word.
    """

    at: Pointer | None = None
    item: Pointer = ""
    separator: str = ","
    words: dict[str, str] = {}
    flags: dict[Pointer, str] = {}
    other: str | None = None


class Unit(Struct, frozen=True, forbid_unknown_fields=True):
    """An administrative unit whose codes differ from the official ones: ours for theirs, others as they are."""

    at: Pointer
    words: dict[str, str] = {}


class Address(Struct, frozen=True, forbid_unknown_fields=True):
    """An area: ``edition`` is ``63``, ``34`` or where it lies; codes are the official ones, numbers are padded."""

    edition: str
    province: Pointer | Unit
    editions: dict[str, Literal["63", "34"]] = {}
    district: Pointer | Unit = ""
    commune: Pointer | Unit = ""
    hamlet: Pointer = ""
    point: Pointer = ""


class Destination(Struct, frozen=True, forbid_unknown_fields=True):
    """Group 1 as that system's own gates recorded it; the later of theirs and ours counts."""

    at: Pointer | Instant
    place: Pointer
    record: Pointer = ""
    leave_out: Flag | None = None
    place_name: Pointer = ""
    places: dict[str, str] = {}
    direction: Pointer = ""
    directions: dict[str, Literal["in", "out"]] = {}


class Health(Struct, frozen=True, forbid_unknown_fields=True):
    """Group 2: the last in-province declaration; of a list, the newest."""

    at: Pointer | Instant
    record: Pointer = ""
    leave_out: Flag | None = None
    symptoms: Signs | None = None
    exposures: Signs | None = None
    paper: Flag | None = None


class Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """Group 3: the last declaration of entry; of a list, the newest."""

    at: Pointer | Instant
    record: Pointer = ""
    leave_out: Flag | None = None
    arrival: Pointer | Instant = ""
    origin: Address | None = None
    destination: Address | None = None
    symptoms: Signs | None = None
    exposures: Signs | None = None


class Mapping(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    request: Request
    person: Person
    unknown: Unknown = Unknown()
    success: Flag | None = None
    dates: Dates = Dates()
    destination: Destination | None = None
    health: Health | None = None
    entry: Entry | None = None
