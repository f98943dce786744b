"""Messages of older sessions that are played again: refused, and never in the way of the true one's."""

from datetime import UTC, datetime, timedelta

import pytest

from core.health import ClockFigures, Health
from core.model import GateKind
from hub.health.fleet_health import Fleet, Kept
from hub.journals.messages import BadMessage
from hub.stations.fleet import Gate

DAWN = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def gate(name: str) -> Gate:
    return Gate(name, GateKind.VENUE, "cho", "Chợ cho", "63", "478")


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def began(at: datetime, number: int, session: str, source: str = "ntp") -> Health:
    """A message of a session that says one thing a second."""
    figures = {"up": float(number), "clock": ClockFigures(source=source)}
    return Health(station="a", session=session, number=number, at=at, **figures)


def restarted(fleet: Fleet) -> Fleet:
    """Another hub, with what this one kept."""
    (member,) = fleet.members()
    anew = Fleet()
    anew.know([gate("a")])
    anew.restore("a", Kept(member.health, member.heard, member.ahead, "mqtt", dict(member.former)))
    return anew


@pytest.mark.parametrize("source", ["ntp", "guess"])
def test_what_is_played_again_of_an_older_session_after_a_restart_does_not_lock_the_true_one_out(source):
    old, true = began(DAWN, 9, "old", source), began(DAWN + seconds(600), 5, "true", source)
    fleet = Fleet()
    fleet.know([gate("a")])
    for message in (old, true):
        fleet.take(message, message.at)
    fleet = restarted(fleet)
    with pytest.raises(BadMessage, match="of a session that is over"):
        fleet.take(old, DAWN + seconds(620))
    fleet.take(began(DAWN + seconds(630), 35, "true", source), DAWN + seconds(630))
    assert fleet.views(lambda _: 0)[0].health.session == "true"


def test_a_session_nobody_remembers_is_refused_when_it_began_earlier_and_locks_nobody_out_when_none_can_tell():
    for source, taken in (("ntp", False), ("rtc", True)):
        fleet = Fleet()
        fleet.know([gate("a")])
        fleet.take(began(DAWN + seconds(600), 5, "true", source), DAWN + seconds(600))
        ancient = began(DAWN - timedelta(days=3), 2, "ancient", source)
        if taken:
            fleet.take(ancient, DAWN + seconds(620))
        else:
            with pytest.raises(BadMessage, match="of a session that is over"):
                fleet.take(ancient, DAWN + seconds(620))
        fleet.take(began(DAWN + seconds(630), 35, "true", source), DAWN + seconds(630))
        assert fleet.views(lambda _: 0)[0].health.session == "true"
