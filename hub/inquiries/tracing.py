"""Who was where, out of the database: scans read for ``movements``, and what guards did after a warning.

Only people who went in are counted: an undecided or refused warning is listed as what it was and makes no stay.
Scans of a code that nobody has registered yet count as a person of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import sqlalchemy as sa

from core.discreet import Discreet
from core.model import Direction, GateKind
from hub.inquiries import movements
from hub.inquiries.movements import LONGEST, Overlap, Scan, Site, Stay
from hub.province.ties import listed_as
from hub.register.settled import settled
from hub.storage.tables import people, places, visits

_UNKNOWN = "code:"


class Person(Discreet, frozen=True):
    """Somebody in a list; ``key`` and the rest are empty for a code that nobody has registered."""

    secret: ClassVar = frozenset({"name", "born", "phone"})

    who: str
    key: str = ""
    name: str = ""
    born: str = ""
    phone: str = ""


class Presence(Discreet, frozen=True):
    """One person's stay at one place, with the place's name."""

    secret: ClassVar = frozenset({"person"})

    person: Person
    stay: Stay
    place_name: str


class Contact(Discreet, frozen=True):
    """Somebody who was at a place with the person asked for."""

    secret: ClassVar = frozenset({"person"})

    person: Person
    overlap: Overlap
    place_name: str


class Passage(Discreet, frozen=True):
    """One scan as it was recorded; ``went_in``: 1 yes, 0 not known, -1 turned away."""

    secret: ClassVar = frozenset({"person"})

    person: Person
    at: datetime
    place: str
    place_name: str
    direction: str
    outcome: str
    went_in: int


def person_by_key(connection: sa.Connection, key: str) -> int | None:
    """A person's number by their key in hex."""
    try:
        raw = bytes.fromhex(key)
    except ValueError:
        return None
    return connection.scalar(sa.select(people.c.id).where(people.c.key == raw))


def named(connection: sa.Connection, person: int) -> Person:
    """Who a person is."""
    return _people(connection, {str(person)})[str(person)]


def at_place(connection: sa.Connection, place: str, since: datetime, until: datetime, now: datetime) -> list[Presence]:
    """Everybody who was at a place in a window, in the order in which they came."""
    there = sa.and_(visits.c.place == place, visits.c.at >= since - LONGEST, visits.c.at <= until)
    found = movements.during(_stays(connection, there, since, until, now), since, until)
    here = sorted((stay for stay in found if stay.place == place), key=lambda stay: (stay.since, stay.who))
    return _presences(connection, here)


def of_person(
    connection: sa.Connection, person: int, since: datetime, until: datetime, now: datetime
) -> list[Presence]:
    """Where somebody was in a window."""
    own = _stays(connection, visits.c.person == person, since, until, now)
    return _presences(connection, movements.during(own, since, until))


def contacts(
    connection: sa.Connection, person: int, since: datetime, until: datetime, margin: timedelta, now: datetime
) -> list[Contact]:
    """Who was at a place while somebody was, or within ``margin`` of it; longest together first."""
    own = movements.during(_stays(connection, visits.c.person == person, since, until, now), since, until)
    wanted = {stay.place for stay in own}
    there = sa.and_(visits.c.place.in_(wanted), visits.c.at >= since - LONGEST - margin, visits.c.at <= until + margin)
    others = _stays(connection, there, since - margin, until + margin, now) if wanted else ()
    found = movements.overlaps(own, others, margin)
    known = _people(connection, {overlap.other for overlap in found})
    names = _place_names(connection)
    return [Contact(known[one.other], one, names.get(one.place, one.place)) for one in found]


def passages(connection: sa.Connection, chosen: sa.ColumnElement[bool], at_most: int) -> list[Passage]:
    """Scans as they were recorded, newest first, with what the guard did after a warning."""
    wanted = sa.select(visits).where(chosen).order_by(visits.c.at.desc()).limit(at_most)
    rows = [row for row in connection.execute(wanted) if _who(row.person, row.identity)]
    known = _people(connection, {_who(row.person, row.identity) for row in rows})
    names = _place_names(connection)
    return [
        Passage(known[_who(row.person, row.identity)], row.at, row.place, names.get(row.place, row.place), *_said(row))
        for row in rows
    ]


def _said(row: sa.Row[Any]) -> tuple[str, str, int]:
    return row.direction, row.outcome, row.went_in


def doubted(place: str | None, person: int | None, since: datetime, until: datetime) -> sa.ColumnElement[bool]:
    """Scans in a window that ended in a warning, at a place or of a person."""
    within = sa.and_(visits.c.outcome == "warn", visits.c.at >= since, visits.c.at <= until)
    within = within if place is None else sa.and_(within, visits.c.place == place)
    return within if person is None else sa.and_(within, visits.c.person == person)


def occupancy(connection: sa.Connection, place: str, now: datetime) -> int:
    """How many people are at a place now."""
    there = sa.and_(visits.c.place == place, visits.c.at >= now - LONGEST, visits.c.at <= now)
    return movements.inside(_stays(connection, there, now - LONGEST, now, now), place)


def _stays(
    connection: sa.Connection, chosen: sa.ColumnElement[bool], since: datetime, until: datetime, now: datetime
) -> tuple[Stay, ...]:
    """All stays around a window of everybody who has a chosen scan: where they went next ends where they were."""
    known = sa.select(visits.c.person).where(chosen, visits.c.went_in == 1, visits.c.person.is_not(None))
    unknown = sa.select(visits.c.identity).where(chosen, visits.c.went_in == 1, visits.c.person.is_(None))
    around = sa.and_(visits.c.went_in == 1, visits.c.at >= since - LONGEST, visits.c.at <= until + LONGEST)
    columns = sa.select(visits.c.person, visits.c.identity, visits.c.place, visits.c.at, visits.c.direction)
    scans = [
        Scan(_who(row.person, row.identity), row.place, row.at, Direction(row.direction))
        for those in (visits.c.person.in_(known), visits.c.identity.in_(unknown))
        for row in connection.execute(columns.where(around, those, settled(visits)))
    ]
    return movements.stays(scans, _sites(connection), now)


def _who(person: int | None, identity: bytes | None) -> str:
    if person is not None:
        return str(person)
    return _UNKNOWN + identity.hex() if identity is not None else ""


def _sites(connection: sa.Connection) -> dict[str, Site]:
    wanted = sa.select(places.c.code, places.c.hours, places.c.kind)
    passed = GateKind.CHECKPOINT.value
    return {row.code: Site(row.hours, passed=row.kind == passed) for row in connection.execute(wanted)}


def _place_names(connection: sa.Connection) -> dict[str, str]:
    return {row.code: row.name for row in connection.execute(sa.select(places.c.code, places.c.name))}


def _presences(connection: sa.Connection, found: Sequence[Stay]) -> list[Presence]:
    known = _people(connection, {stay.who for stay in found})
    names = _place_names(connection)
    return [Presence(known[stay.who], stay, names.get(stay.place, stay.place)) for stay in found]


def _people(connection: sa.Connection, whos: Iterable[str]) -> dict[str, Person]:
    every = sorted(whos)
    numbers = [int(who) for who in every if not who.startswith(_UNKNOWN)]
    found = {who: Person(who) for who in every}
    columns = (people.c.id, people.c.key, people.c.name, people.c.born, people.c.phone)
    for start in range(0, len(numbers), 500):
        wanted = sa.select(*columns).where(people.c.id.in_(numbers[start : start + 500]))
        for row in connection.execute(wanted):
            found[str(row.id)] = Person(str(row.id), row.key.hex(), listed_as(row.name, row.key), row.born, row.phone)
    return found
