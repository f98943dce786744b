"""Codes of places: ours, which commissions a station to its venue, and those that venues post for people to scan.

Ours is ``TQP1:`` + the place's id in capitals + ``:`` + four check characters, in QR's alphanumeric set throughout:
``TQP1:CHO-DONG-BA:HGV6``.  The check (CRC-32 of prefix and id, in base 36) catches slips of typing; it proves nothing.
"""

from __future__ import annotations

import re
from zlib import crc32

from core.codes.text import Text
from core.model import CodeKind, Credential, Reason

KIND = CodeKind.PLACE
PREFIX = "TQP1:"
POSTED = ("https://qr.tokhaiyte.vn/", "https://qr.pccovid.gov.vn/")
"""Openings of venue-posted codes of other systems; the content of Hue-S's own was never published."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def read(text: Text) -> Credential | None:
    """A place's code, or None; a slip in our own is still a place's code and never looked up as a person's."""
    if text.text[: len(PREFIX)].upper() == PREFIX or text.text.lower().startswith(POSTED):
        return Credential(KIND, wrong=Reason.IS_PLACE)
    return None


def issue(place: str) -> str:
    """The code to post for a place id (lower-case letters, digits, dashes; at most 63); ValueError for another."""
    if not _ID.fullmatch(place):
        raise ValueError("a place id is 1 to 63 lower-case letters, digits and dashes")
    body = PREFIX + place.upper()
    return f"{body}:{_check(body)}"


def place_of(code: str) -> str | None:
    """The place id of a code of ours, for commissioning a station; None when it is not one or was mistyped."""
    body, _, check = code.strip().upper().rpartition(":")
    place = body.removeprefix(PREFIX).lower()
    right = body.startswith(PREFIX) and _ID.fullmatch(place) and check == _check(body)
    return place if right else None


def _check(body: str) -> str:
    rest, check = crc32(body.encode()), ""
    for _ in range(4):
        rest, digit = divmod(rest, 36)
        check = _DIGITS[digit] + check
    return check
