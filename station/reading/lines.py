"""Bytes of a scanner that already decoded the code → one line a scan, bounded, whatever framing it uses."""

from __future__ import annotations

from math import inf
from typing import ClassVar, Literal

from core.discreet import Discreet

LONGEST = 4296
"""Bytes a scan may have: what the largest QR code holds in its alphanumeric mode (ISO/IEC 18004)."""

ENDS = frozenset(b"\r\n\t\x03\x04")
"""Bytes that end a scan: CR, LF, Tab, ETX, EOT."""

STX = 0x02


class Line(Discreet, frozen=True):
    """One scan as a scanner sent it, or what is wrong with it, and then ``data`` is empty."""

    secret: ClassVar = frozenset({"data"})

    data: bytes
    problem: Literal["", "too long", "keys lost"] = ""


TOO_LONG = Line(b"", "too long")
KEYS_LOST = Line(b"", "keys lost")


class LineDecoder:
    """Cuts a stream of bytes into scans.

    A scan ends at CR, LF, Tab, ETX or EOT, or when the device was silent for ``gap`` seconds (None: never, as for a
    person who types on standard input).  STX begins afresh; NULs at the end are dropped; empty scans are none.

    There is no clock here: only silence that was spent waiting on the device counts, never the time for which the
    station itself was too busy to read.
    """

    def __init__(self, gap: float | None = 0.1) -> None:
        self.gap = gap
        self._held = bytearray()
        self._overflown = False
        self._silent = 0.0

    @property
    def patience(self) -> float:
        """How many seconds of silence would end the scan that is held; without end when there is none."""
        held = self._held or self._overflown
        return inf if self.gap is None or not held else self.gap - self._silent

    def feed(self, data: bytes) -> tuple[Line, ...]:
        """Take what has arrived and return the scans that are complete."""
        lines: list[Line] = []
        self._silent = 0.0
        for byte in data:
            if byte in ENDS:
                lines += self._take()
            elif byte == STX:
                self.drop()
            else:
                self._hold(byte)
        return tuple(lines)

    def silence(self, seconds: float) -> tuple[Line, ...]:
        """Take note that waiting ``seconds`` brought nothing, and return the scan that this has ended, if any."""
        self._silent += seconds
        if self.gap is None or self._silent < self.gap:
            return ()
        return self._take()

    def drop(self) -> None:
        """Forget a half-received scan (the scanner was unplugged)."""
        self._held.clear()
        self._overflown = False

    def end(self) -> tuple[Line, ...]:
        """Return what is held when the stream is at its end."""
        return self._take()

    def _hold(self, byte: int) -> None:
        if len(self._held) < LONGEST:
            self._held.append(byte)
        elif byte != 0:  # a tail of NULs is not a longer scan
            self._overflown = True

    def _take(self) -> tuple[Line, ...]:
        data, too_long = bytes(self._held).rstrip(b"\0"), self._overflown
        self.drop()
        if too_long:
            return (TOO_LONG,)
        return (Line(data),) if data else ()
