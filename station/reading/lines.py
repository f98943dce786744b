"""Bytes of a scanner that already decoded the code → one line a scan, bounded, whatever framing it uses."""

from __future__ import annotations

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

    A scan ends at CR, LF, Tab, ETX or EOT, or when nothing has come for ``gap`` seconds (None: never, as for a person
    who types on standard input).  STX begins afresh; NULs at the end are dropped; empty scans are none.
    """

    def __init__(self, gap: float | None = 0.1) -> None:
        self.gap = gap
        self._held = bytearray()
        self._overflown = False
        self._last = 0.0

    def feed(self, data: bytes, at: float) -> tuple[Line, ...]:
        """Take what arrived at ``at`` (monotonic seconds) and return the scans that are complete."""
        lines = list(self.idle(at))
        self._last = at
        for byte in data:
            if byte in ENDS:
                lines += self._take()
            elif byte == STX:
                self.drop()
            else:
                self._hold(byte)
        return tuple(lines)

    def idle(self, now: float) -> tuple[Line, ...]:
        """Return the scan that a silence of ``gap`` seconds has ended, if any."""
        if self.gap is None or now - self._last <= self.gap:
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
