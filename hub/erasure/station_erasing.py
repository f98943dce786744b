"""Rows of erased people on stations' cards: which station still holds some, what was ordered, what it said.

A row is ordered away once per station and journal, and again when the order failed or ran out, until the station says
that it is done or until no station keeps a row so long: then it is gone by the station's own retention.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

import msgspec
import sqlalchemy as sa

from hub.erasure.emptying import RowKey
from hub.stations import orders
from hub.storage.keeping_tables import station_erasures
from hub.storage.keyring import Keyring
from hub.storage.store import insert
from hub.storage.tables import stations

KEPT_AT_MOST = timedelta(days=60)
"""The longest ``journal.keep_days`` that a station's settings allow."""
_IDS_AT_MOST = 3  # orders of 1,000 rows each, for one person at one station

State = Literal["queued", "sent", "done", "again", "moot", "unregistered"]


class Line(msgspec.Struct, frozen=True):
    """What one station has to erase of one erased person; ``words`` is the station's own, if it refused."""

    erasure: str
    station: str
    rows: int
    at: datetime
    state: State
    since: datetime | None
    until: datetime
    words: str = ""


def queue(connection: sa.Connection, erasure: str, keys: Iterable[RowKey], now: datetime) -> None:
    """Notes that a station's card may still hold these rows; ``ask`` then orders them away."""
    by_journal: dict[tuple[str, str], set[int]] = {}
    for key in keys:
        by_journal.setdefault((key.station, key.epoch), set()).add(key.seq)
    table = station_erasures.c
    for (station, epoch), seqs in by_journal.items():
        own = sa.and_(table.erasure == erasure, table.station == station, table.epoch == epoch)
        before = connection.scalar(sa.select(table.seqs).where(own)) or "[]"
        every = sorted(seqs | set(msgspec.json.decode(before, type=list[int])))
        said = {"seqs": msgspec.json.encode(every).decode(), "until": now + KEPT_AT_MOST}
        asked = {"command": "", "asked": None, "done": None}
        row = {"erasure": erasure, "station": station, "epoch": epoch, "at": now, **said, **asked}
        statement = insert(connection, station_erasures).values(row)
        again = statement.on_conflict_do_update(index_elements=["erasure", "station", "epoch"], set_=said | asked)
        connection.execute(again)


def ask(connection: sa.Connection, ring: Keyring, now: datetime, by: str) -> int:
    """Orders away what no order stands for; how many stations and journals."""
    _notice(connection, now)
    table = station_erasures.c
    wanted = sa.select(station_erasures).where(table.done.is_(None), table.command == "", table.until > now)
    asked = 0
    for row in connection.execute(wanted).all():
        rows = [(row.station, row.epoch, seq) for seq in msgspec.json.decode(row.seqs, type=list[int])]
        ids = orders.issue_erasures(connection, ring, rows, now, by)[:_IDS_AT_MOST]
        if ids:
            said = {"command": " ".join(ids), "asked": now}
            connection.execute(sa.update(station_erasures).where(_own(row)).values(said))
            asked += 1
    return asked


def _own(row: sa.Row[tuple[object, ...]]) -> sa.ColumnElement[bool]:
    table = station_erasures.c
    return sa.and_(table.erasure == row.erasure, table.station == row.station, table.epoch == row.epoch)


def _notice(connection: sa.Connection, now: datetime) -> None:
    """Takes in what became of the orders that stand: done, or to be given again."""
    table = station_erasures.c
    wanted = sa.select(station_erasures).where(table.done.is_(None), table.command != "")
    for row in connection.execute(wanted).all():
        given = _given(connection, row.command, now)
        if given and all(each.status == "succeeded" for each in given):
            done = max(each.heard or now for each in given)
            connection.execute(sa.update(station_erasures).where(_own(row)).values(done=done))
        elif not any(each.is_open for each in given):
            connection.execute(sa.update(station_erasures).where(_own(row)).values(command=""))


def _given(connection: sa.Connection, command: str, now: datetime) -> list[orders.Given]:
    found = (orders.find(connection, order, now) for order in command.split())
    return [each for each in found if each is not None]


def listing(connection: sa.Connection, now: datetime, erasure: str = "", at_most: int = 200) -> list[Line]:
    """What stations have to erase, the newest erasures first; of one erasure, if it is named."""
    wanted = sa.select(station_erasures).order_by(station_erasures.c.at.desc(), station_erasures.c.station)
    if erasure:
        wanted = wanted.where(station_erasures.c.erasure == erasure)
    known = set(connection.scalars(sa.select(stations.c.name)))
    return [_line(connection, row, known, now) for row in connection.execute(wanted.limit(at_most)).all()]


def _line(connection: sa.Connection, row: sa.Row[tuple[object, ...]], known: set[str], now: datetime) -> Line:
    given = _given(connection, row.command, now)
    count = len(msgspec.json.decode(row.seqs, type=list[int]))
    last = given[-1] if given else None
    since = row.done or (last.sent if last else None) or row.asked
    words = next((each.words for each in given if each.status in ("failed", "rejected")), "")
    return Line(row.erasure, row.station, count, row.at, _state(row, given, known, now), since, row.until, words)


def _state(row: sa.Row[tuple[object, ...]], given: list[orders.Given], known: set[str], now: datetime) -> State:
    if row.done is not None or (given and all(each.status == "succeeded" for each in given)):
        return "done"
    if now >= row.until:
        return "moot"
    if row.station not in known:
        return "unregistered"
    if given and not any(each.is_open for each in given):
        return "again"
    return "sent" if any(each.sent is not None for each in given) else "queued"


def forget(connection: sa.Connection, before: datetime) -> int:
    """Takes away lines of before a moment; how many."""
    return connection.execute(sa.delete(station_erasures).where(station_erasures.c.at < before)).rowcount
