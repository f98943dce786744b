"""What a row says before it has its place in the chain, and the row that it becomes there."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Literal

import msgspec

from core import rows, wire
from core.keys import RowSeals
from core.model import CodeKind, Direction, GateKind, Outcome, Reason, Source, Subject
from core.movement import Passage


class Entry(msgspec.Struct, frozen=True):
    """What a row says before it has its place in the chain; ``who`` is sealed, ``seen`` makes the day's tags."""

    type: wire.RowType
    at: datetime
    clock: wire.RowClock
    gate: GateKind
    place: str = ""
    direction: Direction = Direction.IN
    source: Source | None = None
    code_kind: CodeKind | None = None
    outcome: Outcome | None = None
    reasons: tuple[Reason, ...] = ()
    groups: tuple[wire.RowGroup, ...] = ()
    policy_version: int = 0
    who: wire.Who | None = None
    seen: Subject | None = None
    about: int = 0
    decision: Literal["admitted", "turned-away"] | None = None
    cause: str = ""
    off: float | None = None

    @property
    def admits(self) -> bool:
        """Whether somebody went through with this row: what comes next is a way out, or passing back."""
        return self.outcome is Outcome.PASS or self.decision == "admitted"

    @property
    def passage(self) -> Passage:
        """The going through that this row tells of."""
        return Passage(self.at, self.direction, self.outcome is Outcome.PASS)


class Chain(msgspec.Struct, frozen=True):
    """Whose rows these are, and the end that the next one is bound to."""

    station: str
    epoch: str
    seq: int
    hash: str

    def then(self, raw: bytes) -> Chain:
        """The end after one more row."""
        return Chain(self.station, self.epoch, self.seq + 1, rows.digest(raw))


def row_of(entry: Entry, chain: Chain, tag: str, seals: RowSeals, sealed_to: str) -> wire.Row:
    """The row that an entry becomes as the next of a chain."""
    seq, sealed = chain.seq + 1, ""
    if entry.who is not None:
        context = rows.context(chain.station, chain.epoch, seq)
        sealed = base64.b64encode(seals.seal(wire.encode(entry.who), context)).decode()
    return wire.Row(
        station=chain.station,
        epoch=chain.epoch,
        seq=seq,
        type=entry.type,
        at=entry.at,
        clock=entry.clock,
        previous=chain.hash,
        gate=entry.gate,
        place=entry.place,
        direction=entry.direction,
        source=entry.source,
        code_kind=entry.code_kind,
        outcome=entry.outcome,
        reasons=entry.reasons,
        groups=entry.groups,
        policy_version=entry.policy_version,
        tag=tag,
        sealed=sealed,
        about=entry.about,
        decision=entry.decision,
        cause=entry.cause,
        off=entry.off,
        sealed_to=sealed_to if sealed else "",
    )
