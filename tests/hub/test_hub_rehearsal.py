"""A draft tried on the last day's check-ins: what would turn, what is another policy's, what cannot be judged again."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import CITIZEN, journal_of, now

from core.model import Area, DeclarationKind, GateKind, Origin, Outcome, Reason, Scheme, Subject
from core.rules import GateRules, MaxAge, Policy, Zone
from core.wire import RowGroup
from hub.custody import erasing
from hub.journals import intake, reading
from hub.journals.rehearsal import rehearse
from hub.policy import policies
from hub.register import registry
from hub.register.people import DeclarationRecord
from hub.storage.tables import declarations

DANANG = Area("63", "48", "492", "20257")


@pytest.fixture
def moment():
    return now().replace(microsecond=0)


@pytest.fixture
def town(peopled, ring, moment):
    """A person who declared yesterday, from Đà Nẵng, and a policy that asks for a declaration."""
    with peopled.writing() as connection:
        person = erasing.person_by(connection, ring, Subject(Scheme.CITIZEN, CITIZEN))
        connection.execute(sa.delete(declarations))
        day = timedelta(days=1)
        registry.declare(connection, person, DeclarationRecord(DeclarationKind.HEALTH, moment - 2 * day, ("fever",)))
        entry = DeclarationRecord(
            DeclarationKind.ENTRY, moment - day, ("cough",), arrival=moment - day / 2, origin=DANANG
        )
        registry.declare(connection, person, entry)
        policies.publish(connection, ring, draft(moment, 1, symptoms=()), moment - 3 * day)
    return peopled


def draft(moment, version=2, *, scope="all", zones=(), **rules) -> Policy:
    begun = moment - timedelta(days=3)
    gates = {GateKind.VENUE: GateRules(**rules)}
    return Policy(version=version, issued=begun, effective=begun, scope=scope, gates=gates, zones=zones)


def scan(town, ring, moment, *, outcome=Outcome.PASS, reasons=(), ago=timedelta(hours=2), groups=None, **more):
    """One check-in that the hub held and read."""
    dates = (None, moment - timedelta(days=2), moment - timedelta(days=1))
    said = groups or tuple(RowGroup(Origin.HUB, at, moment - ago) for at in dates)
    journal = journal_of(ring)
    journal.write(at=moment - ago, outcome=outcome, reasons=reasons, groups=said, policy_version=1, **more)
    with town.writing() as connection:
        intake.take(connection, journal.batch(), moment)
        reading.read_pending(connection, ring, 10, moment)


def tried(town, ring, moment, policy):
    with town.reading() as connection:
        return rehearse(connection, ring, policy, moment)


def turns(rehearsal):
    return [(turn.was, turn.becomes, turn.reasons, turn.times) for turn in rehearsal.turns]


def test_a_policy_that_says_the_same_turns_nothing(town, ring, moment):
    scan(town, ring, moment)
    rehearsal = tried(town, ring, moment, draft(moment, symptoms=()))
    assert (rehearsal.judged, rehearsal.turned, rehearsal.unlike, rehearsal.elsewhere) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({"symptoms": ("cough",)}, Reason.SYMPTOMS),
        ({"max_age": MaxAge(health=3600), "symptoms": ()}, Reason.HEALTH_EXPIRED),
        ({"required": ("destination",), "symptoms": ()}, Reason.NO_DESTINATION),
        ({"symptoms": ()}, Reason.ZONE),
    ],
)
def test_a_stricter_policy_turns_a_pass_into_a_warn_and_says_why(town, ring, moment, rules, reason):
    scan(town, ring, moment)
    zones = (Zone("63", "48"),) if reason is Reason.ZONE else ()
    policy = draft(moment, zones=zones, **{"entry_counts_as_health": False, **rules})
    assert turns(tried(town, ring, moment, policy)) == [(Outcome.PASS, Outcome.WARN, (reason,), 1)]


def test_a_milder_policy_turns_a_warn_into_a_pass(town, ring, moment):
    groups = tuple(RowGroup(Origin.HUB, None, moment) for _ in range(3))
    scan(town, ring, moment, outcome=Outcome.WARN, reasons=(Reason.NO_HEALTH,), groups=groups)
    assert turns(tried(town, ring, moment, draft(moment, required=()))) == [(Outcome.WARN, Outcome.PASS, (), 1)]


def test_an_unknown_person_stays_unknown_whatever_the_policy(town, ring, moment):
    groups = tuple(RowGroup(Origin.HUB, None, moment) for _ in range(3))
    scan(town, ring, moment, outcome=Outcome.WARN, reasons=(Reason.NOT_FOUND,), groups=groups)
    assert tried(town, ring, moment, draft(moment, required=())).turned == 0


def test_gates_that_a_narrower_policy_speaks_to_are_left_alone(town, ring, moment):
    scan(town, ring, moment)
    with town.writing() as connection:
        policies.publish(connection, ring, draft(moment, 2, scope="station/s1"), moment)
    rehearsal = tried(town, ring, moment, draft(moment, 3, required=("destination",)))
    assert (rehearsal.judged, rehearsal.elsewhere) == (0, 1)
    rehearsal = tried(town, ring, moment, draft(moment, 3, scope="station/s1", required=("destination",)))
    assert (rehearsal.judged, rehearsal.turned) == (1, 1)


def test_what_cannot_be_judged_again_as_it_was_is_left_out_and_counted(town, ring, moment):
    scan(town, ring, moment, outcome=Outcome.WARN, reasons=(Reason.CODE_EXPIRED,))
    rehearsal = tried(town, ring, moment, draft(moment, required=()))
    assert (rehearsal.judged, rehearsal.turned, rehearsal.unlike) == (0, 0, 1)


def test_older_check_ins_are_not_tried(town, ring, moment):
    scan(town, ring, moment, ago=timedelta(hours=25))
    assert tried(town, ring, moment, draft(moment)).judged == 0


def test_a_check_in_that_nobody_was_asked_about_follows_the_rule_for_that(town, ring, moment):
    groups = tuple(RowGroup() for _ in range(3))
    scan(town, ring, moment, outcome=Outcome.UNVERIFIED, reasons=(Reason.HUB_UNREACHABLE,), groups=groups)
    policy = draft(moment, unasked="warn")
    expected = [(Outcome.UNVERIFIED, Outcome.WARN, (Reason.HUB_UNREACHABLE,), 1)]
    assert turns(tried(town, ring, moment, policy)) == expected
