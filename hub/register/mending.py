"""Mending a record by a declaration: what it may change, what it never takes away, and what was there before.

Whoever holds a record mends it by declaring.  Another name, year of birth or (typed in by staff) phone is more often a
slip in the number than a change, so it needs saying so; and every value that goes is kept, sealed, until the person is
erased.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Protocol

import msgspec
import sqlalchemy as sa

from core import phones
from core.discreet import Discreet
from core.model import Area
from core.zones import bare, fold
from hub.register import areas, naming
from hub.register.forms import Form
from hub.storage.keyring import Keyring
from hub.storage.tables import corrections, people

TRACED = ("name", "born", "sex", "phone", "address")
_CONTEXT = b"correction"
_areas = msgspec.json.Decoder(Area)


class Recorded(Discreet, frozen=True):
    """What a record says of whom it is, for whoever holds it to compare."""

    secret: ClassVar = frozenset({"name", "born", "phone"})

    key: str
    name: str
    born: str
    phone: str  # masked


class Differs(Exception):
    """A form that says otherwise than the record in what hardly changes; ``fields`` of the form."""

    def __init__(self, person: int, fields: tuple[str, ...]) -> None:
        super().__init__(", ".join(fields))
        self.person, self.fields = person, fields


class Named(Protocol):
    """A form, or a card: somebody by name and birth."""

    @property
    def name(self) -> str:
        """As it is written there."""
        ...

    @property
    def born(self) -> str:
        """``yyyy`` or ``yyyy-mm-dd``."""
        ...


def is_same(name: str, born: str, form: Named) -> bool:
    """Whether a form speaks of somebody of this name and year of birth, as far as they are known."""
    return _is_named(name, form) and _is_born(born, form)


def _is_named(name: str, form: Named) -> bool:
    return not name or bare(name) == bare(form.name)


def _is_born(born: str, form: Named) -> bool:
    return not born or born[:4] == form.born[:4]


def mend(
    connection: sa.Connection,
    ring: Keyring,
    person: int,
    form: Form,
    now: datetime,
    *,
    account: str = "",
    confirmed: bool = False,
) -> tuple[str, ...]:
    """Brings a record up to date and gives the fields that changed; ``account`` is empty for the person themself.

    Raises ``Differs`` when it would become somebody else's and nobody ``confirmed`` that it is a correction.
    """
    row = connection.execute(sa.select(people).where(people.c.id == person)).one()
    differing = _differing(row, form, by_staff=bool(account))
    if differing and not confirmed:
        raise Differs(person, differing)
    values = _values(row, form)
    changed = tuple(name for name in TRACED if getattr(row, name) != values[name])
    former = {name: getattr(row, name) for name in changed if getattr(row, name)}
    if former:
        keep(connection, ring, person, former, now, account)
    connection.execute(sa.update(people).where(people.c.id == person).values(values))
    naming.respell(connection, person, values["name"])
    return changed


def keep(
    connection: sa.Connection, ring: Keyring, person: int, was: dict[str, Any], now: datetime, account: str
) -> None:
    """Keeps what a record is about to lose, sealed, with who takes it away and when."""
    kept = {"at": now, "account": account, "sealed": ring.seal(msgspec.json.encode(was), _CONTEXT)}
    connection.execute(sa.insert(corrections).values(person=person, **kept))


def former(connection: sa.Connection, ring: Keyring, person: int) -> list[dict[str, Any]]:
    """What a record said before it was mended: when, by which account, and the values."""
    own = sa.select(corrections).where(corrections.c.person == person).order_by(corrections.c.at, corrections.c.id)
    return [
        {"at": row.at, "account": row.account, "was": msgspec.json.decode(ring.open(row.sealed, _CONTEXT))}
        for row in connection.execute(own)
    ]


def recorded(connection: sa.Connection, person: int) -> Recorded:
    """What stands in a record that a form differs from; whoever calls has made sure that it may be shown."""
    row = connection.execute(sa.select(people).where(people.c.id == person)).one()
    return Recorded(row.key.hex(), row.name, row.born, phones.mask(phones.spell(row.phone) or ""))


def values_of(form: Form, phone: str) -> dict[str, Any]:
    """A record's columns as a form gives them."""
    name = " ".join(form.name.split())
    return {
        "name": name,
        "born": form.born,
        "sex": form.sex,
        "nationality": form.nationality,
        "phone": phone,
        "address": msgspec.json.encode(form.address).decode() if form.address else "",
        "folded": naming.fold(name),
        "home": areas.lowest(form.address),
    }


def _differing(row: sa.Row[Any], form: Form, *, by_staff: bool) -> tuple[str, ...]:
    phone = phones.spell(form.phone)
    another_phone = by_staff and row.phone and phone and not phones.same(row.phone, phone)
    same = {"name": _is_named(row.name, form), "born": _is_born(row.born, form), "phone": not another_phone}
    return tuple(name for name, holds in same.items() if not holds)


def _values(row: sa.Row[Any], form: Form) -> dict[str, Any]:
    """The form's values, save where the record says the same more fully."""
    values = values_of(form, phones.spell(form.phone) or row.phone)
    if bare(row.name) == bare(form.name) == fold(form.name):  # typed without marks
        values |= {"name": row.name, "folded": row.folded}
    if row.born.startswith(form.born):
        values["born"] = row.born
    if form.address is None or _lies_deeper(row.address, form.address):
        values |= {"address": row.address, "home": row.home}
    return values


def _lies_deeper(known: str, given: Area) -> bool:
    """Whether the record's address is the one given and says hamlet or point besides."""
    if not known or given.hamlet or given.point:
        return False
    return msgspec.structs.replace(_areas.decode(known), hamlet="", point="") == given
