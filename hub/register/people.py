"""What ``hub import`` reads: people, their codes and declarations, places and policies, as one JSON file.

Nothing is imported while anything in the file is wrong; every fault is named by file, record and field, and never
with the value itself, which could be somebody's number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from core import wire
from core.codes import identity
from core.model import Area, DeclarationKind, Direction, GateKind, Moment, Reason, Scheme, Subject
from core.rules import Policy
from hub.errors import DataError, MissingFile
from hub.register import bounds, hours

FAULTS_AT_MOST = 50

Ref = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Born = Annotated[str, msgspec.Meta(pattern="^([0-9]{4}(-[0-9]{2}-[0-9]{2})?)?$")]
PersonKey = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{32})?$")]


def _certificate(value: str) -> identity.Found:
    return Subject(Scheme.CERTIFICATE, value) if re.fullmatch("[0-9a-f]{64}", value) else identity.certificate(value)


def _token(value: str) -> identity.Found:
    return identity.token(value.encode())


def _person(value: str) -> identity.Found:
    return Subject(Scheme.PERSON, value) if re.fullmatch("[0-9a-f]{32}", value) else None


_SPELT: dict[Scheme, Callable[[str], identity.Found]] = {
    Scheme.CITIZEN: identity.document,
    Scheme.CMND: identity.document,
    Scheme.PASSPORT: identity.document,
    Scheme.INSURANCE: identity.insurance,
    Scheme.NATIONAL: identity.national,
    Scheme.CERTIFICATE: _certificate,
    Scheme.TOKEN: _token,
    Scheme.PERSON: _person,
}


class IdentityRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One code or number of a person."""

    scheme: Scheme
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]

    @property
    def subject(self) -> Subject:
        """The same in the core's one spelling; ``ValueError`` says why it is nobody's."""
        found = _SPELT[self.scheme](self.value)
        if found is Reason.PLACEHOLDER_NUMBER:
            raise ValueError("a placeholder number is never a key; leave the identity out")
        if not isinstance(found, Subject):
            raise ValueError(f"not a whole {self.scheme.value}")
        if found.scheme is not self.scheme:
            raise ValueError(f"looks like a {found.scheme.value}, not a {self.scheme.value}")
        return found


class FormDetails(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rest of the declaration form: what no verdict needs and officers read."""

    transport: str = ""
    vehicle: str = ""
    seat: str = ""
    places_been: str = ""  # in the last 14 days
    declared_by: str = ""  # ref of the relative whose phone it was
    taken_by: str = ""  # paper: the official who typed it in
    address: str = ""
    name: str = ""  # as this form has it, when it came through the pages
    for_another: bool = False


class DeclarationRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One declaration; ``arrival``, ``origin`` and ``destination`` belong to entry."""

    kind: DeclarationKind
    at: Moment
    symptoms: tuple[str, ...] = ()
    exposures: tuple[str, ...] = ()
    paper: bool = False
    arrival: Moment | None = None
    origin: Area | None = None
    destination: Area | None = None
    details: FormDetails = FormDetails()


class VisitRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A destination scan that no station of ours recorded: another system's, or a person's own scan of a place code."""

    at: Moment
    place: str
    direction: Direction = Direction.IN


class PersonRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One person; found again by ``ref``, else by any of the identities."""

    ref: Ref
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    key: PersonKey = ""  # the hub draws one when empty
    born: Born = ""
    sex: Literal["", "male", "female"] = ""
    nationality: Annotated[str, msgspec.Meta(max_length=8)] = "VN"
    phone: Annotated[str, msgspec.Meta(max_length=24)] = ""
    address: Area | None = None
    guardian: str = ""  # ref of who declares for them
    identities: tuple[IdentityRecord, ...] = ()
    declarations: tuple[DeclarationRecord, ...] = ()
    visits: tuple[VisitRecord, ...] = ()


class PlaceRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A registered venue, checkpoint or health post."""

    code: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    kind: GateKind
    area: Area
    address: str = ""
    hours: str = ""
    capacity: Annotated[int, msgspec.Meta(ge=0)] | None = None
    contact: str = ""
    latitude: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None

    def __post_init__(self) -> None:
        """Refuses hours that nobody could close the place by."""
        if hours.spell(self.hours) is None:
            raise ValueError("hours: opening and closing time such as 05:00-20:00, or empty when it never closes")


class PeopleFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A whole file, checked."""

    places: tuple[PlaceRecord, ...] = ()
    people: tuple[PersonRecord, ...] = ()
    policies: tuple[Policy, ...] = ()


class _Rough(msgspec.Struct, forbid_unknown_fields=True):
    places: list[msgspec.Raw] = []
    people: list[msgspec.Raw] = []
    policies: list[msgspec.Raw] = []


Record = TypeVar("Record")


def read(path: Path) -> PeopleFile:
    """The file's records; ``DataError`` lists every fault, ``MissingFile`` when it cannot be read."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise MissingFile(f"{path}: {error.strerror or error}") from error
    return parse(raw, str(path))


def parse(raw: bytes, name: str) -> PeopleFile:
    """The records in the bytes of a file called ``name``; ``DataError`` lists every fault."""
    try:
        rough = wire.decode(raw, _Rough)
    except ValueError as error:
        raise DataError([f"{name}: {_without_values(error)}"]) from error
    faults: list[str] = []
    file = PeopleFile(
        places=_decode(rough.places, PlaceRecord, f"{name}: places", faults),
        people=_decode(rough.people, PersonRecord, f"{name}: people", faults),
        policies=_decode(rough.policies, Policy, f"{name}: policies", faults),
    )
    faults += [f"{name}: {fault}" for fault in (*_out_of_bounds(file), *_contradictions(file))]
    if faults:
        more = len(faults) - FAULTS_AT_MOST
        raise DataError(faults[:FAULTS_AT_MOST] + ([f"{name}: and {more} more"] if more > 0 else []))
    return file


def _decode(raws: list[msgspec.Raw], kind: type[Record], where: str, faults: list[str]) -> tuple[Record, ...]:
    records = []
    for number, raw in enumerate(raws):
        try:
            records.append(wire.decode(raw, kind))
        except ValueError as error:
            faults.append(f"{where}[{number}]: {_without_values(error)}")
    return tuple(records)


def _without_values(error: ValueError) -> str:
    return re.sub(r"(?<=value )'.*?'(?= -|$)", "given", str(error), flags=re.DOTALL)


def _out_of_bounds(file: PeopleFile) -> Iterator[str]:
    """What records hold that could not be written into every database."""
    every: dict[str, tuple[PlaceRecord | PersonRecord | Policy, ...]] = {
        "places": file.places,
        "people": file.people,
        "policies": file.policies,
    }
    for part, records in every.items():
        for number, record in enumerate(records):
            yield from bounds.faults(record, f"{part}[{number}]", known_as(record))


def known_as(record: PlaceRecord | PersonRecord | Policy) -> str:
    """How a record is found in the file by hand: its code, ref or version; empty where that could be a number."""
    if isinstance(record, PersonRecord):
        return f" (ref {record.ref})" if record.ref.isprintable() and not re.search("[0-9]{8}", record.ref) else ""
    return f" (version {record.version})" if isinstance(record, Policy) else f" (code {record.code.strip()})"


def _contradictions(file: PeopleFile) -> list[str]:
    refs: dict[str, int] = {}
    owners: dict[Subject, int] = {}
    faults = []
    for number, person in enumerate(file.people):
        if refs.setdefault(person.ref, number) != number:
            faults.append(f"people[{number}].ref: the same as people[{refs[person.ref]}]'s")
        for index, record in enumerate(person.identities):
            where = f"people[{number}].identities[{index}].value"
            try:
                subject = record.subject
            except ValueError as error:
                faults.append(f"{where}: {error}")
                continue
            if (owner := owners.setdefault(subject, number)) != number:
                faults.append(f"{where}: already people[{owner}]'s")
    return faults + [
        f"people[{number}].guardian: no person in this file has that ref"
        for number, person in enumerate(file.people)
        if person.guardian and person.guardian not in refs
    ]
