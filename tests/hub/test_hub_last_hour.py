"""How long things took within the last hour, out of histograms that only rise."""

from datetime import UTC, datetime, timedelta

from core.health import Health, Histogram
from hub.health import hours

DAWN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def said(minute: int, session: str = "one", up: float | None = None) -> Health:
    """A station that looks somebody up once a minute, in 20 ms."""
    looked = Histogram((0, 0, 0, 0, minute, *(0,) * 8), 20.0 * minute)
    at = DAWN + timedelta(minutes=minute)
    return Health(station="s1", session=session, number=minute + 1, at=at, up=up or 60.0 * minute, lookup=looked)


def test_the_last_hour_is_the_last_hour_and_not_everything_since_the_start():
    marks, before = b"", None
    for minute in range(60 * 20):
        now = DAWN + timedelta(minutes=minute)
        marks = hours.marked(marks, before, before := said(minute), now)
    shown = hours.hour(marks, before, now)
    assert 60 <= shown.lookup.count <= 90
    assert timedelta(minutes=60) <= now - shown.since <= timedelta(minutes=90)
    assert len(marks) == hours.KEPT * 121
    assert hours.read(marks) == marks


def test_a_new_session_begins_anew_and_a_mark_of_another_program_is_none():
    marks = hours.marked(b"", None, said(100), DAWN)
    fresh = said(3, "two")
    again = hours.marked(marks, said(100), fresh, DAWN + timedelta(minutes=103))
    assert len(again) == 121
    assert hours.read(b"rubbish") == hours.read(None) == b""
    assert hours.hour(b"", fresh, DAWN + timedelta(minutes=103)).lookup.count == 3


def test_what_is_kept_of_a_station_is_small():
    marks, before = b"", None
    for minute in range(0, 300, 15):
        marks = hours.marked(marks, before, before := said(minute), DAWN + timedelta(minutes=minute))
    assert len(marks) <= 500
