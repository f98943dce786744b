"""Who of the province system is who here: person keys made from its own numbers, and rows tied by them.

A look-up writes nothing.  The key that it answers with travels with the check-in, sealed, and when the row is read the
person gets a record without a name: from then on all of their codes that were shown are one person's, for the next
look-up as for tracing and erasing.  A key proves itself: nobody without the hub's index key can make one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from core.model import Scheme, Subject
from core.wire import Who
from hub.register import registry
from hub.register.people import PersonRecord
from hub.storage.keeping_tables import holds
from hub.storage.keyring import Keyring
from hub.storage.store import serialize
from hub.storage.tables import declarations, identities, people, visits

REF = "province:"
_KEY, _PROOF = 16, 6


def person_key(ring: Keyring, number: str) -> str:
    """The person key (hex) of whoever has this number in the province system: the same for all of their codes."""
    own = hmac.digest(ring.index, b"province\0" + number.encode(), hashlib.sha256)[: _KEY - _PROOF]
    return (own + _proof(ring, own)).hex()


def is_person_key(ring: Keyring, key: str) -> bool:
    """Whether a key was made so by this hub."""
    try:
        raw = bytes.fromhex(key)
    except ValueError:
        return False
    return len(raw) == _KEY and hmac.compare_digest(raw[-_PROOF:], _proof(ring, raw[:-_PROOF]))


def _proof(ring: Keyring, own: bytes) -> bytes:
    return hmac.digest(ring.index, b"province key\0" + own, hashlib.sha256)[:_PROOF]


Owners = dict[bytes, tuple[int, datetime | None]]
"""Whose an identity's digest is, and since when it is dead."""


def tie(connection: sa.Connection, ring: Keyring, named: Iterable[Who], owners: Owners) -> Owners:
    """``owners`` and whoever of the province system rows name who is not among them: they get a record here.

    Runs in the transaction that reads the rows, after those of erased people were left out.
    """
    found = dict(owners)
    pairs = {(Subject(Scheme.PERSON, who.person), Subject(who.scheme, who.value)) for who in named if who.person}
    for key, code in sorted(pairs, key=_order):
        digests = ring.digest(key), ring.digest(code)
        if not all(digest in found for digest in digests) and is_person_key(ring, key.value):
            person = _tie(connection, ring, key, code)
            found |= {digest: (person, None) for digest in digests if digest not in found}
    return found


def _order(pair: tuple[Subject, Subject]) -> tuple[str, str, str]:
    """One for all hubs, so that none waits for another in a circle."""
    key, code = pair
    return key.value, code.scheme.value, code.value


def _tie(connection: sa.Connection, ring: Keyring, key: Subject, code: Subject) -> int:
    digests = ring.digest(key), ring.digest(code)
    serialize(connection, digests)
    known = (_owner(connection, digest) for digest in digests)
    person = next((each for each in known if each is not None), None) or _new(connection, ring, key)
    for subject in (key, code):
        registry.add_identity(connection, ring, person, subject)
    return person


def _owner(connection: sa.Connection, digest: bytes) -> int | None:
    """Whose code it is; also a dead one's, which stays its person's.  Nobody is erased while being tied to."""
    wanted = sa.select(people.c.id).join_from(identities, people).where(identities.c.digest == digest)
    return connection.scalar(wanted.with_for_update(read=True, key_share=True, of=people))


def _new(connection: sa.Connection, ring: Keyring, key: Subject) -> int:
    record = PersonRecord(ref=REF + ring.digest(key).hex(), name="", key=key.value, nationality="")
    return registry.put_person(connection, ring, record, "province")[0]


def let_go(connection: sa.Connection, at_most: int) -> int:
    """Erases records made here of whom nothing is left: no scan, no declaration, no name, no hold."""
    bare = sa.and_(
        people.c.ref >= REF,
        people.c.ref < REF[:-1] + chr(ord(REF[-1]) + 1),
        people.c.name == "",
        ~sa.exists().where(visits.c.person == people.c.id),
        ~sa.exists().where(declarations.c.person == people.c.id),
        ~sa.exists().where(holds.c.person == people.c.id),
    )
    gone = list(connection.scalars(sa.select(people.c.id).where(bare).limit(at_most)))
    connection.execute(sa.delete(identities).where(identities.c.person.in_(gone)))
    connection.execute(sa.delete(people).where(people.c.id.in_(gone)))
    return len(gone)


def listed_as(name: str, key: bytes) -> str:
    """A person's name; for those whose name only the province system has, the beginning of their key."""
    return name or f"#{key.hex()[:8]}"
