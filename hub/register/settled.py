"""Which visits stand where they belong in time: all but those that a word already heard has still to move."""

from __future__ import annotations

import sqlalchemy as sa

from hub.storage.boot_tables import boots


def settled(visit: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a visit's moment is the best that is known; one that is still to be moved is of no moment for now."""
    heard = sa.exists(sa.text("1")).where(
        boots.c.station == visit.c.station,
        boots.c.boot == visit.c.boot,
        boots.c.uptime > visit.c.uptime,
        boots.c.amends,
    )
    return sa.or_(visit.c.dated, sa.not_(heard.correlate(visit)))
