"""Stations' journals as the hub gets them: real rows, numbered, chained and sealed, in batches ready for the broker."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from bench.centre import PLACE, number
from core import keys, rows, wire
from core.model import CodeKind, Direction, GateKind, Outcome, Scheme, Source

ROWS_A_BATCH = 200
"""As many as a station sends at most in one message."""

EPOCH = "00000000000000be"


class Journal:
    """One station's journal; people pass one after another, a second between them."""

    def __init__(self, station: str, sealing_key: bytes, people: int, begun: datetime) -> None:
        self.station = station
        self._sealer = keys.Sealer(sealing_key)
        self._people = people
        self._begun = begun
        self.seq = 0
        self._head = rows.genesis(station, EPOCH)

    def batch(self, how_many: int = ROWS_A_BATCH) -> bytes:
        """The next rows as the payload of one message."""
        first = self.seq + 1
        return wire.encode(wire.Batch(self.station, EPOCH, first, tuple(self._rows(how_many))))

    def _rows(self, how_many: int) -> Iterator[msgspec.Raw]:
        for _ in range(how_many):
            self.seq += 1
            raw = wire.encode(self._row())
            self._head = rows.digest(raw)
            yield msgspec.Raw(raw)

    def _row(self) -> wire.Row:
        who = wire.encode(wire.Who(Scheme.CITIZEN, number(self.seq % self._people)))
        context = rows.context(self.station, EPOCH, self.seq)
        at = self._begun + timedelta(seconds=self.seq % 80_000)
        return wire.Row(
            station=self.station,
            epoch=EPOCH,
            seq=self.seq,
            type="checkin",
            at=at,
            clock=wire.RowClock("ntp", "bench", float(self.seq)),
            previous=self._head,
            gate=GateKind.VENUE,
            place=PLACE,
            direction=Direction.IN,
            source=Source.HID,
            code_kind=CodeKind.CCCD,
            outcome=Outcome.PASS,
            groups=tuple(wire.RowGroup(as_of=at) for _ in range(3)),
            policy_version=1,
            tag="0" * 32,
            sealed=base64.b64encode(self._sealer.seal(who, context)).decode(),
        )


def yesterday() -> datetime:
    """When the journals begin: the hub takes such a time as it is."""
    return datetime.now(UTC) - timedelta(days=1)
