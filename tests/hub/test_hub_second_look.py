"""Verdicts given without the hub, asked again when their rows have come."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import Journal, now
from kept import take

from core import wire
from core.model import Origin, Outcome, Reason
from core.rules import Policy
from hub.journals.second_look import listed, look_again
from hub.policy import policies
from hub.stations import alarms
from hub.storage.tables import declarations

HELD = wire.RowGroup(Origin.SNAPSHOT, None, now())
FROM_HUB = wire.RowGroup(Origin.HUB, None, now())
NOTHING = wire.RowGroup()
STRANGER = "046090009999"


@pytest.fixture
def offline(peopled, ring):
    """A registry whose only person declared fever yesterday, and a station's journal."""
    before = now() - timedelta(days=30)
    with peopled.writing() as connection:
        policies.publish(connection, ring, Policy(1, before, before), now())
    return Journal(ring.sealing_public)


def row(journal, *, who=None, groups=HELD, **said):
    named = {"who": who} if who else {}
    journal.write(**named, groups=(groups,) * 3, policy_version=1, **said)


def looked(store, ring):
    while look_again(store, ring, now()):
        pass
    with store.reading() as connection:
        return listed(connection), [each for each in alarms.listed(connection) if each.kind == "other-verdict"]


def test_somebody_let_in_whom_the_hub_would_have_warned_of_raises_an_alert_with_both(peopled, ring, offline):
    row(offline, outcome=Outcome.PASS, reasons=(Reason.HELD_ANSWER,))
    take(peopled, ring, offline)
    (other,), (alarm,) = looked(peopled, ring)
    assert (other.station, other.seq, other.place) == ("s1", 1, "cho")
    assert (other.shown.outcome, other.shown.reasons) == (Outcome.PASS, (Reason.HELD_ANSWER,))
    assert (other.known.outcome, other.known.reasons) == (Outcome.WARN, (Reason.SYMPTOMS,))
    assert (alarm.station, alarm.times) == ("s1", 1)
    assert "1 let in without the hub" in alarm.detail


@pytest.mark.parametrize(
    ("said", "others"),
    [
        ({"outcome": Outcome.WARN, "reasons": (Reason.SYMPTOMS, Reason.HELD_ANSWER)}, 0),
        ({"outcome": Outcome.WARN, "reasons": (Reason.NOT_FOUND, Reason.HELD_ANSWER)}, 0),
        ({"outcome": Outcome.UNVERIFIED, "reasons": (Reason.HUB_UNREACHABLE,), "groups": NOTHING}, 1),
        ({"outcome": Outcome.PASS, "groups": FROM_HUB}, 0),
        ({"outcome": Outcome.UNVERIFIED, "groups": NOTHING, "who": STRANGER}, 1),
    ],
)
def test_what_would_have_been_the_same_or_was_the_hubs_own_word_raises_none(peopled, ring, offline, said, others):
    row(offline, **said)
    take(peopled, ring, offline)
    found, raised = looked(peopled, ring)
    assert (len(found), len(raised)) == (others, min(others, 1))


def test_somebody_warned_who_would_have_passed_is_told_as_well(peopled, ring, offline):
    with peopled.writing() as connection:
        connection.execute(sa.update(declarations).values(symptoms="[]"))
    row(offline, outcome=Outcome.WARN, reasons=(Reason.NO_HEALTH, Reason.HELD_ANSWER))
    take(peopled, ring, offline)
    (other,), (alarm,) = looked(peopled, ring)
    assert other.known.outcome is Outcome.PASS
    assert "1 warned who would have passed" in alarm.detail


def test_what_was_declared_afterwards_makes_no_verdict_another(peopled, ring, offline):
    row(offline, outcome=Outcome.PASS, reasons=(Reason.HELD_ANSWER,), at=now() - timedelta(days=3))
    take(peopled, ring, offline)
    (other,), _ = looked(peopled, ring)
    assert other.known.reasons == (Reason.NO_HEALTH,)


def test_each_row_is_asked_about_once(peopled, ring, offline):
    for _ in range(3):
        row(offline, outcome=Outcome.PASS, reasons=(Reason.HELD_ANSWER,))
    take(peopled, ring, offline)
    assert len(looked(peopled, ring)[0]) == 3
    row(offline, outcome=Outcome.PASS, reasons=(Reason.HELD_ANSWER,))
    take(peopled, ring, offline, first=4)
    found, (alarm,) = looked(peopled, ring)
    assert (len(found), alarm.times) == (4, 2)
    assert look_again(peopled, ring, now()) == 0


def test_old_ones_are_forgotten(peopled, ring, offline):
    row(offline, outcome=Outcome.PASS, reasons=(Reason.HELD_ANSWER,))
    take(peopled, ring, offline)
    looked(peopled, ring)
    look_again(peopled, ring, now() + timedelta(days=30))
    with peopled.reading() as connection:
        assert listed(connection) == []
