"""A simulated station's journal: numbered, chained, sealed rows in memory, until the hub holds them.

What is on a real card's journal outlives its service; this one begins a new epoch with every run.
"""

from __future__ import annotations

import base64
import random
import secrets
from collections import deque
from datetime import datetime

import msgspec

from core import keys, rows, wire
from core.model import CodeKind, Direction, GateKind, Origin, Outcome, Reason, Source
from core.wire import Batch, HeldMark, Row, RowClock, RowGroup, Who

ROWS_A_BATCH = 200


class Passage(msgspec.Struct, frozen=True):
    """What a row says of one showing; ``online`` is whether the hub could be asked."""

    who: Who
    outcome: Outcome
    reasons: tuple[Reason, ...]
    direction: Direction
    online: bool


class Doorway(msgspec.Struct, frozen=True):
    """Where a row is written: kind of gate, place, and the policy held there."""

    gate: GateKind
    place: str
    policy: int


class Journal:
    """The rows that the hub does not hold yet, oldest first, each with when it was written (monotonic seconds)."""

    def __init__(self, station: str, sealer: keys.Sealer) -> None:
        self.station, self._sealer = station, sealer
        self.epoch = secrets.token_hex(8)
        self.boot = secrets.token_hex(16)
        self.seq = 0
        self.refused = 0
        self._head = rows.genesis(station, self.epoch)
        self._waiting: deque[tuple[int, bytes, float]] = deque()
        self._day_key = keys.new_day_key()

    @property
    def backlog(self) -> int:
        """How many rows wait."""
        return len(self._waiting)

    def oldest(self, mono: float) -> float | None:
        """For how many seconds the oldest row has waited."""
        return max(0.0, mono - self._waiting[0][2]) if self._waiting else None

    def write(
        self, passage: Passage, doorway: Doorway, clock: RowClock, at: datetime, mono: float, dice: random.Random
    ) -> None:
        """Adds a check-in of somebody."""
        seq, who = self.seq + 1, passage.who
        box = self._sealer.seal(wire.encode(who), rows.context(self.station, self.epoch, seq))
        group = RowGroup(Origin.HUB, None, at) if passage.online else RowGroup()
        self._add(
            Row(
                station=self.station,
                epoch=self.epoch,
                seq=seq,
                type="checkin",
                at=at,
                clock=clock,
                previous=self._head,
                gate=doorway.gate,
                place=doorway.place,
                direction=passage.direction,
                source=Source.CAMERA if dice.random() < 0.7 else Source.HID,
                code_kind=CodeKind.CCCD,
                outcome=passage.outcome,
                reasons=passage.reasons,
                groups=(group,) * 3,
                policy_version=doorway.policy,
                tag=keys.tag(self._day_key, at.date(), who.scheme.value, who.value),
                sealed=base64.b64encode(box).decode(),
            ),
            mono,
        )

    def open_door(self, doorway: Doorway, clock: RowClock, at: datetime, mono: float) -> None:
        """Adds the row of a door that was opened by order."""
        self._add(
            Row(
                station=self.station,
                epoch=self.epoch,
                seq=self.seq + 1,
                type="opening",
                at=at,
                clock=clock,
                previous=self._head,
                gate=doorway.gate,
                place=doorway.place,
                policy_version=doorway.policy,
                cause="command",
            ),
            mono,
        )

    def _add(self, row: Row, mono: float) -> None:
        raw = wire.encode(row)
        self.seq, self._head = row.seq, rows.digest(raw)
        self._waiting.append((row.seq, raw, mono))

    def batch(self) -> Batch | None:
        """The oldest rows that wait, byte for byte; None when none does."""
        if not self._waiting:
            return None
        chosen = [raw for _, raw, _ in list(self._waiting)[:ROWS_A_BATCH]]
        return Batch(self.station, self.epoch, self._waiting[0][0], tuple(map(msgspec.Raw, chosen)))

    def hold(self, mark: HeldMark) -> int:
        """Lets go of what the hub holds; how many rows that were."""
        if (mark.station, mark.epoch) != (self.station, self.epoch):
            return 0
        before = len(self._waiting)
        while self._waiting and self._waiting[0][0] <= mark.through:
            self._waiting.popleft()
        self.refused = len(mark.refused)
        return before - len(self._waiting)
