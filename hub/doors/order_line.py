"""Which orders the hub's line to the broker is to publish now, each once until it is noted as sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import sqlalchemy as sa

from hub.journals.writer import Delivery, Result, Writer
from hub.stations import orders
from hub.stations.orders import Due, Sent

LOOK_SECONDS = 1.0


class OrderLine:
    """Used by the thread that owns the line."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._under_way: set[str] = set()
        self._next = 0.0  # monotonic

    def due(self, reader: sa.Connection) -> Iterator[tuple[Due, int]]:
        """Orders to publish, with the seconds that the broker may keep them; looked for once a second."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LOOK_SECONDS
        now = datetime.now(UTC)
        for each in orders.due(reader, now):
            if each.id not in self._under_way:
                yield each, max(1, int((each.not_after - now).total_seconds()))
                self._note(each)

    def _note(self, due: Due) -> None:
        self._under_way.add(due.id)

        def done(_result: Result) -> None:
            self._under_way.discard(due.id)  # whatever came of it: what is not noted is published again

        if not self._writer.deliver(Delivery(Sent(due.station, (due.id,)), done)):
            self._under_way.discard(due.id)
