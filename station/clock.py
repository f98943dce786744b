"""How far this board's clock can be trusted, and by how much the hub's own clock differs from it."""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from core.wire import RowClock

Worth = Literal["ntp", "rtc", "hub", "guess"]

BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock of this program can truly show an earlier time."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_RTC = Path("/sys/class/rtc/rtc0")
_TIME_ERROR = 5
_AGREES_WITHIN = 5.0
_LOOK_EVERY = 10.0


class _Timex(ctypes.Structure):
    """``struct timex`` of adjtimex(2); only ``maxerror`` (microseconds) is read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 512),
    )


class Clock:
    """The wall clock of this board; ``worth`` is looked at again every ten seconds, for it costs a system call."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else "unknown"
        self._looked = float("-inf")
        self._source: Worth = "guess"
        self._error: float | None = None
        self.hub_offset: float | None = None  # hub's clock minus ours, seconds, at the last answer

    def now(self) -> datetime:
        """The time now, aware, UTC."""
        return datetime.now(UTC)

    def worth(self) -> RowClock:
        """What a row says of the clock: its source, this boot, the monotonic time and the bound of its error."""
        monotonic = time.monotonic()
        if monotonic - self._looked >= _LOOK_EVERY:
            self._looked = monotonic
            self._source, self._error = self._look()
        return RowClock(self._source, self.boot, round(monotonic, 3), self._error)

    def heard(self, hub_time: datetime, seconds: float) -> None:
        """Takes the hub's clock from an answer that took ``seconds``; half of that is how far it may be off."""
        offset = (hub_time - self.now()).total_seconds() + seconds / 2
        self.hub_offset = round(offset, 3)

    def judged(self) -> datetime | None:
        """The hub's time, to hold an order's end against; None when nobody set this clock and no hub was heard.

        A clock that the network sets needs no hub; any other is corrected by the hub's last word.
        """
        if self.worth().source != "ntp" and self.hub_offset is not None:
            return self.now() + timedelta(seconds=self.hub_offset)
        return self.now() if self.sure else None

    @property
    def sure(self) -> bool:
        """Whether the clock was set by somebody since this board was built."""
        return self.now() >= BUILT and self.worth().source != "guess"

    def _look(self) -> tuple[Worth, float | None]:
        timex = _Timex()
        if self._libc.adjtimex(ctypes.byref(timex)) not in (-1, _TIME_ERROR):
            return "ntp", round(timex.maxerror / 1e6, 3)
        if self.hub_offset is not None and abs(self.hub_offset) <= _AGREES_WITHIN:
            return "hub", abs(self.hub_offset)
        if _RTC.exists() and self.now() >= BUILT:
            return "rtc", None
        return "guess", None
