"""Retention carried out: what is older than the province keeps is erased, a little in each transaction, and counted.

Check-ins go by the moment of the scan; the journal rows that brought them go from each journal's beginning by the
moment they arrived, and the journal's anchor moves up to the last one that is gone.  A person on legal hold keeps
what is known of them; the sealed rows go all the same, for a chain has only one beginning.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import msgspec
import sqlalchemy as sa

from hub.custody import holds
from hub.custody.retention import LIMITS, Days
from hub.erasure import emptying, ledger, station_erasing
from hub.erasure.emptying import RowKey
from hub.journals import lost
from hub.province import ties
from hub.storage.citizen_tables import drafts, guests, onetime_codes
from hub.storage.keeping_tables import anchors, emptied_rows, erased, erasures
from hub.storage.store import Store, insert
from hub.storage.tables import conflicting_rows, declarations, journal_rows, journals, replies, visits, waiting_rows

log = logging.getLogger(__name__)

A_TRANSACTION = 500
"""Rows erased before others get their turn to write."""
SHORT_LIVED = timedelta(days=1)
"""How long kept answers stay at most: a request may be sent again within this."""

Counts = dict[str, int]
Step = Callable[[sa.Connection], int]


class Erasure(msgspec.Struct, frozen=True):
    """One line of the record: when, why and by whom how much was erased; never whose."""

    at: datetime
    cause: str
    by: str
    before: datetime | None
    counts: Counts


@dataclass(frozen=True)
class Cutoffs:
    """Before which moments records are due."""

    checkins: datetime
    declarations: datetime
    withdrawn: datetime
    codes: datetime
    erasures: datetime

    @classmethod
    def at(cls, days: Days, now: datetime) -> Cutoffs:
        """What so many days mean at this moment."""
        return cls(**{kind: days.before(kind, now) for kind in LIMITS})


def keep(store: Store, days: Days, now: datetime, stop: threading.Event | None = None) -> Counts:
    """Erases all that is due at ``now`` and writes how much into the record; ends early when ``stop`` is set."""
    counts: Counts = {}
    cutoffs = Cutoffs.at(days, now)
    for name, step in _steps(store, cutoffs, now):
        while stop is None or not stop.is_set():
            with store.writing() as connection:
                gone = step(connection)
            counts[name] = counts.get(name, 0) + gone
            if gone < A_TRANSACTION:
                break
    if any(counts.values()):
        with store.writing() as connection:
            record(connection, "retention", "hub", counts, now, cutoffs.checkins)
        log.info("erased what was due", extra=counts)
    return counts


def _steps(store: Store, cutoffs: Cutoffs, now: datetime) -> Iterator[tuple[str, Step]]:
    with store.reading() as connection:
        known = connection.execute(sa.select(journals.c.station, journals.c.epoch)).all()
    for station, epoch in known:
        yield "rows", partial(_erase_rows, station=station, epoch=epoch, before=cutoffs.checkins, now=now)
    yield "check-ins", lambda on: _erase_visits(on, cutoffs.checkins, now)
    yield "conflicts", lambda on: _erase_loose(on, conflicting_rows.c.arrived, cutoffs.checkins)
    yield "waiting", lambda on: _erase_waiting(on, cutoffs.checkins)
    yield "declarations", lambda on: _erase_declarations(on, cutoffs, now)
    yield "people", lambda on: ties.let_go(on, A_TRANSACTION)
    yield "visits", lambda on: _erase_loose(on, guests.c.expires, now)
    yield "drafts", lambda on: _erase_loose(on, drafts.c.expires, now)
    yield "codes", lambda on: _erase_loose(on, onetime_codes.c.sent, cutoffs.codes)
    yield "replies", lambda on: _erase_loose(on, replies.c.at, now - SHORT_LIVED)
    yield "erasures", lambda on: ledger.trim(on, cutoffs.erasures) + station_erasing.forget(on, cutoffs.erasures)


def _erase_rows(connection: sa.Connection, station: str, epoch: str, before: datetime, now: datetime) -> int:
    """The oldest rows of one journal that were read, dead letters among them; its anchor follows."""
    own = sa.and_(journals.c.station == station, journals.c.epoch == epoch)
    read = connection.scalar(sa.select(journals.c.read_through).where(own).with_for_update()) or 0
    table = journal_rows.c
    of_journal = sa.and_(table.station == station, table.epoch == epoch)
    oldest = (
        sa.select(table.seq, table.digest, table.arrived)
        .where(of_journal, table.seq <= read)
        .order_by(table.seq)
        .limit(A_TRANSACTION)
    )
    last = None
    gone = 0
    for row in connection.execute(oldest):
        if row.arrived >= before:
            break
        last, gone = row, gone + 1
    if last is not None:
        connection.execute(sa.delete(journal_rows).where(of_journal, table.seq <= last.seq))
        emptied = emptied_rows.c
        passed = sa.and_(emptied.station == station, emptied.epoch == epoch, emptied.seq <= last.seq)
        connection.execute(sa.delete(emptied_rows).where(passed))
        lost.forget(connection, station, epoch, last.seq)
        _move_anchor(connection, RowKey(station, epoch, last.seq), last.digest.hex(), now)
    return gone


def _move_anchor(connection: sa.Connection, key: RowKey, digest: str, now: datetime) -> None:
    moved = {"seq": key.seq, "hash": digest, "moved": now}
    row = {"station": key.station, "epoch": key.epoch, **moved}
    statement = insert(connection, anchors).values(row)
    connection.execute(statement.on_conflict_do_update(index_elements=["station", "epoch"], set_=moved))


def due(connection: sa.Connection, days: Days, now: datetime) -> Counts:
    """How many records of each kind such days would erase at this moment; what is on legal hold is not counted."""
    cutoffs = Cutoffs.at(days, now)
    wanted = {
        "check-ins": sa.select(sa.func.count()).where(_due_visits(cutoffs.checkins, now)),
        "rows": sa.select(sa.func.count()).where(
            journal_rows.c.arrived < cutoffs.checkins,
            journals.c.station == journal_rows.c.station,
            journals.c.epoch == journal_rows.c.epoch,
            journal_rows.c.seq <= journals.c.read_through,
        ),
        "declarations": sa.select(sa.func.count()).where(_due_declarations(cutoffs, now)),
        "codes": sa.select(sa.func.count()).where(onetime_codes.c.sent < cutoffs.codes),
        "erasures": sa.select(sa.func.count(erased.c.erasure.distinct())).where(erased.c.at < cutoffs.erasures),
    }
    return {name: connection.scalar(counted) or 0 for name, counted in wanted.items()}


def _due_visits(before: datetime, now: datetime) -> sa.ColumnElement[bool]:
    """Old ones; one whose moment nobody vouches for yet may be younger than it says, but never than its arrival."""
    held = visits.c.person.in_(holds.held_people(now))
    same = (journal_rows.c[name] == visits.c[name] for name in ("station", "epoch", "seq"))
    came = sa.exists(sa.text("1")).where(*same, journal_rows.c.arrived >= before)
    old = sa.and_(visits.c.at < before, sa.or_(visits.c.dated, sa.not_(came.correlate(visits))))
    return sa.and_(old, sa.or_(visits.c.person.is_(None), sa.not_(held)))


def _erase_visits(connection: sa.Connection, before: datetime, now: datetime) -> int:
    wanted = sa.select(visits.c.id, visits.c.station, visits.c.epoch, visits.c.seq).where(_due_visits(before, now))
    found = connection.execute(wanted.limit(A_TRANSACTION)).all()
    late = [RowKey(row.station, row.epoch, row.seq) for row in found if row.station]
    emptying.empty(connection, late, now)  # a row that arrived late outlives its scan otherwise
    connection.execute(sa.delete(visits).where(visits.c.id.in_([row.id for row in found])))
    return len(found)


def _erase_loose(connection: sa.Connection, moment: sa.Column[datetime], before: datetime) -> int:
    """Rows that nothing else stands on, by one of their moments."""
    table = moment.table
    assert isinstance(table, sa.Table)
    key = tuple(table.primary_key.columns)
    due = connection.execute(sa.select(*key).where(moment < before).limit(A_TRANSACTION))
    gone = [tuple(row) for row in due]
    if gone:
        connection.execute(sa.delete(table).where(sa.tuple_(*key).in_(gone)))
    return len(gone)


def _erase_waiting(connection: sa.Connection, before: datetime) -> int:
    gone = _erase_loose(connection, waiting_rows.c.arrived, before)
    if gone:
        of_journal = sa.and_(waiting_rows.c.station == journals.c.station, waiting_rows.c.epoch == journals.c.epoch)
        beside = sa.select(sa.func.count()).where(of_journal).scalar_subquery()
        connection.execute(sa.update(journals).where(journals.c.waiting > 0).values(waiting=beside))
    return gone


def _erase_declarations(connection: sa.Connection, cutoffs: Cutoffs, now: datetime) -> int:
    ids = list(
        connection.scalars(sa.select(declarations.c.id).where(_due_declarations(cutoffs, now)).limit(A_TRANSACTION))
    )
    connection.execute(sa.delete(declarations).where(declarations.c.id.in_(ids)))
    return len(ids)


def _due_declarations(cutoffs: Cutoffs, now: datetime) -> sa.ColumnElement[bool]:
    """Old ones, and those withdrawn some days ago: a mistake can be cleared up until then."""
    old = sa.or_(declarations.c.at < cutoffs.declarations, declarations.c.withdrawn < cutoffs.withdrawn)
    return sa.and_(old, sa.not_(declarations.c.person.in_(holds.held_people(now))))


def record(
    connection: sa.Connection, cause: str, by: str, counts: Counts, now: datetime, before: datetime | None = None
) -> None:
    """Writes one line of the record of erasures; kinds of which nothing went are left out."""
    said = msgspec.json.encode({name: count for name, count in counts.items() if count}).decode()
    connection.execute(sa.insert(erasures).values(at=now, cause=cause, by=by, before=before, counts=said))


def last_run(connection: sa.Connection) -> Erasure | None:
    """What the last run of retention that found something erased."""
    return next(iter(recorded(connection, 1, cause="retention")), None)


def recorded(connection: sa.Connection, at_most: int = 200, cause: str = "") -> list[Erasure]:
    """The record of erasures, newest first; of one cause if it is named."""
    newest = sa.select(erasures).order_by(erasures.c.at.desc(), erasures.c.id.desc()).limit(at_most)
    newest = newest.where(erasures.c.cause == cause) if cause else newest
    return [
        Erasure(row.at, row.cause, row.by, row.before, msgspec.json.decode(row.counts, type=Counts))
        for row in connection.execute(newest)
    ]
