"""Things a person must look at: one line a matter, counted when it happens again, never a flood.

A matter that is over is *cleared*; one that somebody has seen is *acknowledged*, until it begins anew.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Literal, get_args

import msgspec
import sqlalchemy as sa

from hub.stations.trouble import Kind as TroubleKind
from hub.stations.watch import Change, Matter, MatterKind
from hub.storage.store import insert
from hub.storage.tables import alarms

log = logging.getLogger(__name__)

Kind = (
    Literal["conflict", "chain-broken", "two-stations", "lost-rows", "shared-code", "province", "other-verdict"]
    | MatterKind
)

WATCHED = frozenset({*get_args(TroubleKind), "silent-group", "broker", "hub-away"})
"""Those that the hub's watch over the fleet begins and ends by itself."""

TOLD = ("conflict", "chain-broken", "two-stations")
"""Those that are the station's own matter."""

TOLD_FOR = timedelta(hours=1)
"""How long after it last happened a station is told of its alarm with every ``held`` mark."""


def raise_alarm(
    connection: sa.Connection,
    kind: Kind,
    station: str,
    subject: str,
    detail: str,
    now: datetime,
    *,
    since: datetime | None = None,
) -> None:
    """Opens an alarm, or counts it once more; ``detail`` holds no personal data.

    One that was cleared begins anew, and must be acknowledged anew.
    """
    begun = since or now
    over = alarms.c.cleared.is_not(None)
    again = {
        "detail": detail,
        "first": sa.case((over, sa.literal(begun, alarms.c.first.type)), else_=alarms.c.first),
        "last": now,
        "times": alarms.c.times + 1,
        "acknowledged": sa.case((over, None), else_=alarms.c.acknowledged),
        "acknowledged_by": sa.case((over, None), else_=alarms.c.acknowledged_by),
        "cleared": None,
    }
    if connection.execute(sa.update(alarms).where(_own(kind, station, subject)).values(again)).rowcount:
        return
    row = {"kind": kind, "station": station, "subject": subject, "detail": detail}
    statement = insert(connection, alarms).values(first=begun, last=now, times=1, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["kind", "station", "subject"], set_=again))
    log.error("alarm", extra={"alarm": kind, "station": station, "subject": subject, "detail": detail})


def clear_alarm(connection: sa.Connection, kind: str, station: str, subject: str, now: datetime) -> None:
    """Ends an alarm; nothing happens when it does not stand."""
    standing = sa.and_(_own(kind, station, subject), alarms.c.cleared.is_(None))
    if connection.execute(sa.update(alarms).where(standing).values(cleared=now)).rowcount:
        log.info("alarm over", extra={"alarm": kind, "station": station, "subject": subject})


def acknowledge(connection: sa.Connection, kind: str, station: str, subject: str, by: str, now: datetime) -> bool:
    """Notes that somebody has seen an alarm; False when there is none or somebody had."""
    unseen = sa.and_(_own(kind, station, subject), alarms.c.acknowledged.is_(None))
    values = {"acknowledged": now, "acknowledged_by": by}
    return bool(connection.execute(sa.update(alarms).where(unseen).values(values)).rowcount)


def keep(connection: sa.Connection, change: Change) -> None:
    """Writes down what the watch over the fleet found."""
    matter = change.matter
    if change.over:
        clear_alarm(connection, matter.kind, matter.station, matter.subject, change.at)
        return
    own = (matter.kind, matter.station, matter.subject)
    stands = sa.and_(_own(*own), alarms.c.cleared.is_(None))
    anew = sa.update(alarms).where(stands).values(detail=matter.detail, last=change.at)
    if not connection.execute(anew).rowcount:  # else another hub on this database told of it first, or it grew
        raise_alarm(connection, *own, matter.detail, change.at, since=matter.since)


def standing_matters(connection: sa.Connection) -> list[Matter]:
    """What the watch over the fleet had found and not ended when a hub last looked."""
    wanted = sa.select(alarms).where(alarms.c.cleared.is_(None), alarms.c.kind.in_(WATCHED))
    return [Matter(row.kind, row.station, row.subject, row.first, row.detail) for row in connection.execute(wanted)]


def told_to(connection: sa.Connection, station: str, now: datetime) -> str:
    """The alarm this station is to be told of, or an empty text."""
    return connection.scalar(_RECENT, {"of": station, "since": now - TOLD_FOR}) or ""


_RECENT = (
    sa.select(alarms.c.kind)
    .where(alarms.c.station == sa.bindparam("of"), alarms.c.kind.in_(TOLD), alarms.c.last > sa.bindparam("since"))
    .order_by(alarms.c.last.desc())
    .limit(1)
)


class Alarm(msgspec.Struct, frozen=True):
    """One matter somebody must look at; it stands while it is not ``cleared``."""

    kind: str
    station: str
    subject: str
    detail: str
    first: datetime
    last: datetime
    times: int
    cleared: datetime | None = None
    acknowledged: datetime | None = None
    acknowledged_by: str = ""


def listed(connection: sa.Connection, since: datetime | None = None, *, standing: bool = False) -> list[Alarm]:
    """Every alarm, newest first; with ``since`` those that happened from then on, ``standing`` those not over."""
    wanted = sa.select(alarms).order_by(alarms.c.last.desc(), alarms.c.kind, alarms.c.station)
    if since is not None:
        wanted = wanted.where(alarms.c.last >= since)
    if standing:
        wanted = wanted.where(alarms.c.cleared.is_(None))
    return [
        Alarm(
            row.kind,
            row.station,
            row.subject,
            row.detail,
            row.first,
            row.last,
            row.times,
            row.cleared,
            row.acknowledged,
            row.acknowledged_by or "",
        )
        for row in connection.execute(wanted)
    ]


def forget(connection: sa.Connection, before: datetime) -> int:
    """Erases alarms of the fleet's that were over before a moment; how many."""
    old = sa.and_(alarms.c.cleared < before, alarms.c.kind.in_(WATCHED))
    return connection.execute(sa.delete(alarms).where(old)).rowcount


def _own(kind: str, station: str, subject: str) -> sa.ColumnElement[bool]:
    return sa.and_(alarms.c.kind == kind, alarms.c.station == station, alarms.c.subject == subject)
