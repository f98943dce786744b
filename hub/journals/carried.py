"""Rows that came by hand: the file that ``station journal export`` wrote, taken in as if the station had sent it.

The same rows, the same identity, exactly once; what is held already changes nothing.  The chain is proven when the rows
are read, like any other's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
import sqlalchemy as sa

from core.wire import Batch, StationName
from hub.errors import DataError, MissingFile
from hub.journals import boots, intake, reading
from hub.journals.unsealing import ROW_BYTES_AT_MOST
from hub.stations.fleet import Tokens
from hub.storage.keyring import Keyring
from hub.storage.store import Store
from hub.storage.tables import journals

ROWS_A_BATCH = 200
DATED_A_BATCH = 500
_SEQ_END = 1 << 53
_LINE_AT_MOST = 8 * ROW_BYTES_AT_MOST
"""Longer than any row, and than a damaged one with a character for each byte."""
_BEGINNINGS = (b'{"station":', b'{"emptied":')


class _Place(msgspec.Struct, frozen=True):
    """What every row says of itself, whatever else it holds."""

    station: StationName
    epoch: str
    seq: int
    damaged: msgspec.Raw = msgspec.Raw(b"")


class Taken(msgspec.Struct, frozen=True):
    """What became of one journal's rows: how many came, how many were new, how far it is held, how many wait beside."""

    station: str
    epoch: str
    rows: int
    new: int
    refused: int
    through: int
    waiting: int


_place = msgspec.json.Decoder(_Place)


def is_rows(path: Path) -> bool:
    """Whether a file begins as exported rows do; ``MissingFile`` when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(_BEGINNINGS[0])) in _BEGINNINGS
    except OSError as error:
        raise MissingFile(f"{path}: {error.strerror or error}") from error


def take(store: Store, ring: Keyring, path: Path, now: datetime, told: Callable[[int], None]) -> list[Taken]:
    """Takes every row of a file in; ``DataError`` names the line that is none, or a station nobody registered.

    What came before such a line is kept.
    """
    with store.reading() as connection:
        tokens = Tokens()
        tokens.reload(connection)
        before = _held(connection)
    counted: dict[tuple[str, str], list[int]] = {}
    done = 0
    with path.open("rb") as file:
        for batch in _batches(file, path):
            if tokens.named(batch.station) is None:
                raise DataError([f"{path}: station {batch.station!r} is not registered; hub station add it first"])
            with store.writing() as connection:
                refused = intake.take(connection, batch, now)
            count = counted.setdefault((batch.station, batch.epoch), [0, 0])
            count[0] += len(batch.rows)
            count[1] += len(refused)
            done += len(batch.rows)
            told(done)
    while True:
        with store.writing() as connection:
            read = reading.read_pending(connection, ring, ROWS_A_BATCH, now)[0]
            undated = boots.date_held(connection, DATED_A_BATCH)
            if not read and not undated:
                break
    with store.reading() as connection:
        after = _held(connection)
    return [
        Taken(*journal, rows, sum(after[journal]) - sum(before.get(journal, (0, 0))), refused, *after[journal])
        for journal, (rows, refused) in counted.items()
    ]


def _held(connection: sa.Connection) -> dict[tuple[str, str], tuple[int, int]]:
    wanted = sa.select(journals.c.station, journals.c.epoch, journals.c.through, journals.c.waiting)
    return {(row.station, row.epoch): (row.through, row.waiting) for row in connection.execute(wanted)}


def _batches(file: BinaryIO, path: Path) -> Iterator[Batch]:
    """Stretches of one journal's rows without a gap."""
    first = _Place("none", "", 0)
    raws: list[msgspec.Raw] = []
    for number, raw in enumerate(iter(lambda: file.readline(_LINE_AT_MOST + 2), b""), 1):
        place, row = _row(raw, number, path)
        follows = (place.station, place.epoch, place.seq) == (first.station, first.epoch, first.seq + len(raws))
        if raws and (not follows or len(raws) == ROWS_A_BATCH):
            yield Batch(first.station, first.epoch, first.seq, tuple(raws))
            raws = []
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
    if len(raw) > _LINE_AT_MOST or not intake.is_epoch(place.epoch) or not 0 < place.seq < _SEQ_END:
        raise DataError([f"{path}: line {number} is no row of any station's"])
    return place, msgspec.Raw(bytes(place.damaged) or raw)
