"""Whom a form speaks of: the person its numbers name, the relative this phone declared before, or somebody new."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, ClassVar

import msgspec
import sqlalchemy as sa

from core.discreet import Discreet
from core.model import Area, Scheme, Subject
from core.zones import bare
from hub.register import areas, myqr, naming, phones, registry
from hub.register.forms import Form
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


class Prefill(Discreet, frozen=True):
    """The personal fields that the registry knows; no number and no phone of anybody."""

    secret: ClassVar = frozenset({"name", "born", "sex", "nationality", "address"})

    name: str
    born: str
    sex: str
    nationality: str
    address: Area | None


def prefill(connection: sa.Connection, ring: Keyring, insurance: Subject) -> Prefill | None:
    """What fills itself in when somebody gives an insurance number; None when the registry does not know it."""
    named = sa.and_(identities.c.digest == ring.digest(insurance), identities.c.retired.is_(None))
    wanted = sa.select(people).join_from(identities, people, people.c.id == identities.c.person).where(named)
    row = connection.execute(wanted).first()
    if row is None:
        return None
    address = msgspec.json.decode(row.address, type=Area) if row.address else None
    return Prefill(row.name, row.born, row.sex, row.nationality, address)


def numbers(connection: sa.Connection, ring: Keyring, person: int) -> dict[Scheme, str]:
    """A person's numbers and codes in clear, by scheme; of several the last registered."""
    own = sa.and_(identities.c.person == person, identities.c.retired.is_(None))
    found = connection.execute(sa.select(identities).where(own))
    return {Scheme(row.scheme): ring.open_value(row.sealed, row.digest) for row in found}


def identify(connection: sa.Connection, ring: Keyring, form: Form, now: datetime, by: By) -> tuple[int, str | None]:
    """The person's id, and their new My QR when they were nobody's before; ``TwoPeople`` when the numbers disagree.

    Who holds the record (its phone, or staff) also mends its personal fields and adds numbers; anybody else's
    declaration counts for the person and changes nothing about them.
    """
    owner = _owner(connection, ring, form) or _relative(connection, ring, form, by)
    if owner is None:
        person = _add(connection, form, by)
        key = connection.scalar(sa.select(people.c.key).where(people.c.id == person))
        assert key is not None
        registry.add_identity(connection, ring, person, Subject(Scheme.PERSON, key.hex()))
        _add_numbers(connection, ring, person, form)
        return person, myqr.draw(connection, ring, person)
    if _holds(connection, owner, form, by):
        connection.execute(sa.update(people).where(people.c.id == owner).values(_fields(form, by)))
        naming.respell(connection, owner, form.name)
        _add_numbers(connection, ring, owner, form)
    return owner, None


def holds(connection: sa.Connection, person: int, by: By) -> bool:
    """Whether somebody may see and change what is this person's own: staff, and the phone the record carries."""
    if by.account:
        return True
    phone = connection.scalar(sa.select(people.c.phone).where(people.c.id == person))
    return phone is not None and phone != "" and phones.spell(phone) == by.phone


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
    same = (row.id for row in connection.execute(wanted) if _same(row.name, row.born, form))
    return next(same, None)


def _same(name: str, born: str, form: Form) -> bool:
    return bare(name) == bare(form.name) and born[:4] == form.born[:4]


def _holds(connection: sa.Connection, person: int, form: Form, by: By) -> bool:
    """As ``holds``; a record that has no phone and no My QR yet goes to whoever also knows its name and birth."""
    if holds(connection, person, by):
        return True
    row = connection.execute(sa.select(people.c.phone, people.c.name, people.c.born).where(people.c.id == person)).one()
    return not row.phone and _same(row.name, row.born, form) and not myqr.exists(connection, person)


def _add(connection: sa.Connection, form: Form, by: By) -> int:
    of_phone = sa.select(people.c.id).where(people.c.phone == by.phone).order_by(people.c.id).limit(1)
    guardian = connection.scalar(of_phone) if form.for_another and by.phone else None
    values = {"key": secrets.token_bytes(16), "guardian": guardian, **_fields(form, by)}
    added = connection.execute(sa.insert(people).values(values)).inserted_primary_key
    assert added is not None
    naming.respell(connection, int(added[0]), form.name)
    return int(added[0])


def _fields(form: Form, by: By) -> dict[str, Any]:
    return {
        "name": " ".join(form.name.split()),
        "born": form.born,
        "sex": form.sex,
        "nationality": form.nationality,
        "phone": phones.spell(form.phone) or by.phone,
        "address": msgspec.json.encode(form.address).decode() if form.address else "",
        "folded": naming.fold(form.name),
        "home": areas.lowest(form.address),
    }


def _add_numbers(connection: sa.Connection, ring: Keyring, person: int, form: Form) -> None:
    for subject in form.numbers:
        registry.add_identity(connection, ring, person, subject)
