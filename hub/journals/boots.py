"""Rows of a boot dated by a clock that nobody had set, put right when the station learns what time it is.

An amendment row of cause ``clock`` says what time it is at its place in the boot.  Every row of that boot before it, of
whichever journal of the station's, was written the counted seconds earlier.  A row goes by the first amendment after
it, so that neither the order in which journals arrive nor how often they are read changes anything.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from core import rows
from core.wire import Row, RowClock
from hub.register.standings import moment
from hub.storage.store import insert
from hub.storage.tables import boots, journal_rows, visits

CAUSE = "clock"
BOOT_AT_MOST = 64
_LONGEST = timedelta(days=3650).total_seconds()
_MILLI = 1000
_ROWS_AT_ONCE = 500


class Written(msgspec.Struct, frozen=True):
    """A row's identity beside its station, its clock, and when it arrived."""

    epoch: str
    seq: int
    clock: RowClock
    arrived: datetime


def unsure(clock: RowClock) -> bool:
    """Whether a row's clock was nobody's word, and the hub had not said by how much it was off."""
    return clock.source in ("guess", "rtc") and clock.offset is None


def own_time(row: Row) -> datetime:
    """A row's time by its own clock, moved by what the hub had said of that clock when it wrote the row."""
    offset = row.clock.offset
    if row.clock.source != "guess" or offset is None or not abs(offset) < _LONGEST * 10:
        return row.at
    try:
        return row.at + timedelta(seconds=offset)
    except OverflowError:
        return row.at


def is_of_boot(row: Row) -> bool:
    """Whether a row is an amendment of everything before it in its boot."""
    return (
        row.type == "amendment"
        and not row.speaks_of[1]
        and row.cause == CAUSE
        and row.clock.source in ("ntp", "hub")
        and 0 <= row.clock.monotonic < _LONGEST
        and len(row.clock.boot) <= BOOT_AT_MOST
    )


def learn(connection: sa.Connection, amendments: Sequence[Row]) -> None:
    """Notes what time it was in these rows' boots, and dates the rows that are held already."""
    for row in amendments:
        known = {
            "station": row.station,
            "boot": row.clock.boot,
            "uptime": round(row.clock.monotonic * _MILLI),
            "at": row.at,
        }
        connection.execute(insert(connection, boots).on_conflict_do_nothing(), known)
        _date_held(connection, row.station, row.clock.boot)


def date(connection: sa.Connection, station: str, written: Iterable[Written]) -> None:
    """Dates visits of rows that arrived after it had been learnt what time it was in their boot."""
    by_boot: dict[str, list[Written]] = {}
    for one in written:
        if unsure(one.clock):
            by_boot.setdefault(one.clock.boot, []).append(one)
    for boot, those in by_boot.items():
        if known := _known(connection, station, boot):
            _move(connection, station, those, known)


def _known(connection: sa.Connection, station: str, boot: str) -> list[tuple[float, datetime]]:
    wanted = sa.select(boots.c.uptime, boots.c.at).where(boots.c.station == station, boots.c.boot == boot)
    return [(uptime / _MILLI, at) for uptime, at in connection.execute(wanted.order_by(boots.c.uptime))]


def _date_held(connection: sa.Connection, station: str, boot: str) -> None:
    known, table = _known(connection, station, boot), journal_rows.c
    of_boot = sa.or_(*(_holds(connection, source, boot) for source in ("guess", "rtc")))
    held = sa.select(table.epoch, table.seq, table.raw, table.arrived).where(
        table.station == station, table.refused.is_(None), of_boot
    )
    some: list[Written] = []
    for each in connection.execute(held.order_by(table.epoch, table.seq)):
        try:
            clock = rows.decode(each.raw).clock
        except ValueError:
            continue  # not read yet, or no row at all
        if clock.boot == boot and unsure(clock):
            some.append(Written(each.epoch, each.seq, clock, each.arrived))
        if len(some) == _ROWS_AT_ONCE:
            _move(connection, station, some, known)
            some = []
    _move(connection, station, some, known)


def _holds(connection: sa.Connection, source: str, boot: str) -> sa.ColumnElement[bool]:
    """Whether a row's bytes say that clock and boot: a station writes them in this order, and most rows say others."""
    text = b'"clock":{"source":%s,"boot":%s' % (msgspec.json.encode(source), msgspec.json.encode(boot))
    said = sa.literal(text, sa.LargeBinary)
    if connection.dialect.name == "sqlite":
        return sa.func.instr(journal_rows.c.raw, said) > 0
    return sa.func.position(said.op("IN")(journal_rows.c.raw)) > 0


def _move(
    connection: sa.Connection, station: str, written: Sequence[Written], known: Sequence[tuple[float, datetime]]
) -> None:
    uptimes = [uptime for uptime, _ in known]
    moved = []
    for one in written:
        after = bisect_right(uptimes, one.clock.monotonic)
        if after < len(known):
            uptime, at = known[after]
            try:
                true = moment(at - timedelta(seconds=uptime - one.clock.monotonic), one.arrived)
            except OverflowError:
                continue  # no board counts such seconds
            moved.append({"of_epoch": one.epoch, "of_seq": one.seq, "true": true})
    if moved:
        own = sa.and_(
            visits.c.station == station,
            visits.c.epoch == sa.bindparam("of_epoch"),
            visits.c.seq == sa.bindparam("of_seq"),
        )
        connection.execute(sa.update(visits).where(own).values(at=sa.bindparam("true")), moved)
