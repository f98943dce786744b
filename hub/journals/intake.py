"""Check-ins in: bytes first, exactly once, in the order of their numbers; nothing here looks inside a row.

``(station, epoch, seq)`` is a row's identity and the table's primary key.  Rows that follow on what is held are
appended; rows ahead of a gap wait beside until it fills.  A number that comes again with the same bytes is a
repetition and changes nothing; with other bytes it is kept as a conflict, refused by name, and raises an alarm.  A gap
that cannot fill any more, because the card itself has those rows no longer, is noted as lost and gone past.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from core import rows
from core.wire import CONFLICT, Batch, HeldMark, Refused
from hub.journals import lost
from hub.stations.alarms import raise_alarm, told_to
from hub.storage.keeping_tables import anchors
from hub.storage.store import insert
from hub.storage.tables import Instant, conflicting_rows, journal_rows, journals, waiting_rows

WAITING_AT_MOST = 10_000
REFUSED_TOLD_AT_MOST = 64
LATE = "came after its range was given up for lost; replay it: hub dead-letter replay"

_EPOCH = re.compile(r"[0-9a-f]{16}")
# Built once: putting a statement together takes longer than most of these run.
_OWN = sa.and_(journals.c.station == sa.bindparam("of"), journals.c.epoch == sa.bindparam("in"))
_HELD = sa.select(journals.c.through, journals.c.waiting).where(_OWN).with_for_update()
_MORE_REFUSED = sa.update(journals).where(_OWN).values(refused=journals.c.refused + sa.bindparam("late"))
_ADVANCE = sa.update(journals).where(_OWN).values(through=sa.bindparam("to"), waiting=sa.bindparam("beside"))
_LAST = sa.and_(
    journal_rows.c.station == journals.c.station,
    journal_rows.c.epoch == journals.c.epoch,
    journal_rows.c.seq == journals.c.through,
)
_MARK = (
    sa.select(journals.c.through, journals.c.refused, journal_rows.c.digest)
    .select_from(journals.outerjoin(journal_rows, _LAST))
    .where(_OWN)
)
_NEWEST_FIRST = (
    sa.select(journals.c.epoch, journals.c.first_at)
    .where(journals.c.station == sa.bindparam("of"))
    .order_by(journals.c.born.desc(), sa.func.coalesce(journals.c.first_at, journals.c.born).desc())
)
_NEWEST = _NEWEST_FIRST.limit(1)

_COLUMNS = "station, epoch, arrived, seq, raw, digest"
_ROW_BY_ROW = "INSERT INTO {table} ({columns}) VALUES (?, ?, ?, ?, ?, ?)"
_ALL_AT_ONCE = """
    INSERT INTO {table} ({columns})
    SELECT %s, %s, %s, new.* FROM unnest(%s::bigint[], %b::bytea[], %b::bytea[]) AS new
"""


class _New(NamedTuple):
    seq: int
    raw: bytes
    digest: bytes


def is_epoch(text: str) -> bool:
    """Whether a text can be a journal's epoch."""
    return _EPOCH.fullmatch(text) is not None


def take(connection: sa.Connection, batch: Batch, arrived: datetime) -> tuple[Refused, ...]:
    """Keeps a batch, and gives what was refused of it because its numbers are taken by other rows."""
    through, waiting = _journal(connection, batch.station, batch.epoch, arrived)
    if batch.gone > through:
        through, waiting = _give_up(connection, batch, through, waiting, arrived)
    given = [_new(batch, seq, bytes(raw)) for seq, raw in enumerate(batch.rows, batch.first)]
    key = {"station": batch.station, "epoch": batch.epoch, "arrived": arrived}
    clashes = _clashes(connection, key, batch, [new for new in given if new.seq <= through])
    ahead = [new for new in given if new.seq > through]
    beside = _waiting(connection, batch) if waiting else {}
    clashes += [new for new in ahead if new.seq in beside and beside[new.seq].digest != new.digest]
    fresh = {new.seq: new for new in ahead if new.seq not in beside}
    held = _append(connection, key, through, {**fresh, **beside})
    if held > through or fresh:
        drained = _drain(connection, batch, held) if beside else 0
        late = [new for seq, new in fresh.items() if seq > held][: WAITING_AT_MOST - waiting + drained]
        _insert(connection, waiting_rows, key, late)
        values = {"of": batch.station, "in": batch.epoch, "to": held, "beside": waiting - drained + len(late)}
        connection.execute(_ADVANCE, values)
    return _keep_conflicts(connection, key, clashes)


def _new(batch: Batch, seq: int, raw: bytes) -> _New:
    """A row as it is kept; one that its station has emptied counts by the hash that its bytes had."""
    if rows.is_emptied(raw):
        try:
            gone = rows.decode_emptied(raw)
        except ValueError:
            gone = None
        if gone is not None and (gone.station, gone.epoch, gone.seq) == (batch.station, batch.epoch, seq):
            return _New(seq, b"", bytes.fromhex(gone.emptied))
    return _New(seq, raw, hashlib.sha256(raw).digest())


def _of(table: sa.Table, batch: Batch) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return table.c.station == batch.station, table.c.epoch == batch.epoch


def _journal(connection: sa.Connection, station: str, epoch: str, now: datetime) -> tuple[int, int]:
    own = {"of": station, "in": epoch}
    row = connection.execute(_HELD, own).first()
    if row is None:
        born = {"station": station, "epoch": epoch, "born": now, "through": 0, "waiting": 0, "refused": 0}
        values = {**born, "read_through": 0, "read_head": rows.genesis(station, epoch)}
        connection.execute(insert(connection, journals).values(values).on_conflict_do_nothing())
        row = connection.execute(_HELD, own).one()
    return row.through, row.waiting


def _give_up(connection: sa.Connection, batch: Batch, through: int, waiting: int, now: datetime) -> tuple[int, int]:
    """Goes on behind rows that their card has no more; those of them that wait beside are held."""
    key = {"station": batch.station, "epoch": batch.epoch, "arrived": now}
    beside = {seq: new for seq, new in _waiting(connection, batch).items() if seq <= batch.gone} if waiting else {}
    _insert(connection, journal_rows, key, [beside[seq] for seq in sorted(beside)])
    left = waiting - (_drain(connection, batch, batch.gone) if beside else 0)
    lost.note(connection, batch, through, beside, now)
    connection.execute(_ADVANCE, {"of": batch.station, "in": batch.epoch, "to": batch.gone, "beside": left})
    return batch.gone, left


def _clashes(connection: sa.Connection, key: Mapping[str, Any], batch: Batch, given: list[_New]) -> list[_New]:
    """Rows under held numbers that are other ones; those of a lost range are kept, to be replayed."""
    if not given:
        return []
    table = journal_rows
    within = table.c.seq.between(given[0].seq, given[-1].seq)
    wanted = sa.select(table.c.seq, table.c.digest).where(*_of(table, batch), within)
    held = {row.seq: row.digest for row in connection.execute(wanted)}
    missing = [new for new in given if new.seq not in held]
    if missing:
        _take_late(connection, key, batch, missing)
    return [new for new in given if held.get(new.seq, new.digest) != new.digest]


def _take_late(connection: sa.Connection, key: Mapping[str, Any], batch: Batch, missing: list[_New]) -> None:
    ranges = lost.of(connection, batch.station, batch.epoch, missing[0].seq - 1)
    late = [new for new in missing if any(each.first <= new.seq <= each.last for each in ranges)]
    if late:
        _insert(connection, journal_rows, key, late)
        dead = sa.and_(*_of(journal_rows, batch), journal_rows.c.seq.in_([new.seq for new in late]))
        connection.execute(sa.update(journal_rows).where(dead).values(refused=LATE))
        own = {"of": batch.station, "in": batch.epoch, "late": len(late)}
        connection.execute(_MORE_REFUSED, own)


def _waiting(connection: sa.Connection, batch: Batch) -> dict[int, _New]:
    columns = (waiting_rows.c.seq, waiting_rows.c.raw, waiting_rows.c.digest)
    found = connection.execute(sa.select(*columns).where(*_of(waiting_rows, batch)))
    return {row.seq: _New(row.seq, row.raw, row.digest) for row in found}


def _append(connection: sa.Connection, key: Mapping[str, Any], through: int, known: Mapping[int, _New]) -> int:
    end = through
    while end + 1 in known:
        end += 1
    _insert(connection, journal_rows, key, [known[seq] for seq in range(through + 1, end + 1)])
    return end


def _drain(connection: sa.Connection, batch: Batch, through: int) -> int:
    done = sa.delete(waiting_rows).where(*_of(waiting_rows, batch), waiting_rows.c.seq <= through)
    return connection.execute(done).rowcount


def _insert(connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], new: list[_New]) -> None:
    """Hands the driver what it takes fastest: SQLite one row after another, PostgreSQL whole columns."""
    if not new:
        return
    arrived = Instant().process_bind_param(key["arrived"], connection.dialect)
    every = (key["station"], key["epoch"], arrived)
    if connection.dialect.name == "postgresql":
        statement = _ALL_AT_ONCE.format(table=table.name, columns=_COLUMNS)
        connection.exec_driver_sql(statement, (*every, *map(list, zip(*new, strict=True))))
    else:
        statement = _ROW_BY_ROW.format(table=table.name, columns=_COLUMNS)
        connection.exec_driver_sql(statement, [every + row for row in new])


def _keep_conflicts(connection: sa.Connection, key: Mapping[str, Any], clashes: list[_New]) -> tuple[Refused, ...]:
    if not clashes:
        return ()
    values = [{**key, "seq": row.seq, "raw": row.raw, "digest": row.digest} for row in clashes]
    connection.execute(insert(connection, conflicting_rows).on_conflict_do_nothing(), values)
    numbers = f"{clashes[0].seq}-{clashes[-1].seq}" if len(clashes) > 1 else str(clashes[0].seq)
    detail = f"rows {numbers} came again with other content; both versions are kept"
    raise_alarm(connection, "conflict", key["station"], key["epoch"], detail, key["arrived"], facts={"rows": numbers})
    return tuple(Refused(row.seq, CONFLICT) for row in clashes)


def mark(connection: sa.Connection, station: str, epoch: str, now: datetime, before: int = 0) -> HeldMark:
    """How far a journal is held without a gap, with the newest of its refused rows and the station's alarm.

    ``before``: the newest of the refused rows below this number, for whoever was told that there are older ones.
    """
    row = connection.execute(_MARK, {"of": station, "in": epoch}).first()
    dead, older = _dead_letters(connection, station, epoch, before) if row is not None and row.refused else ((), 0)
    return HeldMark(
        station=station,
        epoch=epoch,
        through=0 if row is None else row.through,
        at=now,
        refused=dead,
        alarm=told_to(connection, station, now),
        hash="" if row is None else _hash(connection, station, epoch, row),
        refused_older=older,
        refused_before=before,
    )


def _hash(connection: sa.Connection, station: str, epoch: str, row: sa.Row[*tuple[Any, ...]]) -> str:
    """The hash of the last row held, also where retention took it."""
    if row.digest is not None:
        return bytes(row.digest).hex()
    at = sa.and_(anchors.c.station == station, anchors.c.epoch == epoch, anchors.c.seq == row.through)
    if anchored := connection.scalar(sa.select(anchors.c.hash).where(at)):
        return str(anchored)
    ranges = lost.of(connection, station, epoch, row.through - 1)
    return next((each.hash for each in ranges if each.last == row.through), "")


def _dead_letters(connection: sa.Connection, station: str, epoch: str, before: int) -> tuple[tuple[Refused, ...], int]:
    """The newest refused rows below a number (0: of all), and how many there are below those."""
    table = journal_rows.c
    own = sa.and_(table.station == station, table.epoch == epoch, table.refused.is_not(None))
    below = sa.and_(own, table.seq < before) if before else own
    wanted = sa.select(table.seq, table.refused).where(below).order_by(table.seq.desc()).limit(REFUSED_TOLD_AT_MOST)
    told = tuple(Refused(row.seq, row.refused) for row in reversed(connection.execute(wanted).all()))
    if len(told) < REFUSED_TOLD_AT_MOST:
        return told, 0
    older = sa.select(sa.func.count()).select_from(journal_rows).where(own, table.seq < told[0].seq)
    return told, connection.scalar(older) or 0


def newest_epoch(connection: sa.Connection, station: str) -> str:
    """The epoch of the journal a station began last, or an empty text."""
    return connection.scalar(_NEWEST, {"of": station}) or ""


def newest_first() -> sa.Select[Any]:
    """The journals of the station ``of`` with when each began, the one it began last first."""
    return _NEWEST_FIRST
