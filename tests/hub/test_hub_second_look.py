"""Verdicts given without the hub, asked again when their rows have come."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hub_stand import Journal, now
from kept import take

from core import wire
from core.model import Origin, Outcome, Reason
from core.rules import Policy
from hub import localtime
from hub.journals import boots, intake, reading
from hub.journals.second_look import listed, look_again
from hub.policy import policies
from hub.stations import alarms
from hub.storage.tables import declarations

HELD = wire.RowGroup(Origin.SNAPSHOT, None, now())
FROM_HUB = wire.RowGroup(Origin.HUB, None, now())
NOTHING = wire.RowGroup()
NOON = (localtime.there(now()) - timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
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


def test_rows_of_one_day_in_the_province_are_one_alarm_also_when_utc_has_begun_another(peopled, ring, offline):
    begun = NOON - timedelta(hours=12)
    for at in (begun, begun + timedelta(hours=23.9)):
        row(offline, outcome=Outcome.PASS, reasons=(Reason.HELD_ANSWER,), at=at)
    take(peopled, ring, offline)
    found, (alarm,) = looked(peopled, ring)
    assert (len(found), alarm.subject, alarm.times) == (2, NOON.date().isoformat(), 1)
    row(offline, outcome=Outcome.PASS, reasons=(Reason.HELD_ANSWER,), at=begun - timedelta(minutes=1))
    take(peopled, ring, offline, first=3)
    assert len(looked(peopled, ring)[1]) == 2


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


GUESS = wire.RowClock("guess", "boot", 10.0)
IN_1970 = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)


def healthy(store):
    with store.writing() as connection:
        connection.execute(sa.update(declarations).values(symptoms="[]"))


def learnt(journal, at, uptime, boot="boot"):
    """The row by which the station says what time it was."""
    worth = wire.RowClock("ntp", boot, uptime)
    journal.write(type="amendment", outcome=None, cause="clock", sealed="", clock=worth, at=at)


UNSURE = {"outcome": Outcome.UNVERIFIED, "reasons": (Reason.CLOCK_UNSURE,), "groups": NOTHING}
LET_IN = {"outcome": Outcome.PASS, "reasons": (Reason.HELD_ANSWER,)}


@pytest.mark.parametrize(
    ("off", "worth", "said"),
    [
        (None, GUESS, UNSURE),
        (timedelta(days=4), GUESS, LET_IN),
        (timedelta(days=-4), GUESS, LET_IN),
        (timedelta(days=4), wire.RowClock("rtc", "boot", 10.0), LET_IN),
        (timedelta(days=3), wire.RowClock("guess", "boot", 10.0, None, 3 * 86_400.0), LET_IN),
        (timedelta(days=-3), wire.RowClock("guess", "boot", 10.0, None, -3 * 86_400.0), LET_IN),
    ],
)
def test_nobody_healthy_raises_an_alert_because_of_a_wrong_clock(peopled, ring, offline, off, worth, said):
    healthy(peopled)
    true = now() - timedelta(hours=1)
    row(offline, clock=worth, at=IN_1970 if off is None else true - off, **said)
    take(peopled, ring, offline)
    assert looked(peopled, ring) == ([], [])
    learnt(offline, true + timedelta(seconds=20), 30.0)
    take(peopled, ring, offline, first=2)
    assert looked(peopled, ring) == ([], [])


@pytest.mark.parametrize("said", [UNSURE, LET_IN])
def test_a_row_of_a_clock_that_nobody_had_set_is_asked_about_once_its_boot_is_dated(peopled, ring, offline, said):
    true = NOON - timedelta(hours=1)
    row(offline, clock=GUESS, at=IN_1970, **said)
    row(offline, at=NOON, **LET_IN)  # its clock was right: it waits for nobody
    take(peopled, ring, offline)
    (other,), (alarm,) = looked(peopled, ring)
    assert (other.seq, alarm.times) == (2, 1)
    learnt(offline, true + timedelta(seconds=20), 30.0)
    take(peopled, ring, offline, first=3)
    found, (alarm,) = looked(peopled, ring)
    assert [(each.seq, each.at) for each in found] == [(2, other.at), (1, true)]
    assert (found[1].shown.outcome, found[1].known.outcome) == (said["outcome"], Outcome.WARN)
    assert alarm.times == 2
    assert look_again(peopled, ring, now()) == 0


def test_a_row_is_left_while_its_boot_is_being_dated(peopled, ring, offline):
    row(offline, clock=GUESS, at=now() - timedelta(days=4), **LET_IN)
    learnt(offline, now() - timedelta(hours=1), 30.0)
    with peopled.writing() as connection:
        intake.take(connection, offline.batch(), now())
        reading.read_pending(connection, ring, 10, now())
    assert looked(peopled, ring) == ([], [])
    with peopled.writing() as connection:
        assert not boots.date_held(connection, 10)
    assert [each.seq for each in looked(peopled, ring)[0]] == [1]


def test_a_hardware_clock_that_was_right_needs_no_amendment_to_be_asked_about(peopled, ring, offline):
    begun = now() - timedelta(seconds=80)
    row(offline, clock=wire.RowClock("rtc", "boot", 10.0), at=begun + timedelta(seconds=10), **LET_IN)
    take(peopled, ring, offline)
    assert looked(peopled, ring) == ([], [])
    row(offline, clock=wire.RowClock("hub", "boot", 70.0), at=begun + timedelta(seconds=70), groups=FROM_HUB)
    take(peopled, ring, offline, first=2)
    assert [each.seq for each in looked(peopled, ring)[0]] == [1]


def test_a_row_that_comes_after_months_is_asked_about_its_own_moment(peopled, ring, offline):
    at = now() - timedelta(days=70)
    with peopled.writing() as connection:
        connection.execute(sa.update(declarations).values(at=at - timedelta(hours=1), symptoms="[]"))
        before = now() - timedelta(days=100)
        policies.publish(connection, ring, Policy(2, before, before), now())
    row(offline, at=at, **LET_IN)
    take(peopled, ring, offline)
    assert looked(peopled, ring) == ([], [])


@pytest.mark.parametrize("days", [0, 30])
def test_whatever_raised_an_alert_is_listed_with_both_answers_however_old_it_is(peopled, ring, offline, days):
    row(offline, at=now() - timedelta(days=days), **LET_IN)
    take(peopled, ring, offline)
    for _ in range(2):
        (other,), (alarm,) = looked(peopled, ring)
        assert (other.shown.outcome, other.known.outcome, alarm.times) == (Outcome.PASS, Outcome.WARN, 1)


def test_old_ones_are_forgotten(peopled, ring, offline):
    row(offline, outcome=Outcome.PASS, reasons=(Reason.HELD_ANSWER,))
    take(peopled, ring, offline)
    looked(peopled, ring)
    look_again(peopled, ring, now() + timedelta(days=30))
    with peopled.reading() as connection:
        assert listed(connection) == []
