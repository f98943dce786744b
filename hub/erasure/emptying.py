"""Journal rows emptied: their bytes go, their hash stays, so that the chain around them can still be proven.

The row after an emptied one carries its hash as before; the emptied row's own claim about the row before it is kept
beside, in ``emptied_rows``, on the hub's word alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from core import rows
from hub.storage.keeping_tables import emptied_rows
from hub.storage.store import insert
from hub.storage.tables import journal_rows, waiting_rows

EMPTY = b""


class RowKey(NamedTuple):
    """Which row of which journal."""

    station: str
    epoch: str
    seq: int


def empty(connection: sa.Connection, keys: Iterable[RowKey], now: datetime) -> int:
    """Takes the bytes from rows the journals hold; gives how many still had any."""
    return sum(_empty(connection, key, now) for key in keys)


def empty_waiting(connection: sa.Connection, keys: Iterable[RowKey], now: datetime) -> int:
    """The same for rows that wait beside a gap; when it fills they join their journal empty."""
    return sum(_empty(connection, key, now, waiting_rows) for key in keys)


def _empty(connection: sa.Connection, key: RowKey, now: datetime, table: sa.Table = journal_rows) -> bool:
    own = sa.and_(table.c.station == key.station, table.c.epoch == key.epoch, table.c.seq == key.seq)
    raw = connection.scalar(sa.select(table.c.raw).where(own))
    if not raw:
        return False
    connection.execute(sa.update(table).where(own).values(raw=EMPTY))
    said = {**key._asdict(), "previous": _previous(raw), "emptied": now}
    connection.execute(insert(connection, emptied_rows).values(said).on_conflict_do_nothing())
    return True


def _previous(raw: bytes) -> str:
    try:
        return rows.decode(raw).previous
    except ValueError:
        return ""
