"""Rows that came by hand: the file that ``station journal export`` wrote, taken in as if the station had sent it.

The same rows, the same identity, exactly once; what is held already changes nothing.  The chain is proven when the rows
are read, like any other's.  What the file says its card has no more is lost and gone past.  Rows behind numbers that
nobody says are gone wait, and those past what may wait are named: they are not held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
import sqlalchemy as sa

from core import rows
from core.wire import Batch, StationName
from hub.errors import DataError, MissingFile
from hub.journals import intake, lost, reading
from hub.journals.unsealing import ROW_BYTES_AT_MOST
from hub.stations.fleet import Tokens
from hub.storage.keyring import Keyring
from hub.storage.store import Store
from hub.storage.tables import journals, waiting_rows

ROWS_A_BATCH = 200
DATED_A_BATCH = 500
_LINE_AT_MOST = 8 * ROW_BYTES_AT_MOST
"""Longer than any row, and than a damaged one with a character for each byte."""
_SEQ_AT_MOST = 1 << 53
_BEGINNINGS = (b'{"station":', b'{"emptied":')


class _Place(msgspec.Struct, frozen=True):
    """What every row says of itself, whatever else it holds; or that those through ``gone`` are no more."""

    station: StationName
    epoch: str
    seq: int = 0
    damaged: msgspec.Raw = msgspec.Raw(b"")
    gone: int = 0
    gone_hash: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""


class Taken(msgspec.Struct, frozen=True):
    """What became of one journal's rows: how many came, how many were new, how far it is held, how many wait beside.

    ``missing``: the numbers that those wait for; ``lost``: what this file had the hub note as lost; ``unkept``: what
    could not be kept, too much of it waiting already.  All as first and last number.
    """

    station: str
    epoch: str
    rows: int
    new: int
    refused: int
    through: int
    waiting: int
    missing: tuple[int, int] | None = None
    lost: tuple[tuple[int, int], ...] = ()
    unkept: tuple[tuple[int, int], ...] = ()


_place = msgspec.json.Decoder(_Place)


def is_rows(path: Path) -> bool:
    """Whether a file begins as exported rows do; ``MissingFile`` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_BEGINNINGS[0])) in _BEGINNINGS
    except OSError as error:
        raise MissingFile(f"{path}: {error.strerror or error}") from error


def take(
    store: Store, ring: Keyring, path: Path, now: datetime, told: Callable[[int], None], *, give_up: bool = False
) -> list[Taken]:
    """Takes every row of a file in; ``DataError`` names the line that is none, or a station nobody registered.

    What came before such a line is kept.  The file is gone through again for as long as that lets more be kept, in
    whatever order its rows lie.  ``give_up``: numbers that are missing before waiting rows are lost.
    """
    with store.reading() as connection:
        tokens = Tokens()
        tokens.reload(connection)
        before = _held(connection)
    carrying = _Carrying(store, path, tokens, now)
    left = carrying.through_the_file(told)
    while True:
        given = give_up and carrying.give_up()
        if not left:
            break
        last, left = left, carrying.through_the_file(lambda _: None)
        if left >= last and not given:
            break
    while True:
        with store.writing() as connection:
            read = reading.read_pending(connection, ring, ROWS_A_BATCH, now)[0]
            undated = reading.date_held(connection, ring, DATED_A_BATCH, now)
            if not read and not undated:
                break
    with store.reading() as connection:
        after = _held(connection)
        return [
            Taken(
                *(*journal, came.rows, sum(after[journal]) - sum(before.get(journal, (0, 0))), len(came.refused)),
                *after[journal],
                _missing(connection, *journal),
                tuple((each.first, each.last) for each in lost.of(connection, *journal) if each.noted == now),
                tuple(came.unkept),
            )
            for journal, came in carrying.journals.items()
        ]


@dataclass
class _Came:
    """What has come of one journal: rows, the numbers refused, and the ranges that the last turn could not keep."""

    rows: int = 0
    refused: set[int] = field(default_factory=set)
    unkept: list[tuple[int, int]] = field(default_factory=list)


@dataclass
class _Carrying:
    store: Store
    path: Path
    tokens: Tokens
    now: datetime
    journals: dict[tuple[str, str], _Came] = field(default_factory=dict)

    def through_the_file(self, told: Callable[[int], None]) -> int:
        """Takes in what can be kept now; how many rows cannot."""
        again, done = bool(self.journals), 0
        for came in self.journals.values():
            came.unkept.clear()
        with self.path.open("rb") as file:
            for batch in _batches(file, self.path):
                if self.tokens.named(batch.station) is None:
                    cure = f"station {batch.station!r} is not registered; hub station add it first"
                    raise DataError([f"{self.path}: {cure}"])
                came = self.journals.setdefault((batch.station, batch.epoch), _Came())
                self._take(batch, came)
                came.rows += 0 if again else len(batch.rows)
                done += len(batch.rows)
                told(done)
        return sum(last - first + 1 for came in self.journals.values() for first, last in came.unkept)

    def _take(self, batch: Batch, came: _Came) -> None:
        with self.store.writing() as connection:
            refused = intake.take(connection, batch, self.now)
            unkept = _unkept(connection, batch)
        came.refused.update(each.seq for each in refused)
        for seq in unkept:
            if came.unkept and came.unkept[-1][1] == seq - 1:
                came.unkept[-1] = came.unkept[-1][0], seq
            else:
                came.unkept.append((seq, seq))

    def give_up(self) -> bool:
        """Goes past all that is missing before waiting rows, as if a card had said that it is gone; whether any was."""
        given = False
        for station, epoch in self.journals:
            with self.store.writing() as connection:
                while (gap := _proven_gap(connection, station, epoch)) is not None:
                    gone, known = gap
                    intake.take(connection, Batch(station, epoch, gone + 1, (), gone, known), self.now)
                    given = True
        return given


def _held(connection: sa.Connection) -> dict[tuple[str, str], tuple[int, int]]:
    wanted = sa.select(journals.c.station, journals.c.epoch, journals.c.through, journals.c.waiting)
    return {(row.station, row.epoch): (row.through, row.waiting) for row in connection.execute(wanted)}


def _unkept(connection: sa.Connection, batch: Batch) -> list[int]:
    """The numbers of a batch that was just taken which are neither held nor wait."""
    own = sa.and_(journals.c.station == batch.station, journals.c.epoch == batch.epoch)
    through = connection.scalar(sa.select(journals.c.through).where(own)) or 0
    end = batch.first + len(batch.rows)
    if end - 1 <= through:
        return []
    table = waiting_rows.c
    wait = sa.and_(table.station == batch.station, table.epoch == batch.epoch, table.seq.between(batch.first, end))
    beside = set(connection.scalars(sa.select(table.seq).where(wait)))
    return [seq for seq in range(max(batch.first, through + 1), end) if seq not in beside]


def _waiting(connection: sa.Connection, station: str, epoch: str) -> Iterator[tuple[int, bytes]]:
    table = waiting_rows.c
    own = sa.and_(table.station == station, table.epoch == epoch)
    for row in connection.execute(sa.select(table.seq, table.raw).where(own).order_by(table.seq)):
        yield row.seq, row.raw


def _missing(connection: sa.Connection, station: str, epoch: str) -> tuple[int, int] | None:
    """What is missing before the first row that waits."""
    own = sa.and_(journals.c.station == station, journals.c.epoch == epoch)
    through = connection.scalar(sa.select(journals.c.through).where(own)) or 0
    first = next(_waiting(connection, station, epoch), None)
    return None if first is None else (through + 1, first[0] - 1)


def _proven_gap(connection: sa.Connection, station: str, epoch: str) -> tuple[int, str] | None:
    """The last missing number before the first waiting row whose own bytes say where it belongs, and that one's hash.

    A row that was emptied has said so when it came.
    """
    for seq, raw in _waiting(connection, station, epoch):
        known = rows.before(raw, station, epoch, seq) if raw else ""
        if known is not None:
            return seq - 1, known
    return None


def _batches(file: BinaryIO, path: Path) -> Iterator[Batch]:
    """Stretches of one journal's rows without a gap; one without rows where the file says that rows are gone."""
    first = _Place("none", "", 0)
    raws: list[msgspec.Raw] = []
    for number, raw in enumerate(iter(lambda: file.readline(_LINE_AT_MOST + 2), b""), 1):
        place, row = _row(raw, number, path)
        follows = (place.station, place.epoch, place.seq) == (first.station, first.epoch, first.seq + len(raws))
        if raws and (not follows or len(raws) == ROWS_A_BATCH):
            yield Batch(first.station, first.epoch, first.seq, tuple(raws))
            raws = []
        if not place.seq:
            yield Batch(place.station, place.epoch, place.gone + 1, (), place.gone, place.gone_hash)
            continue
        if not raws:
            first = place
        raws.append(row)
    if raws:
        yield Batch(first.station, first.epoch, first.seq, tuple(raws))


def _row(line: bytes, number: int, path: Path) -> tuple[_Place, msgspec.Raw]:
    raw = line.rstrip(b"\n")
    try:
        place = _place.decode(raw)
    except (ValueError, RecursionError) as error:
        raise DataError([f"{path}: line {number} is no row; was the copy broken off? Copy the file again"]) from error
    number_of = place.seq or place.gone
    if len(raw) > _LINE_AT_MOST or not intake.is_epoch(place.epoch) or not 1 <= number_of < _SEQ_AT_MOST:
        raise DataError([f"{path}: line {number} is no row of any station's"])
    return place, msgspec.Raw(bytes(place.damaged) or raw)
