"""For the officer of a ward or commune: who has declared to arrive there, and who passed a checkpoint today."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, ClassVar

import msgspec
import sqlalchemy as sa

from core.discreet import Discreet
from core.model import Area, GateKind
from core.zones import bare, fold
from hub.officials.accounts import Account
from hub.register import areas
from hub.register.settled import settled
from hub.storage.tables import declarations, people, places, visits

_areas = msgspec.json.Decoder(Area)
_texts = msgspec.json.Decoder(tuple[str, ...])


class Arrival(Discreet, frozen=True):
    """One person's newest declaration of entry to one of the officer's communes."""

    secret: ClassVar = frozenset({"name", "born", "phone", "origin"})

    key: str
    name: str
    born: str
    phone: str
    arrival: datetime
    declared: datetime
    origin: Area | None
    destination: Area
    symptoms: tuple[str, ...] = ()
    exposures: tuple[str, ...] = ()


class Hamlet(msgspec.Struct, frozen=True):
    """One hamlet of a commune and who comes to it, soonest first; ``name`` is empty when nobody said which."""

    area: Area
    name: str
    people: tuple[Arrival, ...]


class Passed(Discreet, frozen=True):
    """Somebody of the officer's communes at a checkpoint; ``went_in``: 1 yes, 0 not known, -1 turned away."""

    secret: ClassVar = frozenset({"name", "destination"})

    key: str
    name: str
    at: datetime
    place_name: str
    direction: str
    outcome: str
    went_in: int
    destination: Area


def declared(connection: sa.Connection, account: Account, since: datetime, until: datetime) -> list[Hamlet]:
    """Who says they arrive in a window, hamlet by hamlet; of several declarations of one person the newest counts."""
    return _by_hamlet(_arrivals(connection.execute(declared_in(account, since, until)), account))


def declared_in(account: Account, since: datetime, until: datetime) -> sa.Select[Any]:
    """Everybody's newest declaration of entry, if it leads to the officer's communes within a window."""
    entry, later = declarations.c, declarations.alias("later")
    newer = sa.exists().where(
        later.c.person == entry.person,
        later.c.kind == "entry",
        later.c.withdrawn.is_(None),
        ~later.c.aside,
        later.c.at > entry.at,
    )
    return (
        sa.select(declarations, people.c.key, people.c.name, people.c.born, people.c.phone.label("own_phone"))
        .join_from(declarations, people, people.c.id == entry.person)
        .where(entry.heads.in_(_reach(account)), entry.arrival >= since, entry.arrival <= until)
        .where(entry.kind == "entry", entry.withdrawn.is_(None), ~entry.aside, ~newer)
    )


def _reach(account: Account) -> list[str]:
    """Every code that an address of the officer's communes can have; a few more across the merger, left out later."""
    return sorted({code for commune in account.communes for code in areas.reach(commune)})


def _arrivals(rows: Iterable[sa.Row[Any]], account: Account) -> Iterator[Arrival]:
    for row in rows:
        destination = _areas.decode(row.destination) if row.destination else None
        if destination is None or not account.answers_for(destination):
            continue
        yield Arrival(
            *(row.key.hex(), row.name, row.born, row.own_phone, row.arrival, row.at),
            origin=_areas.decode(row.origin) if row.origin else None,
            destination=destination,
            symptoms=_texts.decode(row.counted_symptoms or row.symptoms),
            exposures=_texts.decode(row.counted_exposures or row.exposures),
        )


def _by_hamlet(found: Iterable[Arrival]) -> list[Hamlet]:
    def place(one: Arrival) -> tuple[str, str, str]:
        return (one.destination.edition, one.destination.commune, bare(one.destination.hamlet))

    ordered = sorted(found, key=lambda one: (*place(one), one.arrival, one.name))
    hamlets = []
    for _, group in groupby(ordered, key=place):
        own = tuple(group)
        first = own[0].destination
        hamlets.append(Hamlet(msgspec.structs.replace(first, hamlet="", point=""), _spelling(own), own))
    return hamlets


def _spelling(own: tuple[Arrival, ...]) -> str:
    """The hamlet as most people's marks have it: the longest in bytes is the one with its marks."""
    spelt = {fold(one.destination.hamlet): one.destination.hamlet.strip() for one in own}
    return max(spelt.values(), key=lambda text: (len(text.encode()), text))


def passed(connection: sa.Connection, account: Account, since: datetime, until: datetime) -> list[Passed]:
    """Who was scanned at a checkpoint in a window and is on the way to, or lives in, one of the officer's communes."""
    reach = _reach(account)
    checkpoints = sa.select(places.c.code).where(places.c.kind == GateKind.CHECKPOINT.value)
    going = sa.select(declarations.c.person).where(declarations.c.heads.in_(reach), declarations.c.kind == "entry")
    newest = (
        sa.select(declarations.c.destination)
        .where(declarations.c.person == people.c.id, declarations.c.kind == "entry", declarations.c.withdrawn.is_(None))
        .where(~declarations.c.aside)
        .order_by(declarations.c.at.desc())
        .limit(1)
        .correlate(people)
        .scalar_subquery()
    )
    wanted = (
        sa.select(visits, people.c.key, people.c.name, people.c.address, places.c.name.label("place_name"))
        .add_columns(newest.label("going_to"))
        .join_from(visits, people, people.c.id == visits.c.person)
        .join(places, places.c.code == visits.c.place)
        .where(visits.c.place.in_(checkpoints), visits.c.at >= since, visits.c.at <= until, settled(visits))
        .where(sa.or_(people.c.home.in_(reach), people.c.id.in_(going)))
        .order_by(visits.c.at.desc())
    )
    return [seen for row in connection.execute(wanted) if (seen := _passed(row, account)) is not None]


def _passed(row: sa.Row[Any], account: Account) -> Passed | None:
    given = [_areas.decode(text) for text in (row.going_to, row.address) if text]
    own = next((area for area in given if account.answers_for(area)), None)
    if own is None:
        return None
    told = (row.key.hex(), row.name, row.at, row.place_name, row.direction, row.outcome, row.went_in)
    return Passed(*told, destination=own)
