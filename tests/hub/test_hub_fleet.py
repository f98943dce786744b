"""Stations: their tokens, and two of them with one name."""

from datetime import timedelta

import pytest
from hub_stand import now

from core.model import GateKind
from core.wire import State
from hub.errors import DataError
from hub.stations import alarms, fleet


def test_a_token_proves_its_station_and_no_other_text_does(peopled):
    with peopled.writing() as connection:
        token = fleet.add_station(connection, "gate-7", "chot", None, now())
        tokens = fleet.Tokens()
        tokens.reload(connection)
    gate = tokens.gate(f"Bearer {token}")
    assert (gate.name, gate.kind, gate.scopes) == (
        "gate-7",
        GateKind.CHECKPOINT,
        ("station/gate-7", "district/63/482", "kind/checkpoint", "all"),
    )
    assert {tokens.gate(text) for text in ("", token, "Bearer ", f"Basic {token}", f"Bearer {token}x")} == {None}


def test_adding_a_station_again_kills_its_old_token(peopled):
    tokens = fleet.Tokens()
    with peopled.writing() as connection:
        old, new = (fleet.add_station(connection, "s1", "cho", GateKind.VENUE, now()) for _ in range(2))
        tokens.reload(connection)
    assert tokens.gate(f"Bearer {old}") is None
    assert tokens.gate(f"Bearer {new}").name == "s1"


@pytest.mark.parametrize("name", ["hub", "", "Gate", "a/b", "+", "-x", "x" * 64])
def test_a_name_that_could_be_another_topic_is_refused(peopled, name):
    with peopled.writing() as connection, pytest.raises(DataError, match="station name"):
        fleet.add_station(connection, name, "cho", None, now())


def test_a_station_needs_a_registered_place(peopled):
    with peopled.writing() as connection, pytest.raises(DataError, match="place 'nowhere' is not registered"):
        fleet.add_station(connection, "s2", "nowhere", None, now())


class Fleet:
    def __init__(self, store):
        self.store = store

    def hear(self, session: str, online: bool = True) -> None:
        with self.store.writing() as connection:
            fleet.hear(connection, State("s1", online, session, now()), now())

    def online(self) -> bool:
        with self.store.reading() as connection:
            return fleet.overview(connection)[0].online

    def alarms(self) -> list[str]:
        with self.store.reading() as connection:
            return [alarm.kind for alarm in alarms.listed(connection, now() - timedelta(hours=1))]


def test_a_last_will_speaks_only_for_its_own_session(peopled):
    station = Fleet(peopled)
    station.hear("a")
    station.hear("b")
    station.hear("a", online=False)
    assert station.online()
    station.hear("b", online=False)
    assert not station.online()
    assert station.alarms() == []


def test_a_session_that_comes_back_after_another_is_two_boards(peopled):
    station = Fleet(peopled)
    for session in "aab":
        station.hear(session)
    assert station.alarms() == []
    station.hear("a")
    assert station.alarms() == ["two-stations"]


def test_what_the_broker_remembered_does_not_count_as_hearing_the_station(peopled):
    long_ago = now() - timedelta(days=1)
    state = State("s1", True, "a", long_ago)
    with peopled.writing() as connection:
        fleet.hear(connection, state, long_ago)
        fleet.hear(connection, state, now(), fresh=False)
        assert fleet.overview(connection)[0].heard == long_ago
