"""The province's clock: moments as people there read and write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

HUE = timezone(timedelta(hours=7))

FIRST = datetime(1900, 1, 1, tzinfo=UTC)
LAST = datetime(2200, 1, 1, tzinfo=UTC)
"""Between these, days and windows can be added and taken away without leaving the calendar."""


def there(moment: datetime) -> datetime:
    """A moment on the province's clock; those at the calendar's very ends, which it cannot show, stay as they are."""
    try:
        return moment.astimezone(HUE)
    except OverflowError:
        return moment


def read(typed: str) -> datetime | None:
    """A day or a moment as date fields send it, on the province's clock.

    None for what is no date, and for one that is not between ``FIRST`` and ``LAST``.
    """
    try:
        moment = datetime.fromisoformat(typed).replace(tzinfo=HUE)
        return moment if FIRST <= moment <= LAST else None
    except (ValueError, OverflowError):
        return None
