"""A hub that stands before a province system which is down: nobody reads as unknown or as not having declared."""

from datetime import UTC, datetime, timedelta

from core import answers, wire
from core.model import (
    NOT_HELD,
    CodeKind,
    Credential,
    DestinationGroup,
    Direction,
    GateKind,
    HealthGroup,
    Held,
    Origin,
    Outcome,
    Reason,
    Scheme,
    Standing,
    Subject,
)
from core.policy import Rules, decide
from core.rules import Policy
from station.errors import HubCannotSay
from station.lookup import Lookups

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=2)
SOMEBODY = Credential(CodeKind.CITIZEN_NUMBER, Subject(Scheme.CITIZEN, "046000000001"))
RULES = Rules.of(Policy(version=1, issued=EARLIER, effective=EARLIER), GateKind.VENUE, "cho", Direction.IN)
DECLARED = HealthGroup(NOW - timedelta(days=1))
SCANNED = DestinationGroup(EARLIER, "chot")


class Hub:
    """The far end of a look-up: these answers in turn, None where it cannot say."""

    def __init__(self, *turns: wire.Answer | None) -> None:
        self.turns = list(turns)

    def ask(self, who: wire.Who, at: datetime, deadline: float) -> wire.Answer:
        answer = self.turns.pop(0)
        if answer is None:
            raise HubCannotSay("hub", "answers 503 Service Unavailable")
        return answer


def asking(*turns: wire.Answer | None) -> Lookups:
    return Lookups(Hub(*turns), deadline=0.8, skip_seconds=15, monotonic=lambda: 100.0)


def held(**groups: object) -> wire.Answer:
    return wire.Answer(Standing("ab", EARLIER, **groups), NOW, held=True)


def test_a_held_declaration_passes_and_says_that_it_is_held():
    lookup = asking(held(health=DECLARED, destination=SCANNED)).look_up(SOMEBODY, NOW)
    assert (lookup.health, lookup.entry) == (Held(Origin.MEMORY, EARLIER), NOT_HELD)
    assert lookup.destination == Held(Origin.HUB, NOW)
    verdict = decide(SOMEBODY, lookup, RULES, NOW)
    assert (verdict.outcome, verdict.reasons) == (Outcome.PASS, (Reason.HELD_ANSWER,))


def test_without_a_held_declaration_the_gate_says_that_nobody_could_be_asked():
    verdict = decide(SOMEBODY, asking(held(destination=SCANNED)).look_up(SOMEBODY, NOW), RULES, NOW)
    assert (verdict.outcome, verdict.reasons) == (Outcome.UNVERIFIED, (Reason.HUB_UNREACHABLE,))


def test_a_held_declaration_counts_no_longer_than_the_policy_lets_it():
    old = wire.Answer(Standing("ab", NOW - timedelta(days=9), health=DECLARED), NOW, held=True)
    assert decide(SOMEBODY, asking(old).look_up(SOMEBODY, NOW), RULES, NOW).outcome is Outcome.UNVERIFIED


def test_a_hub_that_cannot_say_is_asked_again_at_once_and_what_is_remembered_serves_meanwhile():
    full = wire.Answer(Standing("ab", EARLIER, health=DECLARED), EARLIER)
    lookups = asking(full, None, full)
    lookups.look_up(SOMEBODY, EARLIER)
    remembered = lookups.look_up(SOMEBODY, NOW)
    assert (remembered.health, remembered.trouble) == (Held(Origin.MEMORY, EARLIER), Reason.HUB_UNREACHABLE)
    assert not lookups.skipping
    assert lookups.look_up(SOMEBODY, NOW).health.origin is Origin.HUB
    assert lookups.problem == ""


def test_a_held_answer_does_not_take_the_place_of_a_whole_one_that_is_remembered():
    full = wire.Answer(Standing("ab", EARLIER, health=DECLARED), EARLIER)
    lookups = asking(full, held(), None)
    for _ in range(2):
        lookups.look_up(SOMEBODY, NOW)
    assert lookups.look_up(SOMEBODY, NOW).standing == full.standing


def test_an_ordinary_answer_is_the_hubs_own_as_ever():
    assert answers.lookup(wire.Answer(None, NOW)).found is False
    whole = answers.lookup(wire.Answer(Standing("ab", NOW, health=DECLARED), NOW))
    assert (whole.health, whole.entry, whole.found) == (Held(Origin.HUB, NOW), Held(Origin.HUB, NOW), True)
