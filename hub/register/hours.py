"""Opening hours: one spelling for what people write, so that a place never silently does without its closing time."""

from __future__ import annotations

import re

_CLOCK = r"(\d{1,2})(?:\s*(?:[:.]|h|giờ|g)\s*(\d{2})?)?"
_HOURS = re.compile(rf"\s*{_CLOCK}\s*(?:-|–|—|đến|to)\s*{_CLOCK}\s*", re.ASCII | re.IGNORECASE)
_MIDNIGHT = 24 * 60


def spell(typed: str) -> str | None:
    """``05:00-20:00`` out of ``5h - 20h`` and the like; None when it says no opening and closing time.

    Empty stays empty: the place never closes by itself.  A place may close after midnight, or at ``24:00``.
    """
    if not typed.strip():
        return ""
    found = _HOURS.fullmatch(typed)
    if found is None:
        return None
    opens, closes = _minutes(found[1], found[2]), _minutes(found[3], found[4])
    if opens is None or closes is None or opens in (closes, _MIDNIGHT):
        return None
    return f"{_clock(opens)}-{_clock(closes)}"


def _minutes(hour: str, minute: str | None) -> int | None:
    rest = int(minute or 0)
    whole = int(hour) * 60 + rest
    return whole if rest < 60 and whole <= _MIDNIGHT else None


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
