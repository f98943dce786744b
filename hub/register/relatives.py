"""Whom a form speaks of: the person its numbers name, the relative this phone declared before, or somebody new."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import ClassVar

import msgspec
import sqlalchemy as sa

from core import phones
from core.discreet import Discreet
from core.model import Scheme, Subject
from hub.register import mending, myqr, naming, registry, voices
from hub.register.forms import Form
from hub.register.voices import Voice
from hub.storage.keyring import Keyring
from hub.storage.tables import declarations, identities, people

_DOCUMENTS = (Scheme.CITIZEN.value, Scheme.CMND.value, Scheme.PASSPORT.value)


class By(Discreet, frozen=True):
    """Who acts: a citizen whose phone was proven, or an account of the staff (``paper``: typing in a signed sheet)."""

    secret: ClassVar = frozenset({"phone"})

    phone: str = ""
    account: str = ""
    paper: bool = False

    @classmethod
    def citizen(cls, phone: str) -> By:
        """A proven phone in any spelling; ``ValueError`` when it is no phone number."""
        number = phones.spell(phone)
        if number is None:
            raise ValueError("not a phone number")
        return cls(phone=number)

    @classmethod
    def staff(cls, account: str, *, paper: bool = True) -> By:
        """An account that types a paper in, or (not ``paper``) helps somebody at a post."""
        return cls(account=account, paper=paper)


class TwoPeople(Exception):
    """The numbers of one form belong to different people; ``field`` names the one to look at."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def numbers(connection: sa.Connection, ring: Keyring, person: int) -> dict[Scheme, str]:
    """A person's numbers and codes in clear, by scheme; of several the last registered."""
    own = sa.and_(identities.c.person == person, identities.c.retired.is_(None))
    found = connection.execute(sa.select(identities).where(own))
    return {Scheme(row.scheme): ring.open_value(row.sealed, row.digest) for row in found}


class Meant(msgspec.Struct, frozen=True):
    """Whom a form speaks of, and what it did to their record.

    ``my_qr`` is for somebody who was nobody's before; ``changed`` are the fields of the record that were mended.
    """

    person: int
    voice: Voice
    my_qr: str | None = None
    changed: tuple[str, ...] = ()


def identify(
    connection: sa.Connection, ring: Keyring, form: Form, now: datetime, by: By, *, confirmed: int | None = None
) -> Meant:
    """The person that a form speaks of, added when there is none; ``TwoPeople`` when the numbers disagree.

    Who holds the record (its phone, or staff) also mends its personal fields and adds numbers (``mending.Differs``
    when it would become somebody else's, unless ``confirmed`` is this very person, or 0 for whoever it is); anybody
    else's declaration changes nothing about them.  A record that no phone holds is given to one by staff alone.
    """
    owner = known(connection, ring, form, by)
    if owner is not None:
        voices.hold(connection, owner)
        owner = known(connection, ring, form, by)  # who may have been erased, or made one with another, meanwhile
    if owner is None:
        return _added(connection, ring, form, now, by)
    if not holds(connection, owner, by):
        return Meant(owner, _voice(connection, ring, owner, form))
    is_confirmed = confirmed is not None and confirmed in (0, owner)
    changed = mending.mend(connection, ring, owner, form, now, account=by.account, confirmed=is_confirmed)
    if _add_numbers(connection, ring, owner, form) and not by.account:
        connection.execute(sa.update(people).where(people.c.id == owner).values(claimed=now))
    return Meant(owner, Voice.OWN, changed=changed)


def known(connection: sa.Connection, ring: Keyring, form: Form, by: By) -> int | None:
    """The person that a form speaks of, None when there is none yet; ``TwoPeople`` when the numbers disagree."""
    return _owner(connection, ring, form) or _relative(connection, ring, form, by)


def _voice(connection: sa.Connection, ring: Keyring, owner: int, form: Form) -> Voice:
    """How another phone's declaration counts; ``TwoPeople`` when the insurance number alone names somebody else."""
    row = connection.execute(sa.select(people.c.name, people.c.born).where(people.c.id == owner)).one()
    if mending.is_same(row.name, row.born, form):
        return Voice.OTHER
    digests = [ring.digest(each) for each in form.numbers if each.scheme is not Scheme.INSURANCE]
    by_document = sa.and_(identities.c.person == owner, identities.c.digest.in_(digests))
    if connection.scalar(sa.select(identities.c.person).where(by_document)) is None:
        raise TwoPeople("insurance")
    return Voice.APART


def _added(connection: sa.Connection, ring: Keyring, form: Form, now: datetime, by: By) -> Meant:
    person = _add(connection, form, now, by)
    key = connection.scalar(sa.select(people.c.key).where(people.c.id == person))
    assert key is not None
    registry.add_identity(connection, ring, person, Subject(Scheme.PERSON, key.hex()))
    _add_numbers(connection, ring, person, form)
    if holds(connection, person, by):
        return Meant(person, Voice.OWN, myqr.draw(connection, ring, person))
    return Meant(person, Voice.OTHER)


def holds(connection: sa.Connection, person: int, by: By) -> bool:
    """Whether somebody may see and change what is this person's own: staff, and the phone the record carries."""
    if by.account:
        return True
    phone = connection.scalar(sa.select(people.c.phone).where(people.c.id == person))
    return phone is not None and phones.same(phone, by.phone)


def _owner(connection: sa.Connection, ring: Keyring, form: Form) -> int | None:
    owners: dict[int, Scheme] = {}
    for subject in form.numbers:
        named = sa.select(identities.c.person).where(identities.c.digest == ring.digest(subject))
        person = connection.scalar(named)
        if person is not None:
            owners.setdefault(person, subject.scheme)
    if len(owners) > 1:
        raise TwoPeople("insurance")
    return next(iter(owners), None)


def _relative(connection: sa.Connection, ring: Keyring, form: Form, by: By) -> int | None:
    """Somebody without a document whom the same phone declared before under this name and year of birth."""
    phone = by.phone or phones.spell(form.phone)
    if not phone:
        return None
    has_document = sa.exists().where(identities.c.person == people.c.id, identities.c.scheme.in_(_DOCUMENTS))
    wanted = (
        sa.select(people.c.id, people.c.name, people.c.born)
        .join_from(declarations, people, people.c.id == declarations.c.person)
        .where(declarations.c.phone == ring.phone_digest(phone), ~has_document)
        .distinct()
    )
    same = (row.id for row in connection.execute(wanted) if mending.is_same(row.name, row.born, form))
    return next(same, None)


def _add(connection: sa.Connection, form: Form, now: datetime, by: By) -> int:
    of_phone = sa.select(people.c.id).where(people.c.phone == by.phone).order_by(people.c.id).limit(1)
    guardian = connection.scalar(of_phone) if form.for_another and by.phone else None
    values = {"key": secrets.token_bytes(16), "guardian": guardian, "claimed": None if by.account else now}
    values |= mending.values_of(form, phones.spell(form.phone) or by.phone)
    added = connection.execute(sa.insert(people).values(values)).inserted_primary_key
    assert added is not None
    naming.respell(connection, int(added[0]), form.name)
    return int(added[0])


def _add_numbers(connection: sa.Connection, ring: Keyring, person: int, form: Form) -> bool:
    """Gives a person the form's numbers; says whether any was new."""
    added = [registry.add_identity(connection, ring, person, subject) for subject in form.numbers]
    return any(added)
