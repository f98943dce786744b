"""Opening hours: every usual way to write them is understood, and what is not is said, never dropped."""

import json

import pytest
from hub_stand import PEOPLE

from hub.errors import DataError
from hub.inquiries.movements import closing
from hub.localtime import HUE, read, there
from hub.register import hours, people

WAYS = {
    "05:00-20:00": "05:00-20:00",
    "5h-20h": "05:00-20:00",
    "5:00 – 20:30": "05:00-20:30",
    "7g30 đến 11g": "07:30-11:00",
    "18:00-02:00": "18:00-02:00",
    "0:00-24:00": "00:00-24:00",
    " ": "",
}


@pytest.mark.parametrize("typed", WAYS)
def test_hours_are_understood_however_they_are_written(typed):
    assert hours.spell(typed) == WAYS[typed]


@pytest.mark.parametrize("spelt", sorted(set(WAYS.values()) - {""}))
def test_whatever_is_understood_closes_the_place(spelt):
    assert closing(spelt, read("2026-03-02T04:00")) is not None


@pytest.mark.parametrize(
    "typed", ["sáng chiều", "8-25", "8:00-8:00", "7:60-9", "24-5:00", "٠٥:٠٠-٢٠:٠٠", "8:00", "24:30-5"]
)
def test_hours_that_say_no_closing_time_are_refused(typed):
    assert hours.spell(typed) is None
    place = {**PEOPLE["places"][0], "hours": typed}
    with pytest.raises(DataError, match="hours: opening and closing time"):
        people.parse(json.dumps({"places": [place]}).encode(), "people.json")


def test_what_people_type_as_a_date_stays_inside_the_calendar():
    assert read("2026-03-02T04:00").tzinfo is HUE
    for typed in ("0001-01-01", "9999-12-31T23:59", "1899-12-31", "2200-01-02", "", "x", "2026-02-30"):
        assert read(typed) is None
    first = read("2026-01-01").min.replace(tzinfo=HUE)
    assert there(first) == first
