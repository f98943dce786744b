"""Dead letters: rows that the hub holds and could not read, each with its cause, and their replay.

A newer hub may read what an older one could not, and a key put back opens what was sealed to it.  Replayed, a row
becomes what it would have been: a visit, a decision, an amendment; once, however often and by however many it is tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import msgspec
import sqlalchemy as sa

from hub.journals import reading
from hub.officials import audit
from hub.officials.accounts import Account
from hub.storage.keyring import Keyring
from hub.storage.store import Store
from hub.storage.tables import journal_rows

A_TRANSACTION = 500
"""Rows replayed before the stations get their turn to write."""


class Letter(msgspec.Struct, frozen=True):
    """One row that could not be read; ``size`` in bytes."""

    station: str
    epoch: str
    seq: int
    arrived: datetime
    size: int
    cause: str


class Wanted(msgspec.Struct, frozen=True):
    """Which dead letters: all that every given part fits; ``cause`` is any part of the words."""

    station: str = ""
    epoch: str = ""
    seq: int = 0
    cause: str = ""


class Replayed(msgspec.Struct):
    """What came of a replay: how many rows were read, and what is left, by cause."""

    read: int = 0
    left: dict[str, int] = msgspec.field(default_factory=dict)


def listed(
    connection: sa.Connection, wanted: Wanted, at_most: int = 1_000, after: Letter | None = None
) -> list[Letter]:
    """Dead letters by station, journal and number, those behind ``after`` if that is given."""
    row = journal_rows.c
    found = sa.select(row.station, row.epoch, row.seq, row.arrived, sa.func.length(row.raw), row.refused)
    found = found.where(_fitting(wanted)).order_by(row.station, row.epoch, row.seq).limit(at_most)
    if after is not None:
        found = found.where(sa.tuple_(row.station, row.epoch, row.seq) > (after.station, after.epoch, after.seq))
    return [Letter(*each) for each in connection.execute(found)]


def raw(connection: sa.Connection, letter: Letter) -> bytes:
    """The row's bytes as they came; they may hold anything."""
    row = journal_rows.c
    own = sa.and_(row.station == letter.station, row.epoch == letter.epoch, row.seq == letter.seq)
    return connection.scalar(sa.select(row.raw).where(own)) or b""


def _fitting(wanted: Wanted) -> sa.ColumnElement[bool]:
    row = journal_rows.c
    asked = [row.refused.is_not(None), row.raw != b""]  # an emptied row has nothing left to read
    asked += [row.station == wanted.station] if wanted.station else []
    asked += [row.epoch == wanted.epoch] if wanted.epoch else []
    asked += [row.seq == wanted.seq] if wanted.seq else []
    asked += [row.refused.contains(wanted.cause, autoescape=True)] if wanted.cause else []
    return sa.and_(*asked)


def replay(
    store: Store,
    ring: Keyring,
    wanted: Wanted,
    by: Account | str,
    address: str,
    clock: Callable[[], datetime],
    *,
    earlier: bytes | None = None,
    told: Callable[[Replayed], None] = lambda so_far: None,
) -> Replayed:
    """Reads dead letters once more, a few in each transaction, beside a running hub; who did it goes into the log.

    ``earlier``: a sealing key that the hub had before, tried on what its own does not open.
    """
    done = Replayed()
    last: Letter | None = None
    while True:
        with store.writing() as connection:
            few = listed(connection, wanted, A_TRANSACTION, last)
            if not few:
                break
            last = few[-1]
            for station, epoch in sorted({(each.station, each.epoch) for each in few}):
                seqs = [each.seq for each in few if (each.station, each.epoch) == (station, epoch)]
                now = clock()
                read, left = reading.read_again(connection, ring, station, epoch, seqs, now)
                if left and earlier is not None:
                    before = replace(ring, sealing=earlier)
                    more, left = reading.read_again(connection, before, station, epoch, list(left), now)
                    read += more
                _count(done, read, left)
                detail = {"station": station, "epoch": epoch, "read": read, "left": len(left)}
                audit.append(connection, by, "replay", now, address=address, detail=detail)
        told(done)
    while True:
        with store.writing() as connection:
            if not reading.date_held(connection, ring, A_TRANSACTION, clock()):
                return done


def _count(done: Replayed, read: int, left: dict[int, str]) -> None:
    done.read += read
    for cause in left.values():
        done.left[cause] = done.left.get(cause, 0) + 1
