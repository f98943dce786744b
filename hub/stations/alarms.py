"""Things a person must look at: one line a matter, counted when it happens again, never a flood.

A matter that is over is *cleared*; one that somebody has seen is *acknowledged*, until it begins anew.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import msgspec
import sqlalchemy as sa

from hub.stations.trouble import Kind as TroubleKind
from hub.stations.watch import Change, Matter, MatterKind
from hub.storage.alarm_tables import alarm_events, alarm_tellings
from hub.storage.store import insert
from hub.storage.tables import alarms

log = logging.getLogger(__name__)

Kind = (
    Literal["conflict", "chain-broken", "two-stations", "lost-rows", "shared-code", "province", "other-verdict"]
    | MatterKind
)

What = Literal["began", "over", "seen"]

_facts = msgspec.json.Decoder(dict[str, str])

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
    facts: Mapping[str, str] | None = None,
) -> None:
    """Opens an alarm, or counts it once more; ``detail`` holds no personal data, ``facts`` are its parts, to be worded.

    One that was cleared begins anew, and must be acknowledged anew.
    """
    begun = since or now
    over = alarms.c.cleared.is_not(None)
    again = {
        "detail": detail,
        "facts": _said(facts),
        "first": sa.case((over, sa.literal(begun, alarms.c.first.type)), else_=alarms.c.first),
        "last": now,
        "times": alarms.c.times + 1,
        "acknowledged": sa.case((over, None), else_=alarms.c.acknowledged),
        "acknowledged_by": sa.case((over, None), else_=alarms.c.acknowledged_by),
        "cleared": None,
    }
    own = _own(kind, station, subject)
    stood = connection.execute(sa.select(alarms.c.cleared).where(own).with_for_update()).first()
    if stood is None or stood.cleared is not None:
        _write_down(connection, (kind, station, subject), "began", begun, detail, _said(facts))
    if connection.execute(sa.update(alarms).where(own).values(again)).rowcount:
        return
    row = {"kind": kind, "station": station, "subject": subject, "detail": detail, "facts": _said(facts)}
    statement = insert(connection, alarms).values(first=begun, last=now, times=1, **row)
    connection.execute(statement.on_conflict_do_update(index_elements=["kind", "station", "subject"], set_=again))
    log.error("alarm", extra={"alarm": kind, "station": station, "subject": subject, "detail": detail})


def clear_alarm(connection: sa.Connection, kind: str, station: str, subject: str, now: datetime) -> None:
    """Ends an alarm; nothing happens when it does not stand."""
    standing = sa.and_(_own(kind, station, subject), alarms.c.cleared.is_(None))
    detail = connection.scalar(sa.select(alarms.c.detail).where(standing)) or ""
    if connection.execute(sa.update(alarms).where(standing).values(cleared=now)).rowcount:
        _write_down(connection, (kind, station, subject), "over", now, detail)
        log.info("alarm over", extra={"alarm": kind, "station": station, "subject": subject})


def acknowledge(connection: sa.Connection, kind: str, station: str, subject: str, by: str, now: datetime) -> bool:
    """Notes that somebody has seen an alarm; False when there is none or somebody had."""
    unseen = sa.and_(_own(kind, station, subject), alarms.c.acknowledged.is_(None))
    values = {"acknowledged": now, "acknowledged_by": by}
    if not connection.execute(sa.update(alarms).where(unseen).values(values)).rowcount:
        return False
    _write_down(connection, (kind, station, subject), "seen", now, by=by)
    return True


def _write_down(
    connection: sa.Connection,
    own: tuple[str, str, str],
    what: What,
    at: datetime,
    detail: str = "",
    facts: str = "{}",
    by: str = "",
) -> None:
    kind, station, subject = own
    row = {"kind": kind, "station": station, "subject": subject, "what": what, "at": at}
    connection.execute(sa.insert(alarm_events).values(detail=detail, facts=facts, by=by, **row))


def _said(facts: Mapping[str, str] | None) -> str:
    return msgspec.json.encode(dict(facts or {})).decode()


class Event(msgspec.Struct, frozen=True):
    """Something that happened to an alarm; ``what`` is began, over or seen, ``by`` who has seen it."""

    id: int
    kind: str
    station: str
    subject: str
    what: str
    at: datetime
    detail: str
    facts: dict[str, str]
    by: str

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Event:
        """The event in a row of its table."""
        own = (row.id, row.kind, row.station, row.subject, row.what, row.at)
        return cls(*own, row.detail, _facts.decode(row.facts), row.by)


def history(connection: sa.Connection, station: str, at_most: int) -> list[Event]:
    """What happened to a station's alarms, newest first."""
    wanted = sa.select(alarm_events).where(alarm_events.c.station == station)
    newest = wanted.order_by(alarm_events.c.at.desc(), alarm_events.c.id.desc()).limit(at_most)
    return [Event.of(row) for row in connection.execute(newest)]


def keep(connection: sa.Connection, changes: Iterable[Change]) -> None:
    """Writes down what the watch over the fleet found."""
    for change in changes:
        _keep(connection, change)


def _keep(connection: sa.Connection, change: Change) -> None:
    matter = change.matter
    if change.over:
        clear_alarm(connection, matter.kind, matter.station, matter.subject, change.at)
        return
    own = (matter.kind, matter.station, matter.subject)
    stands = sa.and_(_own(*own), alarms.c.cleared.is_(None))
    anew = sa.update(alarms).where(stands).values(detail=matter.detail, facts=_said(matter.facts), last=change.at)
    if not connection.execute(anew).rowcount:  # else another hub on this database told of it first, or it grew
        raise_alarm(connection, *own, matter.detail, change.at, since=matter.since, facts=matter.facts)


def standing_matters(connection: sa.Connection) -> list[Matter]:
    """What the watch over the fleet had found and not ended when a hub last looked."""
    wanted = sa.select(alarms).where(alarms.c.cleared.is_(None), alarms.c.kind.in_(WATCHED))
    return [
        Matter(row.kind, row.station, row.subject, row.first, row.detail, facts=_facts.decode(row.facts))
        for row in connection.execute(wanted)
    ]


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
    facts: dict[str, str] = {}


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
            _facts.decode(row.facts),
        )
        for row in connection.execute(wanted)
    ]


def forget(connection: sa.Connection, before: datetime) -> int:
    """Erases alarms of the fleet's that were over before a moment, and what happened before it; how many alarms."""
    connection.execute(sa.delete(alarm_tellings).where(alarm_tellings.c.event.in_(_old_events(before))))
    connection.execute(sa.delete(alarm_events).where(alarm_events.c.at < before))
    old = sa.and_(alarms.c.cleared < before, alarms.c.kind.in_(WATCHED))
    return connection.execute(sa.delete(alarms).where(old)).rowcount


def _old_events(before: datetime) -> sa.Select[tuple[int]]:
    return sa.select(alarm_events.c.id).where(alarm_events.c.at < before)


def _own(kind: str, station: str, subject: str) -> sa.ColumnElement[bool]:
    return sa.and_(alarms.c.kind == kind, alarms.c.station == station, alarms.c.subject == subject)
