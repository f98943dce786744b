"""What a station learns later of its own rows' time: one amendment row when somebody has said what time it is.

Rows are never changed.  What was written by a clock that nobody had set is dated by the seconds that the board counted
from there to the amendment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from core import wire
from core.model import GateKind
from station.clock import Clock
from station.journal.record import Entry

log = logging.getLogger(__name__)

CAUSE = "clock"
LOOKED_BACK = 500
"""Rows before the service's start that may still be of this boot."""
_OFF_AT_LEAST = 5.0
"""Seconds by which a chip's clock must have been off; a guess is amended though it was right, for nobody knew."""


class Hindsight:
    """Remembers the last row that needs a better clock; used by the gate's thread."""

    def __init__(self, clock: Clock, earlier: Iterable[wire.Row] = ()) -> None:
        self._clock = clock
        self._unsure: wire.Row | None = None
        for row in earlier:
            self.note(row)

    def note(self, row: wire.Row) -> None:
        """A row was written."""
        if row.clock.boot != self._clock.boot:
            return
        if row.type == "amendment" and row.cause == CAUSE:
            self._unsure = None
        elif row.clock.source in ("guess", "rtc") and row.clock.offset is None:
            self._unsure = row

    def look(self, kind: GateKind, place: str, append: Callable[[Entry], wire.Row | None]) -> bool:
        """Writes the amendment if it is known now what time it is; whether it did."""
        row = self._unsure
        known = self._clock.known() if row is not None else None
        if row is None or known is None:
            return False
        at, worth = known
        off = (at - row.at).total_seconds() - (worth.monotonic - row.clock.monotonic)
        if row.clock.source == "rtc" and abs(off) < _OFF_AT_LEAST:
            self._unsure = None
            return False
        entry = Entry("amendment", at, worth, kind, place, cause=CAUSE, off=round(off, 3))
        if append(entry) is None:
            return False
        log.info("the earlier rows of this boot are dated anew", extra={"off": round(off, 3)})
        return True
