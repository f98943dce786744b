"""What is still to be told of alarms, and by which way: kept in the database, so that it outlives the hub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub.stations.alarms import Event
from hub.storage.alarm_tables import alarm_events, alarm_tellings
from hub.storage.health_tables import watches
from hub.storage.store import insert

AT_ONCE = 100
"""So many alarms go in one message; what is more goes in the next."""

LEASE = timedelta(minutes=2)
"""For how long another hub on this database keeps its hands off what this one is telling."""

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=15)
GIVEN_UP_AFTER = timedelta(days=1)


def begin(connection: sa.Connection, way: str, now: datetime) -> datetime:
    """From when on alarms are told by this way: since a hub was first set up to; nobody wants the past of before."""
    row = insert(connection, watches).values(name=f"tell-{way}", looked=now)
    connection.execute(row.on_conflict_do_nothing())
    return connection.scalar(sa.select(watches.c.looked).where(watches.c.name == f"tell-{way}")) or now


def offer(
    connection: sa.Connection, way: str, kinds: Sequence[str], what: Sequence[str], now: datetime, due: datetime
) -> None:
    """Puts down what has happened and is to be told by this way at ``due``; empty ``kinds`` are all of them."""
    since = max(begin(connection, way, now), now - GIVEN_UP_AFTER)
    there = sa.select(alarm_tellings.c.event).where(alarm_tellings.c.way == way)
    values = (alarm_events.c.id, sa.literal(way), sa.literal(0), sa.literal(due, alarm_events.c.at.type))
    fresh = sa.select(*values).where(
        alarm_events.c.at >= since, alarm_events.c.what.in_(what), alarm_events.c.id.not_in(there)
    )
    if kinds:
        fresh = fresh.where(alarm_events.c.kind.in_(kinds))
    made = insert(connection, alarm_tellings).from_select(["event", "way", "tries", "due"], fresh)
    connection.execute(made.on_conflict_do_nothing())


def claim(connection: sa.Connection, way: str, now: datetime) -> list[Event]:
    """What is due, oldest first; it is nobody else's until its lease ends."""
    waits = sa.and_(alarm_tellings.c.way == way, alarm_tellings.c.told.is_(None), alarm_tellings.c.due <= now)
    wanted = sa.select(alarm_events).join(alarm_tellings, alarm_tellings.c.event == alarm_events.c.id).where(waits)
    wanted = wanted.order_by(alarm_events.c.id).limit(AT_ONCE).with_for_update(skip_locked=True)
    found = [Event.of(row) for row in connection.execute(wanted)]
    taken = sa.update(alarm_tellings).where(_of(way, found))
    connection.execute(taken.values(due=now + LEASE, tries=alarm_tellings.c.tries + 1))
    return found


def told(connection: sa.Connection, way: str, events: Iterable[Event], now: datetime) -> None:
    """These were taken."""
    connection.execute(sa.update(alarm_tellings).where(_of(way, events)).values(told=now))


def failed(connection: sa.Connection, way: str, events: Sequence[Event], now: datetime) -> datetime:
    """These were not: tried again after a pause that grows with every failure; when."""
    tries = int(connection.scalar(sa.select(sa.func.max(alarm_tellings.c.tries)).where(_of(way, events))) or 1)
    due: datetime = now + min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(tries - 1, 16))
    connection.execute(sa.update(alarm_tellings).where(_of(way, events)).values(due=due))
    return due


def give_up(connection: sa.Connection, now: datetime) -> int:
    """Forgets what could not be told for a day; how many."""
    old = sa.select(alarm_events.c.id).where(alarm_events.c.at < now - GIVEN_UP_AFTER)
    lost = sa.and_(alarm_tellings.c.told.is_(None), alarm_tellings.c.event.in_(old))
    return connection.execute(sa.delete(alarm_tellings).where(lost)).rowcount


def _of(way: str, events: Iterable[Event]) -> sa.ColumnElement[bool]:
    return sa.and_(alarm_tellings.c.way == way, alarm_tellings.c.event.in_([each.id for each in events]))
