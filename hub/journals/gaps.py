"""Where rows of a station are missing: before others that wait, or at an end that its station takes for held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sqlalchemy as sa

from core.health import Health
from hub.stations.trouble import Gap
from hub.storage.tables import journals, waiting_rows


def found(connection: sa.Connection, said: Iterable[Health]) -> dict[str, Gap]:
    """The gap of each station that has one; ``said`` are the stations' last words."""
    gaps = {health.station: gap for health, gap in _at_the_end(connection, said) if gap is not None}
    return gaps | _before_waiting(connection)


def _before_waiting(connection: sa.Connection) -> dict[str, Gap]:
    same = sa.and_(waiting_rows.c.station == journals.c.station, waiting_rows.c.epoch == journals.c.epoch)
    wanted = (
        sa.select(journals.c.station, journals.c.epoch, journals.c.through, sa.func.min(waiting_rows.c.seq))
        .join_from(journals, waiting_rows, same)
        .where(journals.c.waiting > 0)
        .group_by(journals.c.station, journals.c.epoch, journals.c.through)
        .order_by(journals.c.station, journals.c.epoch.desc())
    )
    rows = connection.execute(wanted)
    return {station: Gap(epoch, through + 1, first - 1) for station, epoch, through, first in rows}


def _at_the_end(connection: sa.Connection, said: Iterable[Health]) -> Iterable[tuple[Health, Gap | None]]:
    believing = [each for each in said if each.journal.epoch and each.journal.believed]
    if not believing:
        return []
    held = _held(connection)
    return [(each, end(each, held.get((each.station, each.journal.epoch), 0))) for each in believing]


def _held(connection: sa.Connection) -> Mapping[tuple[str, str], int]:
    wanted = sa.select(journals.c.station, journals.c.epoch, journals.c.through)
    return {(station, epoch): through for station, epoch, through in connection.execute(wanted)}


def end(said: Health, through: int) -> Gap | None:
    """What a station takes for held at the end of its journal and the hub has not."""
    journal = said.journal
    return Gap(journal.epoch, through + 1, journal.believed) if journal.believed > through else None
