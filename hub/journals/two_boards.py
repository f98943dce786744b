"""Two boards of one name: a journal that goes on although a newer one of the same station has begun."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from core import rows
from core.wire import Row
from hub.journals.intake import newest_first
from hub.stations.alarms import raise_alarm
from hub.storage.tables import journal_rows

CLOCKS_DIFFER_BY = timedelta(minutes=5)


def notice(connection: sa.Connection, last: Row | None, first_at: datetime | None, now: datetime) -> None:
    """Raises an alarm when the journal whose ``last`` row was just read, begun at ``first_at``, is another board's.

    Rows written before the newer journal's first one are only late: a replaced board's card, or a salvaged journal.
    One that came later and had ended before this one began is only late, too.
    """
    if last is None or last.clock.source == "guess":
        return
    for newer in _arrived_after(connection, last):
        late = newer.first_at is None or last.at - newer.first_at <= CLOCKS_DIFFER_BY
        if not late and not _ended_before(connection, last.station, newer.epoch, first_at):
            since = f"journal {last.epoch} goes on although journal {newer.epoch} began later"
            detail = f"{since}: two boards share this name"
            facts = {"journal": last.epoch, "newest": newer.epoch}
            raise_alarm(connection, "two-stations", last.station, "epochs", detail, now, facts=facts)
            return


def _arrived_after(connection: sa.Connection, row: Row) -> Iterator[sa.Row[tuple[str, datetime | None]]]:
    """The journals of the same name that the hub has heard of since, the newest first."""
    for found in connection.execute(newest_first(), {"of": row.station}).all():
        if found.epoch == row.epoch:
            return
        yield found


def _ended_before(connection: sa.Connection, station: str, epoch: str, began: datetime | None) -> bool:
    table = journal_rows.c
    own = sa.and_(table.station == station, table.epoch == epoch, table.refused.is_(None), table.raw != b"")
    raw = connection.scalar(sa.select(table.raw).where(own).order_by(table.seq.desc()).limit(1))
    try:
        return raw is not None and began is not None and rows.decode(raw).at < began
    except ValueError:
        return False
