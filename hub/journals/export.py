"""Records out: every row the hub holds, opened as far as it can be read, with the person key and no names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from core import rows
from hub.storage.keyring import Keyring
from hub.storage.tables import identities, journal_rows, people, visits

CHUNK = 500
_UNSAID = ("sealed", "tag", "previous")  # ciphertext and hashes say nothing to a reader


def checkins(
    connection: sa.Connection, station: str | None = None, since: datetime | None = None, ring: Keyring | None = None
) -> Iterator[dict[str, Any]]:
    """Rows in the order of their journals, each ready for JSON; with a key ring also name and numbers, in clear."""
    for found in connection.execution_options(yield_per=CHUNK).execute(_statement(station, since)):
        yield _record(found) if ring is None else _record(found) | _names(connection, found, ring)


def _statement(station: str | None, since: datetime | None) -> sa.Select[Any]:
    row = journal_rows.c
    same = sa.and_(visits.c.station == row.station, visits.c.epoch == row.epoch, visits.c.seq == row.seq)
    wanted = (
        sa.select(
            *(row.station, row.epoch, row.seq, row.raw, row.arrived, row.refused),
            *(visits.c.went_in, people.c.id.label("person_id"), people.c.key, people.c.name),
        )
        .select_from(journal_rows.outerjoin(visits, same).outerjoin(people, people.c.id == visits.c.person))
        .order_by(row.station, row.epoch, row.seq)
    )
    if station is not None:
        wanted = wanted.where(row.station == station)
    return wanted if since is None else wanted.where(row.arrived >= since)


def _record(found: sa.Row[Any]) -> dict[str, Any]:
    known = {"station": found.station, "epoch": found.epoch, "seq": found.seq, "arrived": found.arrived}
    if found.refused is not None:
        return {**known, "refused": found.refused}
    if not found.raw:
        return {**known, "emptied": True}
    try:
        row = msgspec.to_builtins(rows.decode(found.raw))
    except ValueError:
        return {**known, "refused": "not read yet"}
    said = {key: value for key, value in row.items() if key not in _UNSAID}
    person = None if found.key is None else found.key.hex()
    return {**known, **said, "person": person, "went_in": found.went_in}


def _names(connection: sa.Connection, found: sa.Row[Any], ring: Keyring) -> dict[str, Any]:
    if found.person_id is None:
        return {"name": None, "identities": []}
    own = sa.select(identities).where(identities.c.person == found.person_id)
    return {
        "name": found.name,
        "identities": [
            {"scheme": each.scheme, "value": ring.open_value(each.sealed, each.digest)}
            for each in connection.execute(own)
        ],
    }
