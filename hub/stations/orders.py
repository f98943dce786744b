"""Orders to stations: issued and signed here, brought by MQTT or fetched over HTTP, and what became of each.

queued → sent → in-progress → succeeded, failed or rejected, by what the station says; ``timed-out`` is what an
unanswered order is once its time is over by the hub's own clock, until the station is heard after all.
Whoever calls ``issue`` has seen to it that only administrators may.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from core import wire
from core.orders import DATA_AT_MOST, KINDS, Erase, Order, Result, SetPlace, Task, kind_of, sign
from hub.errors import DataError
from hub.stations import fleet
from hub.storage.keyring import Keyring
from hub.storage.order_tables import order_data, orders
from hub.storage.store import insert
from hub.storage.tables import places, states, stations

SENT_AGAIN_AFTER = timedelta(seconds=30)
ANSWERED_WITHIN = timedelta(seconds=60)
"""After its end an order may still be on its way back for so long."""
WORKED_ON_WITHIN = timedelta(minutes=15)
"""For so long a station may be at work on an order without a word."""
DATA_KEPT = timedelta(days=1)
LOG_KEPT = timedelta(days=400)

Status = Literal["queued", "sent", "in-progress", "succeeded", "failed", "rejected", "timed-out"]
OPEN = ("queued", "sent", "in-progress")

LIVES: dict[str, timedelta] = {
    "identify": timedelta(minutes=2),
    "test-signal": timedelta(minutes=2),
    "restart": timedelta(hours=1),
    "reboot": timedelta(hours=1),
    "logs": timedelta(hours=1),
    "aim": timedelta(minutes=5),
    "snapshot": timedelta(minutes=5),
    "place": timedelta(days=30),
    "hold-open": timedelta(minutes=1),
    "open": timedelta(seconds=30),
    "close": timedelta(minutes=5),
    "quiet": timedelta(days=30),
    "resend": timedelta(days=7),
    "erase": timedelta(days=60),
}
"""For how long an order of each kind stands unless its giver says otherwise: nobody wants a door opened hours later."""


class Given(msgspec.Struct, frozen=True):
    """One order as the command log has it; ``media`` says what kind of data its result brought, if any."""

    id: str
    station: str
    kind: str
    task: dict[str, Any]
    status: Status
    issued: datetime
    not_after: datetime
    by: str
    why: str
    sent: datetime | None
    heard: datetime | None
    words: str
    media: str

    @property
    def is_open(self) -> bool:
        """Whether something may still become of it."""
        return self.status in OPEN


class Sent(msgspec.Struct, frozen=True):
    """These orders were given to the broker, or to the station itself."""

    station: str
    ids: tuple[str, ...]


class Due(msgspec.Struct, frozen=True):
    """An order that is to be brought to its station now, as it was signed."""

    id: str
    station: str
    document: bytes
    not_after: datetime


def issue(
    connection: sa.Connection,
    ring: Keyring,
    station: str,
    order: Task,
    now: datetime,
    by: str,
    *,
    why: str = "",
    life: timedelta | None = None,
) -> str:
    """Signs and queues an order in the caller's transaction; its id, 16 hex digits.

    ``order`` is one of ``core.orders``' tasks, ``by`` the account that answers for it.  Raises ``DataError`` when
    nobody knows the station, or the place it is to stand at.
    """
    if connection.scalar(sa.select(stations.c.name).where(stations.c.name == station)) is None:
        raise DataError([f"station {station!r} is not registered; hub station list names them all"])
    task = _completed(connection, order)
    ends = now + (life or LIVES[kind_of(task)])
    made = Order(
        id=secrets.token_hex(8), station=station, issued=now, not_after=ends, nonce=secrets.token_hex(16), task=task
    )
    row = {
        "id": made.id,
        "station": station,
        "kind": kind_of(task),
        "task": wire.encode(task).decode(),
        "document": wire.encode(sign(ring.signing, made)),
        "issued": now,
        "not_after": ends,
        "by": by,
        "why": why,
        "status": "queued",
        "words": "",
        "media": "",
        "parts": 1,
    }
    connection.execute(sa.insert(orders).values(row))
    return made.id


def _completed(connection: sa.Connection, task: Task) -> Task:
    """The same with the place's registered name and district; ``DataError`` for what no station may be told."""
    try:
        wire.decode(wire.encode(task), KINDS[kind_of(task)])  # the bounds of its fields
    except ValueError as error:
        raise DataError([f"{kind_of(task)}: {error}"]) from error
    if not isinstance(task, SetPlace) or not task.place:
        return task
    columns = (places.c.name, places.c.edition, places.c.district)
    place = connection.execute(sa.select(*columns).where(places.c.code == task.place)).first()
    if place is None:
        raise DataError([f"place {task.place!r} is not registered; import it first"])
    district = f"{place.edition}/{place.district}" if place.district else ""
    return msgspec.structs.replace(task, name=place.name[:100], district=district)


def issue_erasures(
    connection: sa.Connection, ring: Keyring, rows: Iterable[tuple[str, str, int]], now: datetime, by: str
) -> list[str]:
    """Orders that have stations empty these rows ``(station, epoch, seq)``; one id a station, epoch and 1,000 rows.

    Rows of stations that are not registered (any more) are passed over.
    """
    by_journal: dict[tuple[str, str], set[int]] = {}
    for station, epoch, seq in rows:
        by_journal.setdefault((station, epoch), set()).add(seq)
    known = set(connection.scalars(sa.select(stations.c.name)))
    return [
        issue(connection, ring, station, Erase(epoch, piece), now, by, why="a person was erased")
        for (station, epoch), seqs in sorted(by_journal.items())
        if station in known
        for piece in _pieces(sorted(seqs))
    ]


def _pieces(seqs: Sequence[int], most: int = 1_000) -> Iterable[tuple[int, ...]]:
    for first in range(0, len(seqs), most):
        yield tuple(seqs[first : first + most])


class Wanted(msgspec.Struct, frozen=True):
    """What of the command log somebody wants to see; empty is everything, ``before`` what was issued earlier."""

    station: str = ""
    kind: str = ""
    by: str = ""
    status: str = ""
    before: datetime | None = None


def log(connection: sa.Connection, now: datetime, wanted: Wanted, at_most: int) -> list[Given]:
    """The whole fleet's command log, newest first."""
    found = sa.select(orders).order_by(orders.c.issued.desc(), orders.c.id).limit(at_most)
    for column, value in ((orders.c.station, wanted.station), (orders.c.kind, wanted.kind), (orders.c.by, wanted.by)):
        if value:
            found = found.where(column == value)
    if wanted.before is not None:
        found = found.where(orders.c.issued < wanted.before)
    if wanted.status:
        found = found.where(_is(wanted.status, now))
    return [_given(row, now) for row in connection.execute(found)]


def _is(status: str, now: datetime) -> sa.ColumnElement[bool]:
    heard = sa.func.coalesce(orders.c.heard, orders.c.issued)
    working, waiting = orders.c.status == "in-progress", orders.c.status.in_(("queued", "sent"))
    late = sa.or_(
        sa.and_(working, heard < now - WORKED_ON_WITHIN), sa.and_(waiting, orders.c.not_after < now - ANSWERED_WITHIN)
    )
    return late if status == "timed-out" else sa.and_(orders.c.status == status, sa.not_(late))


def givers(connection: sa.Connection) -> list[str]:
    """Who has ordered anything."""
    return list(connection.scalars(sa.select(orders.c.by).distinct().order_by(orders.c.by)))


def listing(
    connection: sa.Connection, now: datetime, *, station: str = "", open_only: bool = False, at_most: int = 100
) -> list[Given]:
    """The command log, newest first."""
    wanted = sa.select(orders).order_by(orders.c.issued.desc(), orders.c.id).limit(at_most)
    if station:
        wanted = wanted.where(orders.c.station == station)
    if open_only:
        wanted = wanted.where(orders.c.status.in_(OPEN))
    given = [_given(row, now) for row in connection.execute(wanted)]
    return [each for each in given if each.is_open] if open_only else given


def find(connection: sa.Connection, order: str, now: datetime) -> Given | None:
    """One order by its id; None when there is none."""
    row = connection.execute(sa.select(orders).where(orders.c.id == order)).first()
    return None if row is None else _given(row, now)


def _given(row: sa.Row[Any], now: datetime) -> Given:
    return Given(
        id=row.id,
        station=row.station,
        kind=row.kind,
        task=msgspec.json.decode(row.task),
        status="timed-out" if _is_late(row, now) else row.status,
        issued=row.issued,
        not_after=row.not_after,
        by=row.by,
        why=row.why,
        sent=row.sent,
        heard=row.heard,
        words=row.words,
        media=row.media,
    )


def _is_late(row: sa.Row[Any], now: datetime) -> bool:
    if row.status == "in-progress":
        return bool(now > (row.heard or row.issued) + WORKED_ON_WITHIN)
    return row.status in OPEN and bool(now > row.not_after + ANSWERED_WITHIN)


def due(connection: sa.Connection, now: datetime, station: str = "") -> list[Due]:
    """What is to be brought now, oldest first: what was never sent, and what an online station has not answered.

    With ``station``: everything that stands for this one, which has asked for it.
    """
    standing = sa.and_(orders.c.status.in_(OPEN), orders.c.not_after > now)
    columns = (orders.c.id, orders.c.station, orders.c.document, orders.c.not_after)
    wanted = sa.select(*columns).where(standing).order_by(orders.c.issued, orders.c.id)
    if station:
        wanted = wanted.where(orders.c.station == station)
    else:
        unheard = sa.or_(orders.c.sent.is_(None), orders.c.sent < now - SENT_AGAIN_AFTER)
        again = sa.and_(states.c.online, unheard)
        wanted = wanted.select_from(orders.outerjoin(states, states.c.station == orders.c.station))
        wanted = wanted.where(sa.or_(orders.c.status == "queued", again))
    return [Due(*row) for row in connection.execute(wanted)]


def note_sent(connection: sa.Connection, ids: Iterable[str], now: datetime) -> None:
    """Says that these were given to the broker, or to the station itself."""
    mine = orders.c.id.in_(list(ids))
    status = sa.case((orders.c.status == "queued", "sent"), else_=orders.c.status)
    connection.execute(sa.update(orders).where(mine).values(sent=now, status=status))


def take(connection: sa.Connection, ring: Keyring, result: Result, now: datetime) -> bool:
    """Takes in what a station says of an order; False when it was never given one like that.

    The first final word stands.  A result with data is final when all its parts are here.
    """
    mine = sa.and_(orders.c.id == result.order, orders.c.station == result.station)
    columns = (orders.c.status, orders.c.kind, orders.c.task)
    row = connection.execute(sa.select(*columns).where(mine).with_for_update()).first()
    if row is None:
        return False
    if row.status not in OPEN:
        return True
    if result.data:
        _keep_part(connection, ring, result, now)
    whole = not result.data or _parts_here(connection, result.order) >= result.parts
    values = {
        "status": result.status if whole else "in-progress",
        "heard": now,
        "words": result.words,
        "media": result.media,
        "parts": result.parts,
    }
    connection.execute(sa.update(orders).where(mine).values(values))
    if row.kind == "place" and values["status"] == "succeeded":
        task = wire.decode(row.task.encode(), SetPlace)
        fleet.move(connection, result.station, task.place, task.direction, now)
    return True


def _keep_part(connection: sa.Connection, ring: Keyring, result: Result, now: datetime) -> None:
    try:
        piece = base64.b64decode(result.data, validate=True)
    except ValueError:
        return  # never whole, so never final: it will time out
    if len(piece) * result.parts > 2 * DATA_AT_MOST:
        return
    sealed = ring.seal(piece, _context(result.order, result.part))
    values = {"order": result.order, "part": result.part, "sealed": sealed, "at": now}
    connection.execute(insert(connection, order_data).values(values).on_conflict_do_nothing())


def _parts_here(connection: sa.Connection, order: str) -> int:
    wanted = sa.select(sa.func.count()).select_from(order_data).where(order_data.c.order == order)
    return connection.scalar(wanted) or 0


def _context(order: str, part: int) -> bytes:
    return f"order {order} part {part}".encode()


def data(connection: sa.Connection, ring: Keyring, order: str) -> bytes:
    """What a result brought, its parts put together; empty when it brought nothing or a day has passed."""
    mine = sa.select(order_data).where(order_data.c.order == order).order_by(order_data.c.part)
    return b"".join(ring.open(row.sealed, _context(order, row.part)) for row in connection.execute(mine))


def forget(connection: sa.Connection, now: datetime) -> int:
    """Takes away what results brought more than a day ago, and orders that ended more than 400 days ago; how many.

    A picture or a log is for whoever asked for it, and for nobody later.
    """
    gone = connection.execute(sa.delete(order_data).where(order_data.c.at < now - DATA_KEPT)).rowcount
    return gone + connection.execute(sa.delete(orders).where(orders.c.not_after < now - LOG_KEPT)).rowcount
