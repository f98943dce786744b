"""Charts of scans: every hour once, without a gap, by place and district, and of nobody's name."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub.health.health_history import MINUTE, QUARTER
from hub.inquiries import charting
from hub.inquiries.charting import Counts
from hub.stations.fleet import add_station
from hub.storage.health_tables import health_points

NOON = datetime(2026, 3, 2, 5, 20, tzinfo=UTC)  # twelve o'clock in Huế, and a little


def point(connection, station, at, passes, warns=0, others=0, span=QUARTER):
    row = {"station": station, "span": span, "at": at, "messages": 30, "backlog": 0}
    connection.execute(sa.insert(health_points).values(passes=passes, warns=warns, others=others, **row))


@pytest.fixture
def town(peopled):
    """Two stations at two places: a market's and a checkpoint's, and their last two hours."""
    with peopled.writing() as connection:
        add_station(connection, "c1", "chot", None, NOON)
        hour = NOON.replace(minute=0) - timedelta(hours=2)
        for quarter in range(4):
            point(connection, "s1", hour + timedelta(minutes=15 * quarter), 10, 2, 1)
        point(connection, "s1", hour + timedelta(hours=1), 5)
        point(connection, "c1", hour, 3, 3)
        point(connection, "s1", hour, 1_000, span=MINUTE)  # a minute's: the quarter has it already
        point(connection, "s1", NOON - timedelta(days=2), 500)
    return peopled


def chart(store, days=1, **chosen):
    with store.reading() as connection:
        return charting.chart(connection, NOON, days, **chosen)


def test_every_hour_stands_once_also_one_without_scans(town):
    found = chart(town)
    assert len(found.buckets) == 25
    assert [each.counts.scans for each in found.buckets[-3:]] == [58, 5, 0]
    assert found.buckets[-3].begins.hour == 10, "the province's clock"
    assert found.sum == Counts(63, 48, 11)


def test_a_place_and_a_district_are_counted_by_themselves(town):
    assert [(each.code, each.counts.scans) for each in chart(town).places] == [("cho", 57), ("chot", 6)]
    assert chart(town, place="chot").sum == Counts(6, 3, 3)
    assert chart(town, district="63/475").sum.scans == 57
    assert chart(town, district="63/999").sum == Counts()


def test_a_month_is_told_by_days_of_the_provinces_calendar(town):
    found = chart(town, 30)
    assert found.daily
    assert (found.buckets[-1].begins.date().isoformat(), found.buckets[-1].begins.hour) == ("2026-03-02", 0)
    assert [each.counts.scans for each in found.buckets[-3:]] == [500, 0, 63]
