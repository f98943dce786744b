"""People, their codes and declarations, and places: written here, found again through ``standings``."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from core import phones
from core.model import Area, Scheme, Subject
from hub.errors import DataError
from hub.register import areas, hours, naming, voices
from hub.register.people import DeclarationRecord, PeopleFile, PersonRecord, PlaceRecord, VisitRecord, known_as
from hub.storage import singly
from hub.storage.keyring import Keyring
from hub.storage.store import Insert, Store, insert
from hub.storage.tables import declarations, identities, people, places, visits

PEOPLE_A_TRANSACTION = 500


@dataclass
class Imported:
    """How much of a file was new."""

    places: int = 0
    people: int = 0
    identities: int = 0
    declarations: int = 0
    visits: int = 0
    policies: int = 0


def import_people(
    store: Store, ring: Keyring, file: PeopleFile, progress: Callable[[int, int], None] = lambda done, all: None
) -> Imported:
    """Brings in a checked file's places and people; importing it again changes nothing.

    Raises ``DataError`` when a record's codes already belong to two people.  Runs in steps of a few hundred people,
    so that gates keep being answered meanwhile; after a failure, import the mended file again.
    """
    count = Imported()
    _check_owners(store, ring, file.people)
    with store.writing() as connection:
        for number, place in enumerate(file.places):
            with _naming(f"places[{number}]{known_as(place)}"):
                count.places += put_place(connection, place)
    for start in range(0, len(file.people), PEOPLE_A_TRANSACTION):
        chunk = file.people[start : start + PEOPLE_A_TRANSACTION]
        with store.writing() as connection:
            for number, person in enumerate(chunk, start):
                with _naming(f"people[{number}]{known_as(person)}"):
                    _put_counting(connection, ring, person, number, count)
        progress(start + len(chunk), len(file.people))
    _tie_guardians(store, file.people)
    return count


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Has a record that a database cannot keep, though nobody had thought of that, end the import by its name."""
    try:
        yield
    except singly.UNKEPT as error:
        told = (
            f"{where}: holds what the database cannot keep ({singly.cause(error)}); mend it and import the file again"
        )
        raise DataError([told]) from error


def _check_owners(store: Store, ring: Keyring, records: Sequence[PersonRecord]) -> None:
    """``DataError`` names every record whose codes are two people's, before any is written."""
    faults = []
    with store.reading() as connection:
        for start in range(0, len(records), PEOPLE_A_TRANSACTION):
            few = records[start : start + PEOPLE_A_TRANSACTION]
            owners = _owners(connection, [name for record in few for name in _names(ring, record)])
            for number, record in enumerate(few, start):
                found = {owners[name] for name in _names(ring, record) if name in owners}
                if len(found) > 1:
                    faults.append(_two_people(f"people[{number}]{known_as(record)}", len(found)))
    if faults:
        raise DataError(faults)


def _two_people(where: str, count: int) -> str:
    return f"{where}: these codes already belong to {count} different people"


def _put_counting(connection: sa.Connection, ring: Keyring, record: PersonRecord, number: int, count: Imported) -> None:
    person, is_new = put_person(connection, ring, record, f"people[{number}]")
    count.people += is_new
    for identity in record.identities:
        count.identities += add_identity(connection, ring, person, identity.subject)
    for declaration in record.declarations:
        count.declarations += declare(connection, person, declaration)
    if record.declarations and not is_new:
        voices.weigh(connection, person)
    for visit in record.visits:
        count.visits += visited(connection, person, visit)


def put_place(connection: sa.Connection, record: PlaceRecord) -> bool:
    """Adds or corrects a place; says whether it is new."""
    values = {
        "code": record.code,
        "name": record.name,
        "kind": record.kind.value,
        "edition": record.area.edition,
        "province": record.area.province,
        "district": record.area.district,
        "commune": record.area.commune,
        "hamlet": record.area.hamlet,
        "address": record.address,
        "hours": hours.spell(record.hours) or "",
        "capacity": record.capacity,
        "contact": record.contact,
        "latitude": record.latitude,
        "longitude": record.longitude,
    }
    is_new = connection.scalar(sa.select(places.c.code).where(places.c.code == record.code)) is None
    statement = insert(connection, places).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["code"], set_=values))
    return is_new


def put_person(connection: sa.Connection, ring: Keyring, record: PersonRecord, where: str) -> tuple[int, bool]:
    """Adds or corrects a person and gives ``(id, is new)``; ``DataError`` when the codes are two people's."""
    values = {
        "ref": record.ref,
        "name": record.name,
        "born": record.born,
        "sex": record.sex,
        "nationality": record.nationality,
        "phone": phones.kept(record.phone),
        "address": _area(record.address),
        "folded": naming.fold(record.name),
        "home": areas.lowest(record.address),
    }
    found = _find(connection, ring, record)
    if len(found) > 1:
        raise DataError([_two_people(where, len(found))])
    for person in found:
        voices.hold(connection, person)
        connection.execute(sa.update(people).where(people.c.id == person).values(values))
        naming.respell(connection, person, record.name)
        return person, False
    key = bytes.fromhex(record.key) if record.key else secrets.token_bytes(16)
    added = connection.execute(sa.insert(people).values(key=key, **values)).inserted_primary_key
    assert added is not None
    naming.respell(connection, added[0], record.name)
    add_identity(connection, ring, added[0], Subject(Scheme.PERSON, key.hex()))
    return added[0], True


def _find(connection: sa.Connection, ring: Keyring, record: PersonRecord) -> set[int]:
    return set(_owners(connection, _names(ring, record)).values())


def _names(ring: Keyring, record: PersonRecord) -> list[str | bytes]:
    """What a person is found by: the ref, and the codes' digests."""
    subjects = [identity.subject for identity in record.identities]
    if record.key:
        subjects.append(Subject(Scheme.PERSON, record.key))
    return [record.ref, *map(ring.digest, subjects)]


def _owners(connection: sa.Connection, names: Sequence[str | bytes]) -> dict[str | bytes, int]:
    refs = [name for name in names if isinstance(name, str)]
    digests = [name for name in names if isinstance(name, bytes)]
    by_ref = connection.execute(sa.select(people.c.ref, people.c.id).where(people.c.ref.in_(refs)))
    of_code = sa.select(identities.c.digest, identities.c.person).where(identities.c.digest.in_(digests))
    return dict((*by_ref, *connection.execute(of_code)))


def add_identity(connection: sa.Connection, ring: Keyring, person: int, subject: Subject) -> bool:
    """Gives a person one more code, and with it the scans that came before anybody knew whose it was."""
    digest = ring.digest(subject)
    row = {"digest": digest, "person": person, "scheme": subject.scheme.value, "sealed": ring.seal_value(subject)}
    added = _is_added(connection, insert(connection, identities).values(row), identities.c.digest)
    if added:
        unknown = sa.and_(visits.c.identity == digest, visits.c.person.is_(None))
        connection.execute(sa.update(visits).where(unknown).values(person=person, identity=None))
    return added


def declare(connection: sa.Connection, person: int, record: DeclarationRecord) -> bool:
    """Records a declaration; says whether it is new (one per person, kind and moment)."""
    row = {
        "person": person,
        "kind": record.kind.value,
        "at": record.at,
        "symptoms": _json(record.symptoms),
        "exposures": _json(record.exposures),
        "paper": record.paper,
        "arrival": record.arrival,
        "origin": _area(record.origin),
        "destination": _area(record.destination),
        "heads": areas.lowest(record.destination),
        "details": _json(record.details),
    }
    return _is_added(connection, insert(connection, declarations).values(row), declarations.c.id)


def _is_added(connection: sa.Connection, row: Insert, key: sa.Column[Any]) -> bool:
    """Inserts unless it is there already; the count of rows that a driver reports is not to be relied on."""
    return connection.execute(row.on_conflict_do_nothing().returning(key)).first() is not None


def visited(connection: sa.Connection, person: int, record: VisitRecord) -> bool:
    """Records a scan that no station of ours brought; says whether it is new."""
    same = sa.and_(visits.c.person == person, visits.c.at == record.at, visits.c.place == record.place)
    if connection.scalar(sa.select(visits.c.id).where(same)) is not None:
        return False
    seen = {"at": record.at, "place": record.place, "direction": record.direction.value}
    connection.execute(sa.insert(visits).values(person=person, outcome="", went_in=1, **seen))
    return True


def _tie_guardians(store: Store, records: Sequence[PersonRecord]) -> None:
    with store.writing() as connection:
        for child, guardian in _pairs(records):
            of = sa.select(people.c.id).where(people.c.ref == guardian).scalar_subquery()
            connection.execute(sa.update(people).where(people.c.ref == child).values(guardian=of))


def _pairs(records: Sequence[PersonRecord]) -> Iterator[tuple[str, str]]:
    return ((record.ref, record.guardian) for record in records if record.guardian)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _area(area: Area | None) -> str:
    return "" if area is None else _json(area)
