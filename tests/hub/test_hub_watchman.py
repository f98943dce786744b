"""The watch over the fleet on a real database: what it finds is written down, and a hub that starts goes on with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.health import Health
from hub.centre import Centre
from hub.health import health_history
from hub.health.health_history import MINUTE, QUARTER
from hub.stations import alarms
from hub.watchman import LOOK_SECONDS, Watchman

DAWN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


class Night:
    """One station, one hub after the other, and a clock of the test's."""

    def __init__(self, store, ring) -> None:
        self.store, self.ring, self.now, self.number = store, ring, DAWN, 0
        self.told = []
        self.start()

    def start(self) -> None:
        """A new hub takes the place of the one before."""
        self.centre = Centre(self.store, self.ring)
        self.watchman = Watchman(self.centre)
        self.watchman.told.append(self.told.append)
        self.watchman.take_up()

    def go_on(self, minutes: float, *, speaks: bool = True) -> None:
        end = self.now + timedelta(minutes=minutes)
        while self.now < end:
            self.now += timedelta(seconds=LOOK_SECONDS)
            if speaks and self.now.second % 30 == 0:
                self.number += 1
                said = Health(station="s1", session="one", number=self.number, at=self.now, up=float(self.number))
                self.centre.fleet.take(said, self.now)
            self.watchman.look(self.now)

    def standing(self) -> list[tuple[str, str]]:
        with self.store.reading() as connection:
            return [(each.kind, each.station) for each in alarms.listed(connection, standing=True)]


@pytest.fixture
def night(peopled, ring) -> Night:
    return Night(peopled, ring)


def test_an_alarm_begins_outlives_a_restart_and_ends(night):
    night.go_on(5)
    assert night.standing() == []
    night.go_on(3, speaks=False)
    assert night.standing() == [("silent", "s1")]
    night.start()
    night.go_on(3, speaks=False)
    assert night.standing() == [("silent", "s1")]
    night.go_on(3)
    assert night.standing() == []
    assert [(change.matter.kind, change.over) for change in night.told] == [("silent", False), ("silent", True)]
    with night.store.reading() as connection:
        (alarm,) = alarms.listed(connection)
    assert alarm.times == 1
    assert DAWN + timedelta(minutes=5) - alarm.first < timedelta(seconds=31)


def test_a_hub_that_was_away_writes_that_down_and_nothing_about_stations(night):
    night.go_on(5.5)
    night.now += timedelta(hours=3)
    night.start()
    night.go_on(5)
    assert [(change.matter.kind, change.over) for change in night.told] == [("hub-away", False), ("hub-away", True)]
    with night.store.reading() as connection:
        (alarm,) = alarms.listed(connection)
    assert alarm.detail == "nobody watched the fleet from 09:05 to 12:05: the hub was away"


def test_what_the_fleet_said_lies_on_disk_within_seconds_and_over_time(night):
    night.go_on(47)
    with night.store.reading() as connection:
        assert health_history.looked(connection) > night.now - timedelta(seconds=20)
        minutes = health_history.points(connection, "s1", DAWN, MINUTE)
        quarters = health_history.points(connection, "s1", DAWN, QUARTER)
    assert len(minutes) >= 44
    assert {each.messages for each in minutes} == {2}
    assert len(quarters) >= 2
    night.start()
    assert night.centre.fleet.views(lambda _: 0)[0].health.number >= night.number - 1
