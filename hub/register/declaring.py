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

from core import keys, phones
from core.codes import declaration as code
from core.codes.names import mask
from core.discreet import Discreet
from core.model import Area, DeclarationKind
from hub.register import areas, mending, relatives, sheets, signers, voices
from hub.register.forms import Form, Wrong, check
from hub.register.people import FormDetails
from hub.register.relatives import By, Meant
from hub.register.voices import Voice
from hub.storage.keyring import Keyring
from hub.storage.store import insert, serialize
from hub.storage.tables import declarations, people

__all__ = [
    "OTHERS_A_DAY",
    "About",
    "By",
    "Declared",
    "Form",
    "Given",
    "Refused",
    "Wrong",
    "about",
    "check",
    "correct",
    "declare",
    "dispute",
    "form_of",
    "given",
    "of_phone",
    "signed_code",
    "withdraw",
]

ISSUER = "VN-46"
FOUND_AT_MOST = 50
OTHERS_A_DAY = 30
"""For so many people whose record it does not hold one phone declares within a day."""

_MOMENT = timedelta(microseconds=1)
_areas = msgspec.json.Decoder(Area)
_texts = msgspec.json.Decoder(tuple[str, ...])
_details = msgspec.json.Decoder(FormDetails)


class Refused(Exception):
    """A declaration that cannot be taken; ``wrong`` says why, by field, in words for the page's catalogue."""

    def __init__(self, wrong: dict[str, Wrong], person: int = 0) -> None:
        super().__init__(", ".join(f"{field}: {word}" for field, word in wrong.items()))
        self.wrong = wrong
        self.person = person
        """Whose record the form differs from, for whoever holds it; else 0."""


class Declared(Discreet, frozen=True):
    """What came of a declaration: ``code`` is the ``TQ1:`` text for its QR; ``my_qr`` is given to somebody new."""

    secret: ClassVar = frozenset({"code", "my_qr", "changed"})

    person: int
    declaration: int
    code: str
    my_qr: str | None = None
    changed: tuple[str, ...] = ()  # of the person's record


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


class About(Discreet, frozen=True):
    """What another phone declared about a person; ``phone`` is masked, ``counts`` false under another name or year."""

    secret: ClassVar = frozenset({"phone"})

    declaration: int
    kind: DeclarationKind
    at: datetime
    phone: str
    counts: bool
    symptoms: tuple[str, ...]
    exposures: tuple[str, ...]


def declare(
    connection: sa.Connection,
    ring: Keyring,
    form: Form,
    now: datetime,
    *,
    by: By,
    once: str = "",
    confirmed: bool = False,
) -> Declared:
    """Takes a declaration; ``Refused`` when the form is wrong or its numbers are two people's.

    ``once`` names the sheet it was written on (a random text in the page): sent again, it answers what it answered.
    ``confirmed``: that the record's name, year of birth or phone is to become another is no slip but a correction.
    """
    return _take(connection, ring, form, now, by, once, confirmed=0 if confirmed else None)


def correct(
    connection: sa.Connection,
    ring: Keyring,
    declaration: int,
    form: Form,
    now: datetime,
    *,
    by: By,
    once: str = "",
    confirmed: bool = False,
) -> Declared:
    """Puts another declaration in the place of one, with the time of the first: a slip mended is no newer word.

    ``Refused`` when the first is another phone's or was withdrawn.
    """
    _lock(connection, ring, form, by, once)
    if once and (known := _known(connection, ring, once, now)):
        return known
    row = _held(connection, _own(ring, declaration, by), *_meant(connection, ring, form, now, by))
    _withdraw(connection, row, now)
    return _take(connection, ring, form, now, by, once, corrects=row, confirmed=0 if confirmed else row.person)


def withdraw(connection: sa.Connection, ring: Keyring, declaration: int, now: datetime, *, by: By) -> None:
    """Takes a declaration back; ``Refused`` when it is another phone's or was withdrawn already."""
    _withdraw(connection, _held(connection, _own(ring, declaration, by)), now)


def about(connection: sa.Connection, ring: Keyring, person: int, *, by: By) -> list[About]:
    """What other phones declared about a person, newest first; ``Refused`` to whoever does not hold the record."""
    if not relatives.holds(connection, person, by):
        raise Refused({"": Wrong.NOT_YOURS})
    return [_about(ring, row) for row in voices.of_record(connection, person)]


def dispute(connection: sa.Connection, ring: Keyring, declaration: int, now: datetime, *, by: By) -> None:
    """Takes back what another phone declared about a person; ``Refused`` to whoever does not hold their record."""
    others = sa.and_(declarations.c.voice != Voice.OWN.value, declarations.c.withdrawn.is_(None))
    wanted = _with_person().where(declarations.c.id == declaration, others)
    if not relatives.holds(connection, _found(connection, wanted).person, by):
        raise Refused({"": Wrong.NOT_YOURS})
    _withdraw(connection, _held(connection, wanted), now)


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
    return _given(connection, ring, _found(connection, _own(ring, declaration, by)), now)


def form_of(connection: sa.Connection, ring: Keyring, declaration: int, *, by: By) -> Form:
    """A declaration as the form it came from, to be corrected; ``Refused`` as above."""
    row = _found(connection, _own(ring, declaration, by))
    if row.sheet is not None:
        return sheets.open_sheet(ring, row.sheet).form
    return sheets.rebuild(connection, ring, row, by)


def _take(
    connection: sa.Connection,
    ring: Keyring,
    form: Form,
    now: datetime,
    by: By,
    once: str,
    *,
    confirmed: int | None,
    corrects: sa.Row[Any] | None = None,
) -> Declared:
    if wrong := check(form, now):
        raise Refused(wrong)
    phone = _phone(form, by)
    _lock(connection, ring, form, by, once)
    if once and (known := _known(connection, ring, once, now)):
        return known
    meant = _person(connection, ring, form, now, by, confirmed)
    _bound(connection, ring, meant, by, now)
    at = now if corrects is None else corrects.at + _MOMENT
    if by.paper and form.signed is not None and corrects is None:
        at = form.signed
    row = {**_columns(form, by), "person": meant.person, "at": at, "expires": at + signers.CODE_LIVES}
    row |= {"phone": ring.phone_digest(phone) if phone else None, "once": _sheet(once) if once else None}
    row |= {"corrects": corrects.id if corrects is not None else None}
    row |= {"typed_by": by.account or None, "typed": now if by.account else None}
    row |= {"voice": meant.voice.value, "aside": meant.voice is Voice.APART, "sheet": sheets.seal(ring, form, phone)}
    declaration = _insert(connection, row)
    voices.weigh(connection, meant.person)
    text = signed_code(connection, ring, meant.person, declaration, now)
    return Declared(meant.person, declaration, text, meant.my_qr, meant.changed)


def _lock(connection: sa.Connection, ring: Keyring, form: Form, by: By, once: str) -> None:
    """The first of the locks: the numbers, the phone and the sheet that a form names; ``voices.hold`` is the next."""
    phone = _phone(form, by)
    digests = [ring.digest(subject) for subject in form.numbers]
    serialize(connection, [*digests, *([ring.phone_digest(phone)] if phone else []), *([_sheet(once)] if once else [])])


def _phone(form: Form, by: By) -> str:
    return by.phone or phones.spell(form.phone) or ""


def _bound(connection: sa.Connection, ring: Keyring, meant: Meant, by: By, now: datetime) -> None:
    """``Refused`` when a phone has declared for too many people who are not its own."""
    if meant.voice is Voice.OWN:
        return
    made = sa.and_(declarations.c.phone == ring.phone_digest(by.phone), declarations.c.at > now - timedelta(days=1))
    others = sa.and_(declarations.c.voice != Voice.OWN.value, declarations.c.person != meant.person)
    people_so_far = sa.select(sa.func.count(sa.distinct(declarations.c.person))).where(made, others)
    if (connection.scalar(people_so_far) or 0) >= OTHERS_A_DAY:
        raise Refused({"document": Wrong.TOO_MANY})


def _insert(connection: sa.Connection, row: dict[str, Any]) -> int:
    """Adds the row; two of one kind in the same microsecond are put one after the other."""
    while True:
        added = insert(connection, declarations).values(row).on_conflict_do_nothing().returning(declarations.c.id)
        number = connection.scalar(added)
        if number is not None:
            return int(number)
        row = row | {"at": row["at"] + _MOMENT}


def _person(
    connection: sa.Connection, ring: Keyring, form: Form, now: datetime, by: By, confirmed: int | None
) -> Meant:
    try:
        return relatives.identify(connection, ring, form, now, by, confirmed=confirmed)
    except relatives.TwoPeople as problem:
        raise Refused({problem.field: Wrong.ANOTHERS}) from problem
    except mending.Differs as problem:
        raise Refused(dict.fromkeys(problem.fields, Wrong.DIFFERS), problem.person) from problem


def _meant(connection: sa.Connection, ring: Keyring, form: Form, now: datetime, by: By) -> tuple[int, ...]:
    """Whom a form speaks of; nobody when it cannot be taken, which is told after whose the declaration is."""
    try:
        person = None if check(form, now) else relatives.known(connection, ring, form, by)
    except relatives.TwoPeople:
        return ()
    return () if person is None else (person,)


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


def _own(ring: Keyring, declaration: int, by: By) -> sa.Select[Any]:
    """A declaration that is theirs and was not withdrawn."""
    wanted = _with_person().where(declarations.c.id == declaration, declarations.c.withdrawn.is_(None))
    if not by.account:
        wanted = wanted.where(declarations.c.phone == ring.phone_digest(by.phone))
    return wanted


def _found(connection: sa.Connection, wanted: sa.Select[Any]) -> sa.Row[Any]:
    row = connection.execute(wanted).first()
    if row is None:
        raise Refused({"": Wrong.NOT_YOURS})
    return row


def _held(connection: sa.Connection, wanted: sa.Select[Any], *others: int) -> sa.Row[Any]:
    """A declaration that nobody else changes until the end; the voices of its person, and of ``others``, come first."""
    voices.hold(connection, _found(connection, wanted).person, *others)
    return _found(connection, wanted.with_for_update(of=declarations))  # as it is once nobody else is at it


def _withdraw(connection: sa.Connection, row: sa.Row[Any], now: datetime) -> None:
    connection.execute(sa.update(declarations).where(declarations.c.id == row.id).values(withdrawn=now))
    voices.weigh(connection, row.person)


def _given(connection: sa.Connection, ring: Keyring, row: sa.Row[Any], now: datetime) -> Given:
    """As its declarer may see it: under the name they wrote, which need not be the record's."""
    kind, text = DeclarationKind(row.kind), _code(connection, ring, row, now)
    name = _details.decode(row.details).name or mask(row.name)
    return Given(row.id, row.person, name, kind, row.at, row.expires, row.paper, text)


def _about(ring: Keyring, row: sa.Row[Any]) -> About:
    phone = phones.mask(sheets.open_sheet(ring, row.sheet).phone) if row.sheet is not None else ""
    marks = _texts.decode(row.symptoms), _texts.decode(row.exposures)
    return About(row.id, DeclarationKind(row.kind), row.at, phone, row.voice != Voice.APART, *marks)


def _sheet(once: str) -> bytes:
    return hashlib.sha256(once.encode()).digest()[:16]


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
