"""What a station learnt later about a row of its own: the verdict asked again, and what its clock had been worth.

The row itself never changes; what was read from it does.  A better clock moves the visit: the amendment's own time,
less the seconds that the board counted between the two rows, provided both were written in one boot.  That is judged
against the row's arrival as its own time was: no visit is of the future.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from core import rows
from core.wire import Row
from hub.register.standings import moment
from hub.storage.tables import journal_rows, visits


def about(connection: sa.Connection, station: str, epoch: str, seqs: Sequence[int]) -> list[Row]:
    """Every decision and amendment that the journal holds about these rows, in its order."""
    if not seqs:
        return []
    table, wanted, found = journal_rows.c, set(seqs), []
    later = sa.and_(table.station == station, table.epoch == epoch, table.seq > min(seqs), table.refused.is_(None))
    for raw in connection.scalars(sa.select(table.raw).where(later, _speaks(connection)).order_by(table.seq)):
        try:
            row = rows.decode(raw)
        except ValueError:
            continue  # not read yet, or no row at all
        if row.about in wanted and row.type in ("decision", "amendment"):
            found.append(row)
    return found


def _speaks(connection: sa.Connection) -> sa.ColumnElement[bool]:
    """Whether a row's bytes hold the field at all: most do not, and need not be read."""
    field = sa.literal(b'"about":', sa.LargeBinary)
    if connection.dialect.name == "sqlite":
        return sa.func.instr(journal_rows.c.raw, field) > 0
    return sa.func.position(field.op("IN")(journal_rows.c.raw)) > 0


def amend(connection: sa.Connection, row: Row) -> bool:
    """Applies an amendment to the visit that the row it speaks of became; to none when there is none.

    Gives whether it says when that was.
    """
    changed: dict[str, Any] = {}
    if row.outcome is not None:
        changed["outcome"] = row.outcome.value
    if row.clock.source != "guess" and (at := _true_time(connection, row)) is not None:
        changed |= {"at": at, "dated": True}
    if changed:
        epoch, seq = row.speaks_of
        own = sa.and_(visits.c.station == row.station, visits.c.epoch == epoch, visits.c.seq == seq)
        connection.execute(sa.update(visits).where(own).values(changed))
    return "at" in changed


def _true_time(connection: sa.Connection, row: Row) -> datetime | None:
    """When the row spoken of was written, if its clock was a guess and the board has not started anew since."""
    table = journal_rows.c
    epoch, seq = row.speaks_of
    own = sa.and_(table.station == row.station, table.epoch == epoch, table.seq == seq)
    found = connection.execute(sa.select(table.raw, table.arrived).where(own)).first()
    if found is None:
        return None
    try:
        first = rows.decode(found.raw)
    except ValueError:
        return None
    passed = row.clock.monotonic - first.clock.monotonic
    if first.clock.source != "guess" or first.clock.boot != row.clock.boot or not 0 <= passed < _LONGEST_BOOT:
        return None
    return moment(row.at - timedelta(seconds=passed), found.arrived)


_LONGEST_BOOT = timedelta(days=3650) / timedelta(seconds=1)
