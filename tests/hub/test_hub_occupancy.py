"""How full a place is: who counts as inside, what an hour saw, and when the sign changes."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub.inquiries import occupancy
from hub.inquiries.occupancy import KEPT, Hour, Occupancy, Recent
from hub.localtime import HUE
from hub.storage.tables import people, places, visits

NOW = datetime(2026, 3, 4, 11, 30, tzinfo=HUE).astimezone(UTC)


@pytest.fixture
def scan(peopled):
    """Writes scans of made-up people, so many minutes before now; the market takes ten people and closes at eleven."""
    with peopled.writing() as connection:
        market = sa.update(places).where(places.c.code == "cho")
        connection.execute(market.values(capacity=10, hours="05:00-23:00"))
        for number in range(1, 30):
            key = number.to_bytes(16, "big")
            row = {"key": key, "name": f"Người {number}", "born": "", "sex": "", "nationality": "VN", "phone": ""}
            connection.execute(sa.insert(people).values(address="", ref=f"o{number}", **row))
    numbers = iter(range(1, 1_000))

    def write(person, minutes, **changed):
        with peopled.writing() as connection:
            who = connection.scalar(sa.select(people.c.id).where(people.c.ref == f"o{person}"))
            row = {"station": "s1", "epoch": "aa", "seq": next(numbers), "person": who, "identity": None}
            row |= {"place": "cho", "direction": "in", "outcome": "pass", "went_in": 1}
            connection.execute(sa.insert(visits).values({**row, "at": NOW - timedelta(minutes=minutes), **changed}))

    return write


def count(store, now=NOW):
    with store.reading() as connection:
        return occupancy.occupancy(connection, "cho", now)


def test_inside_are_those_who_went_in_and_are_gone_by_no_road(peopled, scan):
    scan(1, 60)
    scan(2, 60, outcome="warn")  # the guard admitted them
    scan(3, 60, outcome="warn", went_in=-1)
    scan(4, 60, outcome="warn", went_in=0)
    scan(5, 60)
    scan(5, 30, direction="out")
    scan(6, 60)
    scan(6, 20, place="chot")  # seen elsewhere
    scan(7, 60)
    scan(7, 50)  # a second scan in changes nothing
    found = count(peopled)
    assert (found.inside, found.capacity, found.fullness) == (3, 10, "room")
    assert count(peopled, NOW + timedelta(hours=12)).inside == 0  # closed at eleven


def test_an_hour_tells_passes_and_what_the_guard_did_after_a_warning(peopled, scan):
    scan(1, 100)
    scan(2, 95, outcome="warn")
    scan(3, 95, outcome="warn", went_in=-1)
    scan(4, 95, outcome="warn", went_in=0)
    scan(1, 5, direction="out")
    scan(5, 24 * 60)  # yesterday
    found = count(peopled)
    told = [
        (hour.begins.hour, hour.passed, hour.left, hour.warned, hour.admitted, hour.turned_away) for hour in found.hours
    ]
    assert told == [(9, 1, 0, 3, 1, 1), (10, 0, 0, 0, 0, 0), (11, 0, 1, 0, 0, 0)]
    assert [hour.undecided for hour in found.hours] == [1, 0, 0]
    assert found.today == Hour(NOW, 1, 1, 3, 1, 1)


def test_a_day_without_scans_has_no_hours(peopled, scan):
    assert count(peopled).hours == ()


@pytest.mark.parametrize(
    ("inside", "capacity", "sign"),
    [(8, 10, "room"), (9, 10, "near"), (10, 10, "full"), (11, 10, "full"), (3, None, "unknown")],
)
def test_the_sign_changes_at_nine_tenths_and_at_the_capacity(inside, capacity, sign):
    assert Occupancy("cho", "Chợ", NOW, inside, capacity, ()).fullness == sign


def test_screens_at_one_place_share_a_count_for_a_moment(peopled, scan):
    recent = Recent()
    scan(1, 60)
    with peopled.reading() as connection:
        assert recent.of(connection, "cho", NOW).inside == 1
        scan(2, 1)
        assert recent.of(connection, "cho", NOW + KEPT / 2).inside == 1
        assert recent.of(connection, "cho", NOW + KEPT).inside == 2
        assert recent.of(connection, "nirgends", NOW) is None
