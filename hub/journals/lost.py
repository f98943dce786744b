"""Ranges that are lost: numbers that no card has any more and the hub never held.

A hub put back from a backup older than cards keep their rows, or a card without its beginning, leaves a gap that never
fills.  Its station says so; the range is noted, an alarm names it, and the journal goes on behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa

from core.wire import Batch
from hub.stations.alarms import raise_alarm
from hub.storage.keeping_tables import lost_ranges
from hub.storage.store import insert


class Range(msgspec.Struct, frozen=True):
    """A stretch of lost numbers; ``hash`` is that of its last row as its card said it, or empty."""

    first: int
    last: int
    hash: str
    noted: datetime


def of(connection: sa.Connection, station: str, epoch: str, after: int = 0) -> list[Range]:
    """The lost ranges of a journal that end behind ``after``, in their order."""
    table = lost_ranges.c
    own = sa.and_(table.station == station, table.epoch == epoch, table.last > after)
    found = connection.execute(sa.select(lost_ranges).where(own).order_by(table.first))
    return [Range(row.first, row.last, row.hash, row.noted) for row in found]


def note(connection: sa.Connection, batch: Batch, through: int, held: Iterable[int], now: datetime) -> None:
    """Notes what is lost between ``through`` and what the batch says is gone, but for the numbers ``held`` beside."""
    ranges = list(_between(through, sorted(held), batch.gone))
    if not ranges:
        return
    rows = [
        {"station": batch.station, "epoch": batch.epoch, "first": first, "last": last, "noted": now}
        | {"hash": batch.gone_hash if last == batch.gone else ""}
        for first, last in ranges
    ]
    connection.execute(insert(connection, lost_ranges).on_conflict_do_nothing(), rows)
    told = ", ".join(f"{first} to {last}" for first, last in ranges[:_TOLD_AT_MOST])
    more = f" and {len(ranges) - _TOLD_AT_MOST} more ranges" if len(ranges) > _TOLD_AT_MOST else ""
    detail = (
        f"rows {told}{more} of journal {batch.epoch} are lost: its card has them no more and the hub never held them"
    )
    raise_alarm(connection, "lost-rows", batch.station, batch.epoch, detail, now)


_TOLD_AT_MOST = 5


def _between(through: int, held: Sequence[int], gone: int) -> Iterator[tuple[int, int]]:
    for seq in (*held, gone + 1):
        if seq > through + 1:
            yield through + 1, seq - 1
        through = seq


def forget(connection: sa.Connection, station: str, epoch: str, through: int) -> None:
    """Forgets ranges that lie where retention has taken everything."""
    table = lost_ranges.c
    own = sa.and_(table.station == station, table.epoch == epoch, table.last <= through)
    connection.execute(sa.delete(lost_ranges).where(own))
