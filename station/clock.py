"""How far this board's clock can be trusted, and by how much the hub's own clock differs from it."""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, Protocol

from core.wire import RowClock

log = logging.getLogger(__name__)

Worth = Literal["ntp", "rtc", "hub", "guess"]

BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No clock of this program can truly show an earlier time."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_RTC = Path("/sys/class/rtc/rtc0")
_TIME_ERROR = 5
_AGREES_WITHIN = 5.0
_LOOK_EVERY = 10.0
_LEAP = 1.5
"""Seconds; less may be a leap second."""
_AT_ONCE = 0.5
_TRIES = 5
"""Readings of both clocks: one in the middle of which a busy board stood still would look like a leap."""
_FAR = 3600.0
_DRIFT = 1e-4
"""How far a crystal may run off in a second without a network: 9 s a day."""


class Kernel(Protocol):
    """The one system call that says who keeps the clock."""

    def adjtimex(self, timex: object, /) -> int:
        """adjtimex(2): the state of the clock, -1 when it may not be asked."""


class _Timex(ctypes.Structure):
    """``struct timex`` of adjtimex(2); only ``maxerror`` (microseconds) is read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 512),
    )


def _utc() -> datetime:
    return datetime.now(UTC)


class Clock:
    """The wall clock of this board; ``worth`` is looked at again every ten seconds, for it costs a system call.

    A wall clock that moves against the monotonic one was set by somebody: what the hub said of it before is void, and
    so is what it was worth.  Used by every loop: one at a time reads the clocks, or an old reading could undo a newer.
    """

    def __init__(
        self,
        *,
        wall: Callable[[], datetime] = _utc,
        monotonic: Callable[[], float] = time.monotonic,
        kernel: Kernel | None = None,
        chip: Path = _RTC,
    ) -> None:
        self._wall, self._monotonic, self._chip = wall, monotonic, chip
        self._kernel: Kernel = kernel if kernel is not None else ctypes.CDLL(None, use_errno=True)
        self.boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else "unknown"
        self._lock = threading.RLock()
        self._looked = float("-inf")
        self._source: Worth = "guess"
        self._error: float | None = None
        self._offset: float | None = None
        self._heard = float("-inf")  # monotonic
        self._apart = self._difference()
        self._believed = self._apart  # where the clock was when it was last vouched for, or at the start

    def now(self) -> datetime:
        """The time now, aware, UTC."""
        return self._wall()

    def worth(self) -> RowClock:
        """What a row says of the clock: its source, this boot, the monotonic time and the bound of its error."""
        with self._lock:
            self._notice_leap()
            monotonic = self._monotonic()
            if monotonic - self._looked >= _LOOK_EVERY:
                self._looked = monotonic
                self._source, self._error = self._look(monotonic)
            return RowClock(self._source, self.boot, round(monotonic, 3), self._error, self._offset)

    def heard(self, hub_time: datetime, seconds: float) -> None:
        """Takes the hub's clock from an answer that took ``seconds``; half of that is how far it may be off."""
        with self._lock:
            self._notice_leap()
            offset = (hub_time - self.now()).total_seconds() + seconds / 2
            if self._offset is None:
                self._looked = float("-inf")
            self._offset, self._heard = round(offset, 3), self._monotonic()
            self._believed = self._apart + offset

    @property
    def hub_offset(self) -> float | None:
        """The hub's clock minus ours in seconds, at its last answer; None when none was heard since the clock leapt."""
        with self._lock:
            self._notice_leap()
            return self._offset

    def corrected(self, at: datetime) -> datetime:
        """What the hub's clock showed when this one showed ``at``; as it is where they agree or nobody knows better."""
        worth = self.worth()
        source, offset = worth.source, worth.offset
        if source == "ntp" or offset is None or abs(offset) <= _AGREES_WITHIN:
            return at
        return at + timedelta(seconds=offset)

    @property
    def adrift(self) -> bool:
        """Whether this clock was put far from where it was last believed, and nobody has vouched for it since."""
        with self._lock:
            worth = self.worth()
            return worth.source != "ntp" and worth.offset is None and abs(self._apart - self._believed) > _FAR

    def known(self) -> tuple[datetime, RowClock] | None:
        """What time it is by somebody's word, and what that is worth; None while there is only this board's own.

        The hub's word for it also when this clock itself is far off.
        """
        with self._lock:
            worth, now = self.worth(), self.now()
            offset, heard = worth.offset, self._heard
        if worth.source in ("ntp", "hub"):
            return (now, worth) if now >= BUILT else None
        if offset is None:
            return None
        error = round((worth.monotonic - heard) * _DRIFT, 3)
        return now + timedelta(seconds=offset), RowClock("hub", worth.boot, worth.monotonic, error, offset)

    def judged(self) -> datetime | None:
        """The hub's time, to hold an order's end against; None when nobody set this clock and no hub was heard.

        A clock that the network sets needs no hub; any other is corrected by the hub's last word.
        """
        worth = self.worth()
        if worth.source != "ntp" and worth.offset is not None:
            return self.now() + timedelta(seconds=worth.offset)
        return self.now() if self.sure else None

    @property
    def sure(self) -> bool:
        """Whether the clock was set by somebody since this board was built."""
        return self.now() >= BUILT and self.worth().source != "guess"

    @property
    def agreed(self) -> bool:
        """Whether a time server or the hub says that this clock is right."""
        return self.now() >= BUILT and self.worth().source in ("ntp", "hub")

    def _difference(self) -> float:
        for _ in range(_TRIES):
            before = self._monotonic()
            wall, after = self._wall().timestamp(), self._monotonic()
            if after - before < _AT_ONCE:
                break
        return wall - after

    def _notice_leap(self) -> None:
        apart = self._difference()
        leap = apart - self._apart
        if abs(leap) > _LEAP:
            self._apart = apart
            self._offset, self._looked = None, float("-inf")
            log.warning("the clock was set", extra={"seconds": round(leap, 1)})

    def _look(self, monotonic: float) -> tuple[Worth, float | None]:
        timex = _Timex()
        if self._kernel.adjtimex(ctypes.byref(timex)) not in (-1, _TIME_ERROR):
            self._believed = self._apart
            return "ntp", round(timex.maxerror / 1e6, 3)
        if self._offset is not None:
            if abs(self._offset) > _AGREES_WITHIN:
                return "guess", None
            return "hub", round(abs(self._offset) + (monotonic - self._heard) * _DRIFT, 3)
        if self._chip.exists() and self.now() >= BUILT:
            return "rtc", None
        return "guess", None
