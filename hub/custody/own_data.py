"""Everything the hub knows of one person, as the person may ask for it: one JSON object, in clear."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from hub.custody import holds
from hub.custody.erasing import Unknown
from hub.register import mending
from hub.storage.account_tables import audit, audit_shown
from hub.storage.keyring import Keyring
from hub.storage.tables import declarations, identities, people, places, visits

_COUNTED = ("counted_symptoms", "counted_exposures")
_JSON = ("symptoms", "exposures", "origin", "destination", "details", *_COUNTED)  # columns that hold JSON
_NOT_SHOWN = ("id", "person", "sheet")


def export(connection: sa.Connection, ring: Keyring, person: int, *, to_phone: bool = False) -> dict[str, Any]:
    """The registry's record, codes, declarations, check-ins, holds and look-ups; ``Unknown`` when nobody is meant.

    ``to_phone``: to the phone that holds the record; one that claimed it without showing a card is told no check-ins
    from before that.  The journal's sealed rows say nothing beyond the check-ins and are left out.
    """
    found = connection.execute(sa.select(people).where(people.c.id == person)).mappings().first()
    if found is None:
        raise Unknown
    return {
        "person": _person(connection, found),
        "identities": _identities(connection, ring, person),
        "corrections": mending.former(connection, ring, person),
        "declarations": _declarations(connection, person),
        "checkins": _checkins(connection, person, found["claimed"] if to_phone else None),
        "holds": [msgspec.to_builtins(hold) for hold in holds.of(connection, person)],
        "looked_up": _looked_up(connection, found["key"]),
    }


def _person(connection: sa.Connection, found: sa.RowMapping) -> dict[str, Any]:
    own = {name: found[name] for name in ("name", "born", "sex", "nationality", "phone", "ref")}
    guardian = connection.scalar(sa.select(people.c.name).where(people.c.id == found["guardian"]))
    return {**own, "key": found["key"].hex(), "address": _read(found["address"]), "declared_for_by": guardian}


def _identities(connection: sa.Connection, ring: Keyring, person: int) -> list[dict[str, str]]:
    own = sa.select(identities).where(identities.c.person == person).order_by(identities.c.scheme)
    return [{"scheme": row.scheme, "value": ring.open_value(row.sealed, row.digest)} for row in connection.execute(own)]


def _declarations(connection: sa.Connection, person: int) -> list[dict[str, Any]]:
    own = sa.select(declarations).where(declarations.c.person == person).order_by(declarations.c.at)
    return [
        {
            name: _read(value) if name in _JSON else value
            for name, value in row.items()
            if name not in ("id", "person", "sheet")
        }
        for row in connection.execute(own).mappings()
    ]


def _checkins(connection: sa.Connection, person: int, since: datetime | None) -> list[dict[str, Any]]:
    of_place = visits.outerjoin(places, places.c.code == visits.c.place)
    columns = (visits.c.at, visits.c.place, places.c.name.label("place_name"), visits.c.direction, visits.c.outcome)
    own = sa.select(*columns).select_from(of_place).where(visits.c.person == person).order_by(visits.c.at)
    if since is not None:
        own = own.where(visits.c.at >= since)
    return [dict(row) for row in connection.execute(own).mappings()]


def _looked_up(connection: sa.Connection, key: bytes) -> list[dict[str, Any]]:
    lists = sa.select(audit_shown.c.seq).where(audit_shown.c.person == key)
    about = sa.or_(audit.c.person == key, audit.c.seq.in_(lists))
    own = sa.select(audit.c.at, audit.c.role, audit.c.action, audit.c.why).where(about)
    return [dict(row) for row in connection.execute(own.order_by(audit.c.at)).mappings()]


def _read(text: str) -> Any:  # noqa: ANN401  # whatever JSON holds
    return msgspec.json.decode(text) if text else None
