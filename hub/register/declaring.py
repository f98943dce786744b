"""Declarations: made, corrected, withdrawn, and found again by the phone they came from.

Every function takes a connection inside a transaction of its caller's (``Store.writing`` for those that write).  One
phone declares for several relatives; who declared decides who may correct, withdraw or see the code again.  A child
without a document is known by the phone, the name and the year of birth: a placeholder number is never a key.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec
import sqlalchemy as sa

from core import keys
from core.codes import declaration as code
from core.discreet import Discreet
from core.model import Area, DeclarationKind, Scheme
from hub.register import areas, phones, relatives, signers
from hub.register.forms import Form, Wrong, check
from hub.register.people import FormDetails
from hub.register.relatives import By
from hub.storage.keyring import Keyring
from hub.storage.store import insert, serialize
from hub.storage.tables import declarations, people

__all__ = [
    "By",
    "Declared",
    "Form",
    "Given",
    "Refused",
    "Wrong",
    "check",
    "correct",
    "declare",
    "form_of",
    "given",
    "of_phone",
    "signed_code",
    "withdraw",
]

ISSUER = "VN-46"
FOUND_AT_MOST = 50
_MOMENT = timedelta(microseconds=1)
_areas = msgspec.json.Decoder(Area)
_texts = msgspec.json.Decoder(tuple[str, ...])
_details = msgspec.json.Decoder(FormDetails)


class Refused(Exception):
    """A declaration that cannot be taken; ``wrong`` says why, by field, in words for the page's catalogue."""

    def __init__(self, wrong: dict[str, Wrong]) -> None:
        super().__init__(", ".join(f"{field}: {word}" for field, word in wrong.items()))
        self.wrong = wrong


class Declared(Discreet, frozen=True):
    """What came of a declaration: ``code`` is the ``TQ1:`` text for its QR; ``my_qr`` is given to somebody new."""

    secret: ClassVar = frozenset({"code", "my_qr"})

    person: int
    declaration: int
    code: str
    my_qr: str | None = None


class Given(Discreet, frozen=True):
    """One declaration of a phone's, as its owner finds it again; ``code`` is empty once it has expired."""

    secret: ClassVar = frozenset({"name", "code"})

    declaration: int
    person: int
    name: str
    kind: DeclarationKind
    at: datetime
    expires: datetime | None
    paper: bool
    code: str


def declare(connection: sa.Connection, ring: Keyring, form: Form, now: datetime, *, by: By, once: str = "") -> Declared:
    """Takes a declaration; ``Refused`` when the form is wrong or its numbers are two people's.

    ``once`` names the sheet it was written on (a random text in the page): sent again, it answers what it answered.
    """
    return _take(connection, ring, form, now, by, once, corrects=None)


def correct(
    connection: sa.Connection, ring: Keyring, declaration: int, form: Form, now: datetime, *, by: By, once: str = ""
) -> Declared:
    """Puts another declaration in the place of one, with the time of the first: a slip mended is no newer word.

    ``Refused`` when the first is another phone's or was withdrawn.
    """
    serialize(connection, [_sheet(once)] if once else [])
    if once and (known := _known(connection, ring, once, now)):
        return known
    row = _own(connection, ring, declaration, by)
    _withdraw(connection, declaration, now)
    return _take(connection, ring, form, now, by, once, corrects=row)


def withdraw(connection: sa.Connection, ring: Keyring, declaration: int, now: datetime, *, by: By) -> None:
    """Takes a declaration back; ``Refused`` when it is another phone's or was withdrawn already."""
    _own(connection, ring, declaration, by)
    _withdraw(connection, declaration, now)


def of_phone(connection: sa.Connection, ring: Keyring, phone: str, now: datetime) -> list[Given]:
    """What this phone (any spelling) declared and has not withdrawn, newest first, each with its code again."""
    number = phones.spell(phone)
    if number is None:
        return []
    own = sa.and_(declarations.c.phone == ring.phone_digest(number), declarations.c.withdrawn.is_(None))
    wanted = _with_person().where(own).order_by(declarations.c.at.desc()).limit(FOUND_AT_MOST)
    return [_given(connection, ring, row, now) for row in connection.execute(wanted)]


def given(connection: sa.Connection, ring: Keyring, declaration: int, now: datetime, *, by: By) -> Given:
    """One declaration with its code again; ``Refused`` when it is another phone's or was withdrawn."""
    return _given(connection, ring, _own(connection, ring, declaration, by), now)


def form_of(connection: sa.Connection, ring: Keyring, declaration: int, *, by: By) -> Form:
    """A declaration as the form it came from, to be corrected; ``Refused`` as above."""
    row = _own(connection, ring, declaration, by)
    numbers = relatives.numbers(connection, ring, row.person)
    document = next((numbers[s] for s in (Scheme.CITIZEN, Scheme.CMND, Scheme.PASSPORT) if s in numbers), "")
    details = _details.decode(row.details)
    return Form(
        kind=DeclarationKind(row.kind),
        name=row.name,
        born=row.born,
        sex=row.sex,
        nationality=row.nationality,
        document=document,
        child_without_document=not document,
        insurance=numbers.get(Scheme.INSURANCE, ""),
        phone=row.own_phone,
        for_another=details.for_another,
        address=_areas.decode(row.address) if row.address else None,
        street=details.address,
        transport=details.transport,
        vehicle=details.vehicle,
        seat=details.seat,
        places_been=details.places_been,
        symptoms=_texts.decode(row.symptoms),
        exposures=_texts.decode(row.exposures),
        arrival=row.arrival,
        origin=_areas.decode(row.origin) if row.origin else None,
        destination=_areas.decode(row.destination) if row.destination else None,
        signed=row.at if row.paper else None,
    )


def _take(
    connection: sa.Connection,
    ring: Keyring,
    form: Form,
    now: datetime,
    by: By,
    once: str,
    corrects: sa.Row[Any] | None,
) -> Declared:
    if wrong := check(form, now):
        raise Refused(wrong)
    phone = by.phone or phones.spell(form.phone) or ""
    digests = [ring.digest(subject) for subject in form.numbers]
    locks = [*digests, *([ring.phone_digest(phone)] if phone else []), *([_sheet(once)] if once else [])]
    serialize(connection, locks)
    if once and (known := _known(connection, ring, once, now)):
        return known
    person, my_qr = _person(connection, ring, form, now, by)
    at = now if corrects is None else corrects.at + _MOMENT
    if by.paper and form.signed is not None and corrects is None:
        at = form.signed
    row = {**_columns(form, by), "person": person, "at": at, "expires": at + signers.CODE_LIVES}
    row |= {"phone": ring.phone_digest(phone) if phone else None, "once": _sheet(once) if once else None}
    row |= {"corrects": corrects.id if corrects is not None else None}
    row |= {"typed_by": by.account or None, "typed": now if by.account else None}
    declaration = _insert(connection, row)
    text = signed_code(connection, ring, person, declaration, now)
    return Declared(person, declaration, text, my_qr)


def _insert(connection: sa.Connection, row: dict[str, Any]) -> int:
    """Adds the row; two of one kind in the same microsecond are put one after the other."""
    while True:
        added = insert(connection, declarations).values(row).on_conflict_do_nothing().returning(declarations.c.id)
        number = connection.scalar(added)
        if number is not None:
            return int(number)
        row = row | {"at": row["at"] + _MOMENT}


def _person(connection: sa.Connection, ring: Keyring, form: Form, now: datetime, by: By) -> tuple[int, str | None]:
    try:
        return relatives.identify(connection, ring, form, now, by)
    except relatives.TwoPeople as problem:
        raise Refused({problem.field: Wrong.ANOTHERS}) from problem


def _columns(form: Form, by: By) -> dict[str, Any]:
    details = FormDetails(
        transport=form.transport,
        vehicle=form.vehicle,
        seat=form.seat,
        places_been=form.places_been,
        address=form.street,
        taken_by=by.account,
        name=form.name.strip(),
        for_another=form.for_another,
    )
    return {
        "kind": form.kind.value,
        "symptoms": _json(form.symptoms),
        "exposures": _json(form.exposures),
        "paper": by.paper,
        "arrival": form.arrival,
        "origin": _json(form.origin) if form.origin else "",
        "destination": _json(form.destination) if form.destination else "",
        "heads": areas.lowest(form.destination),
        "details": _json(details),
    }


def _known(connection: sa.Connection, ring: Keyring, once: str, now: datetime) -> Declared | None:
    same = sa.select(declarations.c.id, declarations.c.person).where(declarations.c.once == _sheet(once))
    row = connection.execute(same).first()
    return None if row is None else Declared(row.person, row.id, signed_code(connection, ring, row.person, row.id, now))


def signed_code(connection: sa.Connection, ring: Keyring, person: int, declaration: int, now: datetime) -> str:
    """The ``TQ1:`` text of a declaration, signed with the key of today; empty once it has expired."""
    own = sa.and_(declarations.c.id == declaration, people.c.id == person)
    row = connection.execute(_with_person().where(own)).one()
    return _code(connection, ring, row, now)


def _code(connection: sa.Connection, ring: Keyring, row: sa.Row[Any], now: datetime) -> str:
    if row.expires is None or row.expires <= now:
        return ""
    key = signers.current(connection, ring)
    kind = DeclarationKind(row.kind)
    origin = _areas.decode(row.origin) if row.origin and kind is DeclarationKind.ENTRY else None
    return code.issue(
        key,
        key_id=bytes.fromhex(keys.key_id(key.public_key().public_bytes_raw())),
        issuer=ISSUER,
        issued=row.at,
        expires=row.expires,
        subject=row.key,
        kind=kind,
        symptoms=row.symptoms != "[]",
        origin=origin,
    )


def _with_person() -> sa.Select[Any]:
    of_person = (people.c.key, people.c.name, people.c.born, people.c.sex, people.c.nationality, people.c.address)
    columns = (declarations, *of_person, people.c.phone.label("own_phone"))
    return sa.select(*columns).join_from(declarations, people, people.c.id == declarations.c.person)


def _own(connection: sa.Connection, ring: Keyring, declaration: int, by: By) -> sa.Row[Any]:
    wanted = _with_person().where(declarations.c.id == declaration, declarations.c.withdrawn.is_(None))
    if not by.account:
        wanted = wanted.where(declarations.c.phone == ring.phone_digest(by.phone))
    row = connection.execute(wanted.with_for_update(of=declarations)).first()
    if row is None:
        raise Refused({"": Wrong.NOT_YOURS})
    return row


def _withdraw(connection: sa.Connection, declaration: int, now: datetime) -> None:
    connection.execute(sa.update(declarations).where(declarations.c.id == declaration).values(withdrawn=now))


def _given(connection: sa.Connection, ring: Keyring, row: sa.Row[Any], now: datetime) -> Given:
    kind, text = DeclarationKind(row.kind), _code(connection, ring, row, now)
    return Given(row.id, row.person, row.name, kind, row.at, row.expires, row.paper, text)


def _sheet(once: str) -> bytes:
    return hashlib.sha256(once.encode()).digest()[:16]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
