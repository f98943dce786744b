"""Rows that came under a number already held with other content: both are kept, and named here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
import sqlalchemy as sa

from hub.storage.tables import conflicting_rows, journal_rows

AT_ONCE = 1_000


class Conflict(msgspec.Struct, frozen=True):
    """One row that contradicts a held one: when it came and its size in bytes, the hashes of both.

    ``held`` is empty where retention has taken the other since.
    """

    station: str
    epoch: str
    seq: int
    arrived: datetime
    size: int
    came: str
    held: str


def listed(connection: sa.Connection, station: str) -> Iterator[Conflict]:
    """Every one of a station's, by journal and number."""
    row, other = conflicting_rows.c, journal_rows.c
    same = sa.and_(other.station == row.station, other.epoch == row.epoch, other.seq == row.seq)
    wanted = (
        sa.select(
            *(row.station, row.epoch, row.seq, row.arrived, sa.func.length(row.raw), row.digest, other.digest),
        )
        .select_from(conflicting_rows.outerjoin(journal_rows, same))
        .where(row.station == station)
        .order_by(row.epoch, row.seq, row.arrived, row.digest)
    )
    for found in connection.execution_options(yield_per=AT_ONCE).execute(wanted):
        yield Conflict(*found[:-2], came=found[-2].hex(), held=(found[-1] or b"").hex())
