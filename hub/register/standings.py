"""A person's standing in one indexed statement: three dated groups, as the registry and the gates know them.

Group 1 is the last destination scan before this one.  A scan counts when the person is known to have gone in: a
``pass``, an ``unverified`` (recorded while nobody could be asked), or a ``warn`` after which the guard said
*admitted*.  An undecided ``warn`` does not count, because somebody sent off to declare would be found "already
inside" on coming back.

The statement is put into the database's own words once; a look-up hands these to the driver and reads the bare row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from core.codes.names import mask
from core.model import (
    Area,
    DestinationGroup,
    Direction,
    EntryGroup,
    HealthGroup,
    Standing,
    Subject,
)
from core.wire import Answer, Answers, Ask, Asks
from hub.register.settled import settled
from hub.storage.keyring import Keyring
from hub.storage.store import mended
from hub.storage.tables import declarations, identities, people, places, visits

ASKS_BACK_AT_MOST = timedelta(days=60)
"""A moment further back than this is a clock that was never set, not a question about the past."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_texts = msgspec.json.Decoder(tuple[str, ...])
_areas = msgspec.json.Decoder(Area)


class _Found(NamedTuple):
    """What the statement gives of one person, as the driver has it: moments are microseconds since 1970."""

    digest: bytes
    key: bytes
    name: str
    visit_at: int | None
    place: str
    place_name: str | None
    direction: str
    health_at: int | None
    health_symptoms: str
    health_exposures: str
    health_paper: bool
    entry_at: int | None
    entry_arrival: int | None
    entry_origin: str
    entry_destination: str
    entry_symptoms: str
    entry_exposures: str


def _latest(kind: str, alias: str) -> tuple[sa.FromClause, sa.ColumnElement[bool]]:
    given = declarations.alias(alias)
    inner = declarations.alias(f"{alias}_latest")
    newest = (
        sa.select(inner.c.id)
        .where(inner.c.person == people.c.id, inner.c.kind == kind, inner.c.withdrawn.is_(None), ~inner.c.aside)
        .order_by(inner.c.at.desc())
        .limit(1)
        .correlate(people)
        .scalar_subquery()
    )
    return given, given.c.id == newest


def _last_visit() -> tuple[sa.FromClause, sa.ColumnElement[bool]]:
    inner = visits.alias("before")
    newest = (
        sa.select(inner.c.id)
        .where(
            inner.c.person == people.c.id,
            inner.c.went_in == 1,
            inner.c.at < sa.bindparam("before", type_=sa.BigInteger),
            settled(inner),
        )
        .order_by(inner.c.at.desc())
        .limit(1)
        .correlate(people)
        .scalar_subquery()
    )
    return visits, visits.c.id == newest


def _statement(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    health, is_health = _latest("health", "health")
    entry, is_entry = _latest("entry", "entry")
    visit, is_visit = _last_visit()
    source = (
        identities.join(people, people.c.id == identities.c.person)
        .outerjoin(health, is_health)
        .outerjoin(entry, is_entry)
        .outerjoin(visit, is_visit)
        .outerjoin(places, places.c.code == visits.c.place)
    )
    columns = (
        *(identities.c.digest, people.c.key, people.c.name),
        *(_bare(visits.c.at), visits.c.place, places.c.name, visits.c.direction),
        *(_bare(health.c.at), *_counted(health), health.c.paper),
        *(_bare(entry.c.at), _bare(entry.c.arrival), entry.c.origin, entry.c.destination),
        *_counted(entry),
    )
    named = (column.label(name) for column, name in zip(columns, _Found._fields, strict=True))
    return sa.select(*named).select_from(source).where(which, identities.c.retired.is_(None))


def _counted(declared: sa.FromClause) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    """What the person's declarations say together, kept with the newest where it is more than it says itself."""
    own = declared.c
    return sa.func.coalesce(own.counted_symptoms, own.symptoms), sa.func.coalesce(own.counted_exposures, own.exposures)


def _bare(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.type_coerce(column, sa.BigInteger)


_STANDING = _statement(identities.c.digest == sa.bindparam("digest"))
_STANDINGS = _statement(identities.c.digest.in_(sa.bindparam("digests", expanding=True)))
_OF_PEOPLE = _statement(identities.c.person.between(sa.bindparam("first"), sa.bindparam("last")))


class _Words(NamedTuple):
    """The statement in one database's own words, and what its driver wants in which order or by which name."""

    sql: str
    order: tuple[str, ...] | None
    constants: dict[str, Any]

    def values(self, digest: bytes, before: int) -> dict[str, Any] | tuple[Any, ...]:
        """What the driver is given for one look-up."""
        named = {**self.constants, "digest": digest, "before": before}
        return named if self.order is None else tuple([named[name] for name in self.order])


@lru_cache
def _words(dialect: sa.Dialect) -> _Words:
    compiled = _STANDING.compile(dialect=dialect)
    order = tuple(compiled.positiontup) if compiled.positional and compiled.positiontup else None
    return _Words(str(compiled), order, dict(compiled.params))


class Standings:
    """Answers look-ups on one connection; belongs to one thread."""

    def __init__(self, reader: sa.Connection, ring: Keyring) -> None:
        self._reader = reader
        self._ring = ring
        self._words = _words(reader.dialect)
        self._weather = reader.dialect.loaded_dbapi.Error
        self._cursor: Any = None  # the driver's own, kept as long as it works

    def close(self) -> None:
        """Lets go of the connection."""
        self._reader.close()

    def answer(self, ask: Ask, now: datetime) -> Answer:
        """The standing of the person an ask names, before the moment it speaks of."""
        subject = Subject(ask.who.scheme, ask.who.value)
        return Answer(standing=self.of(subject, moment(ask.at, now), now), hub_time=now)

    def answer_all(self, asks: Asks, now: datetime) -> Answers:
        """The standings of everybody that a batch names, in its order, in one statement."""
        digests = [self._ring.digest(Subject(who.scheme, who.value)) for who in asks.who]
        given = {"digests": digests, "before": _microseconds(moment(asks.at, now))}
        found = map(_Found._make, mended(self._reader).execute(_STANDINGS, given))
        known = {row.digest: _standing(row, now) for row in found}
        return Answers(tuple(known.get(digest) for digest in digests), hub_time=now)

    def of(self, subject: Subject, before: datetime, now: datetime) -> Standing | None:
        """What is known of a person at ``now``, with the last scan before ``before``; None when nobody is known."""
        found = self._ask(self._ring.digest(subject), _microseconds(before))
        return None if found is None else _standing(_Found._make(found), now)

    def _ask(self, digest: bytes, before: int) -> Sequence[Any] | None:
        try:
            if self._cursor is None:
                self._cursor = mended(self._reader).connection.cursor()
            self._cursor.execute(self._words.sql, self._words.values(digest, before))
            found = self._cursor.fetchall()  # to the end, or SQLite would go on reading at this moment
        except self._weather:  # asked again the long way, which tells what is wrong and has a lost line opened again
            self._cursor = None
            return mended(self._reader).execute(_STANDING, {"digest": digest, "before": before}).first()
        return found[0] if found else None


def of_people(reader: sa.Connection, first: int, last: int, now: datetime) -> Iterator[tuple[bytes, Standing]]:
    """The standings at ``now`` of the people numbered ``first`` to ``last``, once for each live identity's digest."""
    given = {"first": first, "last": last, "before": _microseconds(now)}
    for found in map(_Found._make, reader.execute(_OF_PEOPLE, given)):
        yield found.digest, _standing(found, now)


def moment(at: datetime, now: datetime) -> datetime:
    """The moment an ask speaks of: its own, unless that is in the future or before any clock was set."""
    return at if now - ASKS_BACK_AT_MOST < at < now else now


def _standing(found: _Found, now: datetime) -> Standing:
    return Standing(
        person=found.key.hex(),
        as_of=now,
        name_masked=mask(found.name),
        destination=_destination(found),
        health=_health(found),
        entry=_entry(found),
    )


def _destination(found: _Found) -> DestinationGroup | None:
    if found.visit_at is None:
        return None
    return DestinationGroup(_instant(found.visit_at), found.place, found.place_name or "", Direction(found.direction))


def _health(found: _Found) -> HealthGroup | None:
    if found.health_at is None:
        return None
    return HealthGroup(
        at=_instant(found.health_at),
        symptoms=_texts.decode(found.health_symptoms),
        exposures=_texts.decode(found.health_exposures),
        paper=bool(found.health_paper),
    )


def _entry(found: _Found) -> EntryGroup | None:
    if found.entry_at is None:
        return None
    at = _instant(found.entry_at)
    arrival = None if found.entry_arrival is None else _instant(found.entry_arrival)
    return EntryGroup(
        at=at,
        arrival=arrival,
        origin=_areas.decode(found.entry_origin) if found.entry_origin else None,
        destination=_areas.decode(found.entry_destination) if found.entry_destination else None,
        before_return=None if arrival is None else at <= arrival,
        symptoms=_texts.decode(found.entry_symptoms),
        exposures=_texts.decode(found.entry_exposures),
    )


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(microseconds: int) -> datetime:
    return _EPOCH + microseconds * _MICROSECOND
