"""What a scanner or camera delivered, freed of what scanners add and made into text as well as it can be.

Cleaning never touches the inside of a code: only its two ends are trimmed, so that the same code gives the same
identity whichever reader it came through.
"""

from __future__ import annotations

import re
from typing import ClassVar

from core.discreet import Discreet

LONGEST = 8 * 1024
"""Bytes.  The densest QR code (version 40-L) holds 7,089 digits or 4,296 letters; anything longer is no code."""

ARTEFACTS = b"\x00\x02\x03\x04\x1d\x1e\t\r\n "
"""What stands before or after a code: STX, ETX, EOT, GS, RS, ends of line, blanks, the insurance card's NULs."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SYMBOLOGY = re.compile(rb"\][ACEFILQdez][0-9]")
"""What a scanner set to say so puts first: the symbology's identifier of ISO/IEC 15424, ``]Q1`` for a QR code."""

SEPARATORS = ("|", "\\", "~")
"""A bar, the key it is typed with when Shift was lost, and what a British layout makes of it."""

FEWEST_FIELDS = 6
MOST_FIELDS = 32


class Text(Discreet, frozen=True):
    """One code: ``data`` its trimmed bytes, ``text`` the same as text, ``fields`` its parts if it is a card of fields.

    ``damaged`` says that the bytes were not UTF-8, so that letters outside ASCII are a guess good enough for a name
    on a display and for nothing else.
    """

    secret: ClassVar = frozenset({"data", "text", "fields"})

    data: bytes
    text: str
    fields: tuple[str, ...]
    damaged: bool


def clean(data: bytes) -> Text:
    """The code of a capture, trimmed and decoded; ``data`` is at most ``LONGEST`` bytes."""
    trimmed = data.strip(ARTEFACTS)
    identifier = SYMBOLOGY.match(trimmed)
    if identifier:
        trimmed = trimmed[identifier.end() :]
    trimmed = trimmed.removeprefix(BYTE_ORDER_MARK).strip(ARTEFACTS)
    try:
        text, damaged = trimmed.decode(), False
    except UnicodeDecodeError:
        text, damaged = _repair(trimmed), True
    return Text(trimmed, text, _fields(text), damaged)


def _repair(data: bytes) -> str:
    """UTF-8 with holes if anything in it is UTF-8, else the Windows page for Vietnamese, else Latin-1."""
    holed = data.decode(errors="replace")
    if any(letter > "\x7f" and letter != "\ufffd" for letter in holed):
        return holed
    try:
        return data.decode("cp1258")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _fields(text: str) -> tuple[str, ...]:
    for separator in SEPARATORS:
        parts = text.split(separator, MOST_FIELDS)
        if len(parts) >= FEWEST_FIELDS:
            return tuple(part.strip() for part in parts)
    return ()
