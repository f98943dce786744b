"""My QR: an opaque token of 128 random bits, one alive for each person, which can be drawn anew at any time."""

from __future__ import annotations

import secrets
from datetime import datetime

import sqlalchemy as sa

from core.codes import identity
from core.model import Scheme, Subject
from core.zones import bare
from hub.register import registry, voices
from hub.storage.keyring import Keyring
from hub.storage.store import serialize
from hub.storage.tables import corrections, declarations, identities, people, visits

TOKEN_BYTES = 16


class NotLinked(Exception):
    """A document that cannot be tied to this person: it is somebody else's, or no document number."""


def draw(connection: sa.Connection, ring: Keyring, person: int) -> str:
    """A fresh token of this person's, beside any they have."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    registry.add_identity(connection, ring, person, identity.token(token.encode()))
    return token


def exists(connection: sa.Connection, person: int) -> bool:
    """Whether this person has a My QR that is alive."""
    return connection.scalar(_alive(person).limit(1)) is not None


def of(connection: sa.Connection, ring: Keyring, person: int) -> str:
    """The person's My QR, drawn now if they have none; whoever calls has made sure that it is theirs to see."""
    serialize(connection, [b"my qr %d" % person])
    row = connection.execute(_alive(person).order_by(identities.c.digest).limit(1)).first()
    return draw(connection, ring, person) if row is None else ring.open_value(row.sealed, row.digest)


def reissue(connection: sa.Connection, ring: Keyring, person: int, now: datetime) -> str:
    """A new My QR; every earlier one names nobody from this moment on."""
    serialize(connection, [b"my qr %d" % person])
    retire(connection, person, now)
    return draw(connection, ring, person)


def retire(connection: sa.Connection, person: int, now: datetime) -> None:
    """Has every My QR of a person name nobody from this moment on."""
    own = sa.and_(identities.c.person == person, identities.c.scheme == Scheme.TOKEN.value)
    connection.execute(sa.update(identities).where(own, identities.c.retired.is_(None)).values(retired=now))


def link(connection: sa.Connection, ring: Keyring, person: int, typed: str, *, by_staff: bool) -> int:
    """Ties a document number to the person behind a My QR and gives who they are now; ``NotLinked`` says why not.

    When the number already is somebody of the same name and year of birth, staff who see the card make the two
    records one; nobody else can, because name and number are no secret.
    """
    subject = identity.document(typed)
    if not isinstance(subject, Subject):
        raise NotLinked("not a whole document number")
    serialize(connection, [ring.digest(subject)])
    owner = connection.scalar(sa.select(identities.c.person).where(identities.c.digest == ring.digest(subject)))
    if owner is None:
        registry.add_identity(connection, ring, person, subject)
    elif owner != person:
        if not by_staff or not _same_person(connection, person, owner):
            raise NotLinked("the number is somebody else's")
        _join(connection, person, owner)
    if by_staff:  # who saw the card
        seen = sa.update(people).where(people.c.id == (owner or person)).values(claimed=None)
        connection.execute(seen)
    return person if owner is None else int(owner)


def _alive(person: int) -> sa.Select[tuple[bytes, bytes]]:
    own = sa.and_(identities.c.person == person, identities.c.scheme == Scheme.TOKEN.value)
    return sa.select(identities.c.digest, identities.c.sealed).where(own, identities.c.retired.is_(None))


def _same_person(connection: sa.Connection, one: int, other: int) -> bool:
    wanted = sa.select(people.c.name, people.c.born).where(people.c.id.in_([one, other]))
    rows = connection.execute(wanted).all()
    return len({(bare(row.name), row.born[:4]) for row in rows}) == 1


def _join(connection: sa.Connection, person: int, into: int) -> None:
    """Everything of one record becomes the other's; its person key goes along, so that codes issued by it hold."""
    voices.hold(connection, person, into)
    same = declarations.alias("same")
    doubled = sa.exists().where(
        same.c.person == into, same.c.kind == declarations.c.kind, same.c.at == declarations.c.at
    )
    connection.execute(sa.delete(declarations).where(declarations.c.person == person, doubled))
    for table in (identities, declarations, visits, corrections):
        connection.execute(sa.update(table).where(table.c.person == person).values(person=into))
    connection.execute(sa.update(people).where(people.c.guardian == person).values(guardian=into))
    connection.execute(sa.delete(people).where(people.c.id == person))
    voices.weigh(connection, into)
