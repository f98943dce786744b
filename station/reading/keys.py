"""Keystrokes of a USB scanner → one line a scan: key codes and a layout in, exact text out.

The decoder is a small state machine without a clock: each key carries the time at which it was pressed, whenever it is
read.  It never raises, holds at most one scan, and ignores what is no part of one (autorepeat, function keys, unknown
codes).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Protocol
from unicodedata import normalize

from station.reading.layouts import Layout, compose
from station.reading.lines import ENDS as END_BYTES
from station.reading.lines import KEYS_LOST, LONGEST, TOO_LONG, Line

UP, DOWN = 0, 1
LOST = 0
"""The code by which a driver says that keys before this one were lost (the kernel's KEY_RESERVED)."""

SHIFTS = frozenset((42, 54))
CTRLS = frozenset((29, 97))
LEFT_ALT, ALTGR = 56, 100
CAPS_LOCK = 58
ENDS = frozenset((28, 96, 15))  # Enter, keypad Enter, Tab
MODIFIERS = SHIFTS | CTRLS | {LEFT_ALT, ALTGR}

KEYPAD_DIGITS = {82: "0", 79: "1", 80: "2", 81: "3", 75: "4", 76: "5", 77: "6", 71: "7", 72: "8", 73: "9"}
KEYPAD = KEYPAD_DIGITS | {55: "*", 74: "-", 78: "+", 98: "/", 117: "=", 121: ","}
KEYPAD_POINT = 83


class Key(Protocol):
    """One event of a keyboard, as a scanner's driver gives it."""

    @property
    def code(self) -> int:
        """Linux key code."""
        ...

    @property
    def value(self) -> int:
        """0 up, 1 down, 2 repeat."""
        ...

    @property
    def at(self) -> float:
        """When it was pressed, in seconds of one clock, whichever."""
        ...


class KeyDecoder:
    """Turns key events into scans; NumLock is taken to be on.

    A scan ends at Enter or Tab, also when they come as Ctrl and M, J or I.  A pause of more than ``gap`` seconds inside
    one means that its end was lost, or is late: what is held is dropped, and what comes before the next end is torn.
    With ``suffix`` False (scanners set to send none) the pause is the end.  Text is given out as UTF-8 in NFC, whatever
    marks the layout types apart.
    """

    def __init__(self, layout: Layout, *, gap: float = 1.0, suffix: bool = True) -> None:
        self.layout = layout
        self.gap = gap
        self.suffix = suffix
        self._down: set[int] = set()
        self._caps = False
        self._last = 0.0
        self._silent = 0.0
        self._begun = False  # a key has come since the last end or pause
        self._pieces: list[str] = []
        self._size = 0
        self._torn = False
        self._mark = ""
        self._alt = ""

    @property
    def patience(self) -> float:
        """How many seconds of silence would be a pause in the scan that is held; without end when there is none."""
        return self.gap - self._silent if self._begun else inf

    def feed(self, keys: Iterable[Key]) -> tuple[Line, ...]:
        """Take key events in the order they came and return the scans that are complete."""
        lines: list[Line] = []
        for key in keys:
            if key.at - self._last > self.gap:
                lines += self._pause()
            self._last, self._silent = key.at, 0.0
            if key.value == DOWN:
                self._begun = True
                lines += self._press(key.code)
            elif key.value == UP:
                self._release(key.code)
        return tuple(lines)

    def silence(self, seconds: float) -> tuple[Line, ...]:
        """Take note that waiting ``seconds`` brought no key, and return the scan that this has ended, if any."""
        self._silent += seconds
        return self._pause() if self._silent >= self.gap else ()

    def reset(self) -> None:
        """Forget what is held and which keys are down (the scanner was unplugged)."""
        self._down.clear()
        self._caps = False
        self._clear()

    def _pause(self) -> tuple[Line, ...]:
        """End what is held: given out without suffix, told when keys were lost or were too many, else dropped."""
        if not self._begun:
            return ()
        if not self.suffix or self._torn or self._size > LONGEST:
            return self._take()
        typed = bool(self._pieces)
        self._clear()
        self._torn = typed
        return ()

    def _tear(self) -> None:
        """Note that keys were lost: what is left of this scan would be another's number."""
        self._down.clear()
        self._torn = True

    def _press(self, code: int) -> tuple[Line, ...]:
        if code in ENDS:
            return self._take()
        if code == LOST:
            self._tear()
            return ()
        if code in MODIFIERS:
            self._down.add(code)
        elif code == CAPS_LOCK:
            self._caps = not self._caps
        elif LEFT_ALT in self._down and code in KEYPAD_DIGITS:
            self._alt = (self._alt + KEYPAD_DIGITS[code])[:8]
        else:
            return self._type(code)
        return ()

    def _release(self, code: int) -> None:
        self._down.discard(code)
        if code == LEFT_ALT and self._alt:
            self._hold(_alt_character(self._alt))
            self._alt = ""

    def _type(self, code: int) -> tuple[Line, ...]:
        shift, altgr = bool(self._down & SHIFTS), ALTGR in self._down
        sign = KEYPAD.get(code) or (self.layout.point if code == KEYPAD_POINT else "")
        if sign:
            self._hold(sign)
            return ()
        sign = self.layout.character(code, shift, altgr, self._caps)
        if sign and self._down & CTRLS:
            sign = _control(sign)
            if sign and ord(sign) in END_BYTES:
                return self._take()
            self._hold(sign)
        elif sign:
            self._print(sign, dead=self.layout.is_dead(code, shift, altgr, self._caps))
        return ()

    def _print(self, sign: str, *, dead: bool) -> None:
        if self._mark:
            mark, self._mark = self._mark, ""
            self._hold(compose(mark, sign))
        elif dead:
            self._mark = sign
        else:
            self._hold(sign)

    def _hold(self, piece: str) -> None:
        self._size += len(piece.encode("utf-8", "surrogateescape"))
        if piece and self._size <= LONGEST:
            self._pieces.append(piece)

    def _take(self) -> tuple[Line, ...]:
        data, size, torn = _exact("".join(self._pieces)), self._size, self._torn
        self._clear()
        if torn:
            return (KEYS_LOST,)
        if max(size, len(data)) > LONGEST:
            return (TOO_LONG,)
        return (Line(data),) if data else ()

    def _clear(self) -> None:
        self._pieces = []
        self._size = 0
        self._begun = False
        self._torn = False
        self._mark = ""
        self._alt = ""


def _control(sign: str) -> str:
    """Ctrl and a letter or bracket is a control character, as scanners send GS (Ctrl and right bracket)."""
    return chr(ord(sign.upper()) & 0x1F) if sign.isascii() and (sign.isalpha() or sign in "[\\]^_") else ""


def _alt_character(digits: str) -> str:
    """Return what Alt and a number on the keypad types: the mode of scanners that know no layout.

    Numbers above 255 are code points; with a leading zero the byte of a text in UTF-8 or Windows-1252, kept as a
    lone surrogate until the whole scan tells which (``_exact``); else a character of code page 437.
    """
    number = int(digits)
    if number < 0x80:
        return chr(number)
    if number < 0x100:
        return chr(0xDC00 + number) if digits.startswith("0") else bytes((number,)).decode("cp437")
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""


def _exact(text: str) -> bytes:
    """Return the scan's bytes; bytes typed by Alt codes are UTF-8 when they can be, else Windows-1252."""
    data = text.encode("utf-8", "surrogateescape")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        whole = "".join(
            bytes((ord(sign) - 0xDC00,)).decode("cp1252", "replace") if 0xDC80 <= ord(sign) < 0xDD00 else sign
            for sign in text
        )
    return normalize("NFC", whole).encode()
