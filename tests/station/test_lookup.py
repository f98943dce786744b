"""Whom the gate asks, in which order, and what it says of the answer's origin and age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import wire
from core.model import (
    CodeKind,
    Credential,
    DeclarationKind,
    HealthGroup,
    Held,
    Origin,
    Reason,
    Scheme,
    SignatureState,
    Signed,
    Standing,
    Subject,
)
from station.errors import HubUnreachable
from station.lookup import Lookups, Memory

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SUBJECT = Subject(Scheme.CITIZEN, "046000000001")
SOMEBODY = Credential(CodeKind.CITIZEN_NUMBER, SUBJECT)
STANDING = Standing("ab", NOW - timedelta(minutes=1), health=HealthGroup(NOW - timedelta(days=1)))


class Hub:
    """The far end of a look-up, as a test wants it to behave."""

    def __init__(self) -> None:
        self.asked = 0
        self.standing: Standing | None = STANDING
        self.down = False

    def ask(self, who: wire.Who, at: datetime, deadline: float) -> wire.Answer:
        self.asked += 1
        if self.down:
            raise HubUnreachable("hub", "cannot be reached")
        return wire.Answer(self.standing, NOW)


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def lookups(hub: Hub, time: Time) -> Lookups:
    return Lookups(hub, deadline=0.8, skip_seconds=15, monotonic=time)


def test_the_hubs_answer_is_of_the_hub_and_of_its_age(lookups):
    lookup = lookups.look_up(SOMEBODY, NOW)
    assert (lookup.standing, lookup.found, lookup.trouble) == (STANDING, True, None)
    assert lookup.health == Held(Origin.HUB, STANDING.as_of)


def test_nobody_found_is_an_answer(lookups, hub):
    hub.standing = None
    lookup = lookups.look_up(SOMEBODY, NOW)
    assert (lookup.found, lookup.health) == (False, Held(Origin.HUB, NOW))


def test_after_a_failure_the_hub_is_skipped_for_a_while(lookups, hub, time):
    hub.down = True
    assert lookups.look_up(SOMEBODY, NOW).trouble is Reason.HUB_UNREACHABLE
    assert lookups.look_up(SOMEBODY, NOW).trouble is Reason.HUB_UNREACHABLE
    assert (hub.asked, lookups.skipping) == (1, True)
    time.now += 15
    hub.down = False
    assert lookups.look_up(SOMEBODY, NOW).found is True
    assert hub.asked == 2


def test_a_hub_heard_by_another_way_is_asked_again_at_once(lookups, hub):
    hub.down = True
    lookups.look_up(SOMEBODY, NOW)
    hub.down = False
    lookups.reachable()
    assert lookups.look_up(SOMEBODY, NOW).found is True


def test_without_the_hub_what_was_last_known_is_told_with_its_age(lookups, hub):
    lookups.look_up(SOMEBODY, NOW)
    hub.down = True
    lookup = lookups.look_up(SOMEBODY, NOW + timedelta(hours=1))
    assert (lookup.standing, lookup.found) == (STANDING, None)
    assert lookup.health == Held(Origin.MEMORY, STANDING.as_of)


def test_memory_forgets_the_oldest_and_holds_no_number():
    memory = Memory(most=2)
    for value in ("1", "2", "3"):
        memory.keep(Subject(Scheme.CITIZEN, value), STANDING)
    assert memory.recall(Subject(Scheme.CITIZEN, "1")) is None
    assert memory.recall(Subject(Scheme.CITIZEN, "3")) is STANDING


def signed(state=SignatureState.VERIFIED, declares=DeclarationKind.HEALTH, **fields) -> Credential:
    fields = {"issued": NOW - timedelta(hours=2), "expires": NOW + timedelta(days=1)} | fields
    return Credential(
        CodeKind.DECLARATION, Subject(Scheme.PERSON, "cd"), signed=Signed(state, "00", declares=declares, **fields)
    )


def test_a_signed_code_gives_the_declarations_own_date_with_no_network_at_all():
    alone = Lookups(None, deadline=0.8, skip_seconds=15, monotonic=Time())
    lookup = alone.look_up(signed(symptoms=True), NOW)
    assert lookup.health == Held(Origin.CODE, NOW - timedelta(hours=2))
    assert lookup.standing.health == HealthGroup(NOW - timedelta(hours=2), ("unspecified",))
    entry = alone.look_up(signed(declares=DeclarationKind.ENTRY), NOW)
    assert (entry.entry.origin, entry.health.origin) == (Origin.CODE, Origin.NONE)


@pytest.mark.parametrize(("minutes", "origin"), [(4, Origin.CODE), (6, Origin.NONE)])
def test_a_code_that_is_not_valid_yet_says_nothing_for_itself_but_clocks_may_differ(minutes, origin):
    alone = Lookups(None, deadline=0.8, skip_seconds=15, monotonic=Time())
    assert alone.look_up(signed(issued=NOW + timedelta(minutes=minutes)), NOW).health.origin is origin


def test_an_expired_code_says_nothing_for_itself():
    alone = Lookups(None, deadline=0.8, skip_seconds=15, monotonic=Time())
    assert alone.look_up(signed(expires=NOW), NOW).standing is None


@pytest.mark.parametrize("state", [SignatureState.REFUSED, SignatureState.SIGNER_UNKNOWN])
def test_a_code_whose_signature_does_not_hold_is_never_looked_up(lookups, hub, state):
    lookup = lookups.look_up(signed(state), NOW)
    assert (hub.asked, lookup.standing, lookup.found) == (0, None, None)


def test_a_code_that_names_nobody_is_never_looked_up(lookups, hub):
    lookups.look_up(Credential(CodeKind.CMND, remark=Reason.PLACEHOLDER_NUMBER), NOW)
    assert hub.asked == 0


def test_a_hub_that_takes_rows_but_answers_no_look_up_is_asked_early_once_and_then_skipped(lookups, hub, time):
    hub.down = True
    for _ in range(100):
        lookups.look_up(SOMEBODY, NOW)
        lookups.reachable()  # every row that it takes
    assert hub.asked == 2
    time.now += 15
    for _ in range(100):
        lookups.look_up(SOMEBODY, NOW)
        lookups.reachable()
    assert hub.asked == 4


def test_somebody_whom_the_hub_no_longer_knows_is_forgotten_here_too(lookups, hub):
    lookups.look_up(SOMEBODY, NOW)
    hub.standing = None
    lookups.look_up(SOMEBODY, NOW)
    hub.down = True
    assert lookups.look_up(SOMEBODY, NOW).standing is None
