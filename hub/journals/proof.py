"""Journals proven from the hub's side: every hash followed again, every missing number named.

Where retention took a journal's beginning the proof starts from the anchor, the hash of the last row that is gone.
An emptied row's bytes are gone too: its hash is held against the row after it, and what it said of the row before it
against that row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from core import rows, wire
from core.health import Health, JournalFigures
from hub.journals import lost
from hub.storage.health_tables import healths
from hub.storage.keeping_tables import anchors, emptied_rows
from hub.storage.tables import conflicting_rows, journal_rows, journals, waiting_rows

CHUNK = 1_000


class Fault(msgspec.Struct, frozen=True):
    """A row where the chain does not hold."""

    seq: int
    problem: str


class Proof(msgspec.Struct, frozen=True):
    """What became of one journal; ``missing`` holds first and last number of each gap, ``first`` the first row kept.

    ``lost`` are the gaps that can fill no more, for their card has those rows no longer.  By its station's last health
    the journal was ``written`` to a number (0: it said nothing of this one) and is ``believed`` to be held to another;
    ``unheld`` are the rows written at its end that are not held here.
    """

    station: str
    epoch: str
    through: int
    missing: tuple[tuple[int, int], ...]
    broken: tuple[Fault, ...]
    refused: int
    conflicts: int
    first: int = 1
    emptied: int = 0
    lost: tuple[tuple[int, int], ...] = ()
    written: int = 0
    believed: int = 0
    unheld: tuple[int, int] | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is missing, lost, changed or contradicted; what waits on the card is not missing."""
        amiss = self.missing or self.lost or self.broken or self.conflicts
        return not (amiss or (self.unheld is not None and self.believed >= self.unheld[0]))


def prove(connection: sa.Connection, station: str) -> list[Proof]:
    """One proof for each journal of a station, oldest first."""
    wanted = sa.select(journals).where(journals.c.station == station).order_by(journals.c.born, journals.c.epoch)
    found = connection.execute(wanted).all()
    proofs = [_prove(connection, journal.station, journal.epoch, journal.through) for journal in found]
    said = _said(connection, station)
    if said.epoch and said.seq and all(each.epoch != said.epoch for each in proofs):
        proofs.append(Proof(station, said.epoch, 0, (), (), 0, 0))
    return [_with_word(connection, each, said) if each.epoch == said.epoch else each for each in proofs]


def _said(connection: sa.Connection, station: str) -> JournalFigures:
    """What the station's last health says of its journal."""
    message = connection.scalar(sa.select(healths.c.message).where(healths.c.station == station))
    try:
        return wire.decode(bytes(message or b""), Health).journal
    except ValueError:
        return JournalFigures()


def _with_word(connection: sa.Connection, proof: Proof, said: JournalFigures) -> Proof:
    end = max([proof.through, *_waiting(connection, proof.station, proof.epoch)])
    unheld = (end + 1, said.seq) if said.seq > end else None
    return msgspec.structs.replace(proof, written=said.seq, believed=said.believed, unheld=unheld)


def _prove(connection: sa.Connection, station: str, epoch: str, through: int) -> Proof:
    start = last = _anchor(connection, station, epoch)
    walked = _Walked(lost.of(connection, station, epoch, start.seq))
    for row in _held(connection, station, epoch, start.seq):
        last = walked.step(walked.over(last, row.seq), row, station, epoch)
    last = walked.over(last, through + 1)
    return Proof(
        station=station,
        epoch=epoch,
        through=last.seq,
        missing=(*walked.missing, *_gaps(last.seq, _waiting(connection, station, epoch))),
        broken=tuple(walked.broken),
        refused=walked.refused,
        conflicts=_conflicts(connection, station, epoch),
        first=start.seq + 1,
        emptied=walked.emptied,
        lost=tuple(walked.gone),
    )


def _anchor(connection: sa.Connection, station: str, epoch: str) -> rows.Link:
    own = sa.and_(anchors.c.station == station, anchors.c.epoch == epoch)
    found = connection.execute(sa.select(anchors.c.seq, anchors.c.hash).where(own)).first()
    return rows.Link(0, rows.genesis(station, epoch)) if found is None else rows.Link(found.seq, found.hash)


class _Held(NamedTuple):
    seq: int
    raw: bytes
    digest: bytes
    refused: str | None
    previous: str | None  # what an emptied row said


@dataclass
class _Walked:
    """What was met on the way along one chain."""

    lost: list[lost.Range]
    gone: list[tuple[int, int]] = field(default_factory=list)
    missing: list[tuple[int, int]] = field(default_factory=list)
    broken: list[Fault] = field(default_factory=list)
    refused: int = 0
    emptied: int = 0

    def over(self, last: rows.Link, seq: int) -> rows.Link:
        """The link before the row under ``seq``: over what is lost, by the hash that its card told, or is missing."""
        for each in self.lost:
            if last.seq < each.last and each.first < seq:
                first, end = max(each.first, last.seq + 1), min(each.last, seq - 1)
                last = self._missing(last, first)
                if first <= end:
                    self.gone.append((first, end))
                    last = rows.Link(end, each.hash if end == each.last and each.hash else None)
        return self._missing(last, seq)

    def _missing(self, last: rows.Link, seq: int) -> rows.Link:
        if seq <= last.seq + 1:
            return last
        self.missing.append((last.seq + 1, seq - 1))
        return rows.Link(seq - 1, None)

    def step(self, last: rows.Link, row: _Held, station: str, epoch: str) -> rows.Link:
        """The link after one row; what does not hold is noted and the walk goes on behind it."""
        self.refused += row.refused is not None
        if not row.raw:
            self.emptied += 1
            if row.previous and last.hash is not None and row.previous != last.hash:
                self.broken.append(Fault(row.seq, "the row before this emptied one was changed"))
            return rows.Link(row.seq, row.digest.hex())
        step = last.follow(row.raw, station, epoch)
        if isinstance(step, rows.Break):
            self.broken.append(Fault(row.seq, step.problem))
        return rows.Link(row.seq, rows.digest(row.raw))


def _held(connection: sa.Connection, station: str, epoch: str, after: int) -> Iterator[_Held]:
    table = journal_rows.c
    same = sa.and_(
        emptied_rows.c.station == table.station, emptied_rows.c.epoch == table.epoch, emptied_rows.c.seq == table.seq
    )
    source = journal_rows.outerjoin(emptied_rows, same)
    columns = (table.seq, table.raw, table.digest, table.refused, emptied_rows.c.previous)
    while True:
        own = sa.and_(table.station == station, table.epoch == epoch, table.seq > after)
        wanted = sa.select(*columns).select_from(source).where(own).order_by(table.seq).limit(CHUNK)
        found = [_Held(*row) for row in connection.execute(wanted)]
        yield from found
        if len(found) < CHUNK:
            return
        after = found[-1].seq


def _waiting(connection: sa.Connection, station: str, epoch: str) -> list[int]:
    table = waiting_rows.c
    wanted = sa.select(table.seq).where(table.station == station, table.epoch == epoch).order_by(table.seq)
    return list(connection.scalars(wanted))


def _gaps(through: int, beside: list[int]) -> Iterator[tuple[int, int]]:
    for seq in beside:
        if seq > through + 1:
            yield through + 1, seq - 1
        through = seq


def _conflicts(connection: sa.Connection, station: str, epoch: str) -> int:
    table = conflicting_rows.c
    wanted = sa.select(sa.func.count()).where(table.station == station, table.epoch == epoch)
    return connection.scalar(wanted) or 0
