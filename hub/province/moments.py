"""How another system writes a moment: RFC 3339, seconds or milliseconds since 1970, or a pattern of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

RFC3339 = "rfc3339"
EPOCHS = {"epoch-s": 1, "epoch-ms": 1_000}
EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""A date outside of these is a mistake, such as seconds taken for milliseconds."""

_PARTS = {
    "dd": r"(?P<day>\d{1,2})",
    "mm": r"(?P<month>\d{1,2})",
    "yyyy": r"(?P<year>\d{4})",
    "HH": r"(?P<hour>\d{1,2})",
    "MM": r"(?P<minute>\d{1,2})",
    "SS": r"(?P<second>\d{1,2})",
}
_TOKEN = re.compile("|".join((*_PARTS, "[A-Za-z]+", ".")), re.DOTALL)
_ZONE = re.compile(r"([+-])([01]\d):([0-5]\d)")
_LONGEST = 64


@dataclass(frozen=True)
class Clock:
    """One way of writing moments; ``zone`` is that of a moment that does not say its own."""

    form: str
    zone: timezone
    pattern: re.Pattern[str] | None = None

    @classmethod
    @lru_cache(64)
    def of(cls, form: str, zone: str) -> Clock:
        """By the words of a mapping; ``ValueError`` says which cannot be."""
        return cls(form, zone_of(zone), None if form in (RFC3339, *EPOCHS) else _pattern(form))

    def read(self, value: object) -> datetime:
        """The moment in UTC; ``ValueError`` says what it is not, never what it was."""
        moment = self._read(value)
        if not EARLIEST <= moment < LATEST:
            raise ValueError(f"not a moment between 1990 and 2100 when read as {self.form}")
        return moment

    def is_day(self, value: object) -> bool:
        """Whether a value that can be read says a day and no time of it."""
        if self.pattern is not None:
            return "hour" not in self.pattern.groupindex
        return self.form == RFC3339 and isinstance(value, str) and len(value.strip()) <= len("2026-01-31")

    def _read(self, value: object) -> datetime:
        try:
            if self.form in EPOCHS:
                return datetime.fromtimestamp(_number(value) / EPOCHS[self.form], UTC)
            if not isinstance(value, str) or len(value) > _LONGEST:
                raise ValueError
            if self.pattern is None:
                moment = datetime.fromisoformat(value.strip())
                return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)
            return self._matched(self.pattern, value.strip())
        except (ValueError, OverflowError, OSError):
            raise ValueError(f"not a moment written as {self.form}") from None

    def _matched(self, pattern: re.Pattern[str], text: str) -> datetime:
        found = pattern.fullmatch(text)
        if found is None or not text.isascii():
            raise ValueError
        parts = {name: int(digits) for name, digits in found.groupdict().items()}
        return datetime(**parts, tzinfo=self.zone).astimezone(UTC)


def zone_of(text: str) -> timezone:
    """``+07:00`` or ``Z``; ``ValueError`` otherwise."""
    found = _ZONE.fullmatch(text)
    if text == "Z":
        return UTC
    if found is None or int(found[2]) > 14:
        raise ValueError(f"{text!r} is no zone; write +07:00 or Z")
    ahead = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-ahead if found[1] == "-" else ahead)


def _pattern(form: str) -> re.Pattern[str]:
    words = _TOKEN.findall(form)
    strange = [word for word in words if word not in _PARTS and word.isalpha() and word != "T"]
    twice = [word for word in _PARTS if words.count(word) > 1]
    if strange or twice or not {"dd", "mm", "yyyy"} <= set(words):
        told = ", ".join((RFC3339, *EPOCHS))
        raise ValueError(f"{form!r} is no format; write {told}, or a pattern such as dd/mm/yyyy HH:MM")
    return re.compile("".join(_PARTS.get(word) or re.escape(word) for word in words))


def _number(value: object) -> float:
    if isinstance(value, str) and len(value) <= _LONGEST:
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise ValueError
