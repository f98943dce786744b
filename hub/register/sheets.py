"""The forms as they were filled in, kept sealed with each declaration: what their declarer may be shown again.

The registry's record is shown to whoever holds it and to nobody else; a number is no secret, so knowing one opens
nothing.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec
import sqlalchemy as sa

from core.discreet import Discreet
from core.model import Area, DeclarationKind, Scheme, Subject
from hub.register import relatives
from hub.register.forms import Form
from hub.register.people import FormDetails
from hub.register.relatives import By
from hub.storage.keyring import Keyring
from hub.storage.tables import declarations, identities, people

_CONTEXT = b"declaration"


class Kept(Discreet, frozen=True):
    """One form and the phone it was sent by."""

    secret: ClassVar = frozenset({"form", "phone"})

    form: Form
    phone: str


class Prefill(Discreet, frozen=True):
    """The personal fields that an insurance number fills; no number and no phone of anybody."""

    secret: ClassVar = frozenset({"name", "born", "sex", "nationality", "address"})

    name: str
    born: str
    sex: str
    nationality: str
    address: Area | None
    person: int = 0  # whose record was looked into; 0 when it is what the same phone typed before


_kept = msgspec.json.Decoder(Kept)
_details = msgspec.json.Decoder(FormDetails)
_areas = msgspec.json.Decoder(Area)
_texts = msgspec.json.Decoder(tuple[str, ...])


def seal(ring: Keyring, form: Form, phone: str) -> bytes:
    """A form as its declaration keeps it."""
    return ring.seal(msgspec.json.encode(Kept(form, phone)), _CONTEXT)


def open_sheet(ring: Keyring, sealed: bytes) -> Kept:
    """What was sealed."""
    return _kept.decode(ring.open(sealed, _CONTEXT))


def prefill(connection: sa.Connection, ring: Keyring, insurance: Subject, by: By) -> Prefill | None:
    """What fills itself in when somebody gives an insurance number.

    To whoever holds the record: what the record says.  To another phone: what it typed itself with this number.  Else
    None, and the same None when nobody has the number.
    """
    named = sa.and_(identities.c.digest == ring.digest(insurance), identities.c.retired.is_(None))
    wanted = sa.select(people).join_from(identities, people, people.c.id == identities.c.person).where(named)
    row = connection.execute(wanted).first()
    if row is None:
        return None
    if relatives.holds(connection, row.id, by):
        address = _areas.decode(row.address) if row.address else None
        return Prefill(row.name, row.born, row.sex, row.nationality, address, row.id)
    typed = _typed(connection, ring, row.id, insurance, by)
    return None if typed is None else Prefill(typed.name, typed.born, typed.sex, typed.nationality, typed.address)


def _typed(connection: sa.Connection, ring: Keyring, person: int, insurance: Subject, by: By) -> Form | None:
    """The last form with this number that the phone sent about this person."""
    own = sa.and_(declarations.c.person == person, declarations.c.phone == ring.phone_digest(by.phone))
    kept = sa.select(declarations.c.sheet).where(own, declarations.c.sheet.is_not(None))
    forms = (open_sheet(ring, sheet).form for sheet in connection.scalars(kept.order_by(declarations.c.at.desc())))
    return next((form for form in forms if insurance in form.numbers), None)


def rebuild(connection: sa.Connection, ring: Keyring, row: sa.Row[Any], by: By) -> Form:
    """The form of a declaration of which no sheet is kept: with personal fields for whoever holds the record only."""
    details = _details.decode(row.details)
    personal: dict[str, Any] = {"name": details.name}
    if relatives.holds(connection, row.person, by):
        personal = _personal(connection, ring, row)
    kept = ("for_another", "transport", "vehicle", "seat", "places_been")
    return Form(
        kind=DeclarationKind(row.kind),
        **personal,
        **{name: getattr(details, name) for name in kept},
        street=details.address,
        symptoms=_texts.decode(row.symptoms),
        exposures=_texts.decode(row.exposures),
        arrival=row.arrival,
        origin=_areas.decode(row.origin) if row.origin else None,
        destination=_areas.decode(row.destination) if row.destination else None,
        signed=row.at if row.paper else None,
    )


def _personal(connection: sa.Connection, ring: Keyring, row: sa.Row[Any]) -> dict[str, Any]:
    numbers = relatives.numbers(connection, ring, row.person)
    document = next((numbers[each] for each in (Scheme.CITIZEN, Scheme.CMND, Scheme.PASSPORT) if each in numbers), "")
    own: dict[str, Any] = {name: getattr(row, name) for name in ("name", "born", "sex", "nationality")}
    own |= {"document": document, "child_without_document": not document, "phone": row.own_phone}
    own |= {"insurance": numbers.get(Scheme.INSURANCE, "")}
    return own | {"address": _areas.decode(row.address) if row.address else None}
