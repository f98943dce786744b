"""The verdict: what a policy asks, what is known, and what the gate then shows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.model import (
    Area,
    CodeKind,
    Credential,
    DeclarationKind,
    DestinationGroup,
    Direction,
    EntryGroup,
    GateKind,
    HealthGroup,
    Held,
    Lookup,
    Origin,
    Outcome,
    Reason,
    Scheme,
    SignatureState,
    Signed,
    Standing,
    Subject,
    Verdict,
)
from core.policy import Rules, decide, in_force
from core.rules import FlaggedPlace, GateRules, MaxAge, Policy, Zone

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
SOMEBODY = Credential(CodeKind.CITIZEN_NUMBER, Subject(Scheme.CITIZEN, "046000000001"))
HUB = Held(Origin.HUB, NOW)
ALL = (Outcome.PASS, Outcome.WARN, Outcome.UNVERIFIED, Outcome.WRONG_CODE)


def rules(gate: GateRules | None = None, **others) -> Rules:
    return replace(Rules(1, gate or GateRules(), "dong-ba", Direction.IN), **others)


def answer(destination=None, health=None, entry=None, held: Held = HUB, found: bool | None = True) -> Lookup:
    standing = Standing("ab" * 16, NOW, "N*** A", destination, health, entry)
    return Lookup(standing, held, held, held, found=found)


def declared(days: float, **fields) -> HealthGroup:
    return HealthGroup(NOW - days * DAY, **fields)


def passes(*reasons: Reason) -> Verdict:
    return Verdict(Outcome.PASS, reasons)


def warns(*reasons: Reason) -> Verdict:
    return Verdict(Outcome.WARN, reasons)


def test_a_recent_declaration_passes():
    assert decide(SOMEBODY, answer(health=declared(1)), rules(), NOW) == passes()


def test_nobody_by_this_code_warns():
    assert decide(SOMEBODY, Lookup(None, HUB, HUB, HUB, found=False), rules(), NOW) == warns(Reason.NOT_FOUND)


@pytest.mark.parametrize(
    ("lookup", "verdict"),
    [
        (answer(), warns(Reason.NO_HEALTH)),
        (answer(health=declared(7)), passes()),
        (answer(health=declared(7.001)), warns(Reason.HEALTH_EXPIRED)),
        (answer(entry=EntryGroup(NOW - DAY)), passes()),
        (answer(entry=EntryGroup(NOW - 8 * DAY)), warns(Reason.NO_HEALTH)),
        (answer(health=declared(9), entry=EntryGroup(NOW - DAY)), passes()),
        (answer(health=declared(1, symptoms=("fever",))), warns(Reason.SYMPTOMS)),
        (answer(health=declared(1, symptoms=("hiccups",))), passes()),
        (answer(health=declared(1, exposures=("case",))), warns(Reason.EXPOSURES)),
        (answer(health=declared(1), entry=EntryGroup(NOW - 2 * DAY, symptoms=("fever",))), passes()),
        (answer(health=declared(3), entry=EntryGroup(NOW - 2 * DAY, symptoms=("fever",))), warns(Reason.SYMPTOMS)),
        (answer(health=declared(1), entry=EntryGroup(NOW - DAY, before_return=False)), warns(Reason.ENTRY_LATE)),
        (answer(health=declared(-1)), warns(Reason.NO_HEALTH, Reason.DATE_IN_FUTURE)),
    ],
)
def test_declarations_are_judged_by_age_and_by_what_they_say(lookup, verdict):
    assert decide(SOMEBODY, lookup, rules(), NOW) == verdict


def test_each_gate_kind_asks_for_the_groups_its_rules_name():
    checkpoint = rules(GateRules(required=("entry", "destination"), max_age=MaxAge(entry=86_400, destination=3600)))
    assert decide(SOMEBODY, answer(health=declared(1)), checkpoint, NOW) == warns(
        Reason.NO_ENTRY, Reason.NO_DESTINATION
    )
    old = DestinationGroup(NOW - timedelta(hours=2), "elsewhere")
    assert decide(SOMEBODY, answer(old, entry=EntryGroup(NOW - 2 * DAY)), checkpoint, NOW) == warns(
        Reason.ENTRY_EXPIRED, Reason.DESTINATION_EXPIRED
    )


def test_without_a_policy_nothing_is_verified():
    nothing = Rules.of(None, GateKind.VENUE, "dong-ba", Direction.IN)
    assert decide(SOMEBODY, answer(health=declared(1)), nothing, NOW) == Verdict(
        Outcome.UNVERIFIED, (Reason.NO_POLICY,)
    )


@pytest.mark.parametrize("unasked", ["unverified", "warn", "pass"])
def test_the_policy_says_what_nobody_could_be_asked_means(unasked):
    lookup = Lookup(None, trouble=Reason.HUB_UNREACHABLE)
    assert decide(SOMEBODY, lookup, rules(GateRules(unasked=unasked)), NOW) == Verdict(
        Outcome(unasked), (Reason.HUB_UNREACHABLE,)
    )


def test_a_held_answer_says_that_it_is_held():
    lookup = answer(health=declared(1), held=Held(Origin.MEMORY, NOW - DAY), found=None)
    assert decide(SOMEBODY, lookup, rules(), NOW) == passes(Reason.HELD_ANSWER)


def test_an_answer_held_for_too_long_is_no_answer():
    lookup = answer(health=declared(1), held=Held(Origin.MEMORY, NOW - 9 * DAY), found=None)
    assert decide(SOMEBODY, lookup, rules(), NOW) == Verdict(Outcome.UNVERIFIED, (Reason.HUB_UNREACHABLE,))


def test_a_group_that_is_required_and_could_not_be_asked_is_not_missing_but_unverified():
    standing = Standing("", NOW, health=declared(1))
    lookup = Lookup(standing, health=Held(Origin.CODE, NOW), trouble=Reason.HUB_UNREACHABLE)
    both = rules(GateRules(required=("health", "entry")))
    assert decide(SOMEBODY, lookup, both, NOW) == Verdict(Outcome.UNVERIFIED, (Reason.HUB_UNREACHABLE,))


def signed(state: SignatureState = SignatureState.VERIFIED, **fields) -> Credential:
    fields = {"issued": NOW - DAY, "expires": NOW + DAY, "declares": DeclarationKind.HEALTH} | fields
    return Credential(CodeKind.DECLARATION, Subject(Scheme.PERSON, "ab" * 16), signed=Signed(state, "00" * 8, **fields))


def test_a_signature_that_does_not_hold_warns_whatever_the_hub_says():
    fine = answer(health=declared(1))
    assert decide(signed(SignatureState.REFUSED), fine, rules(), NOW) == warns(Reason.SIGNATURE_REFUSED)
    assert decide(signed(SignatureState.SIGNER_UNKNOWN), fine, rules(), NOW) == warns(Reason.SIGNER_UNKNOWN)


def test_an_expired_code_still_finds_its_person_at_the_hub_but_says_nothing_for_itself():
    expired = signed(expires=NOW)
    assert decide(expired, answer(health=declared(1)), rules(), NOW) == passes()
    alone = Lookup(None, trouble=Reason.HUB_UNREACHABLE)
    assert decide(expired, alone, rules(), NOW) == warns(Reason.CODE_EXPIRED, Reason.HUB_UNREACHABLE)
    early = signed(issued=NOW + DAY)
    assert decide(early, alone, rules(), NOW) == warns(Reason.CODE_NOT_YET_VALID, Reason.HUB_UNREACHABLE)


def test_a_placeholder_names_nobody():
    child = Credential(CodeKind.CMND, remark=Reason.PLACEHOLDER_NUMBER)
    assert decide(child, Lookup(None), rules(), NOW) == warns(Reason.PLACEHOLDER_NUMBER)


def test_a_wrong_code_says_what_it_is():
    bank = Credential(CodeKind.PAYMENT, wrong=Reason.IS_PAYMENT)
    assert decide(bank, Lookup(None), rules(), NOW) == Verdict(Outcome.WRONG_CODE, (Reason.IS_PAYMENT,))


def test_a_health_certificate_counts_only_where_the_policy_says_so():
    certificate = replace(signed(declares=None), kind=CodeKind.EU_DCC)
    alone = Lookup(None, trouble=Reason.HUB_UNREACHABLE)
    assert decide(certificate, alone, rules(GateRules(certificate_counts_as_health=True)), NOW) == passes()
    assert decide(certificate, alone, rules(), NOW) == Verdict(Outcome.UNVERIFIED, (Reason.HUB_UNREACHABLE,))


OUT_OF_DATE = pytest.mark.parametrize(
    ("dates", "reason"),
    [
        ({"issued": NOW - 500 * DAY, "expires": NOW}, Reason.CODE_EXPIRED),
        ({"issued": NOW + DAY, "expires": NOW + 9 * DAY}, Reason.CODE_NOT_YET_VALID),
    ],
)


@OUT_OF_DATE
def test_a_certificate_out_of_date_is_no_declaration_whether_the_hub_answers_or_not(dates, reason):
    counts = rules(GateRules(certificate_counts_as_health=True))
    certificate = replace(signed(declares=None, **dates), kind=CodeKind.EU_DCC)
    assert decide(certificate, answer(), counts, NOW) == warns(Reason.NO_HEALTH, reason)
    assert decide(certificate, answer(health=declared(1)), counts, NOW) == passes()
    alone = Lookup(None, trouble=Reason.HUB_UNREACHABLE)
    assert decide(certificate, alone, counts, NOW) == warns(reason, Reason.HUB_UNREACHABLE)
    held = answer(held=Held(Origin.MEMORY, NOW - DAY), found=None)
    assert decide(certificate, held, counts, NOW) == warns(Reason.NO_HEALTH, reason, Reason.HELD_ANSWER)


def test_a_certificate_in_date_counts_also_where_the_hub_knows_of_no_declaration():
    counts = rules(GateRules(certificate_counts_as_health=True))
    certificate = replace(signed(declares=None), kind=CodeKind.EU_DCC)
    assert decide(certificate, answer(), counts, NOW) == passes()


@OUT_OF_DATE
@pytest.mark.parametrize(
    ("declares", "lacking"), [(DeclarationKind.HEALTH, Reason.NO_HEALTH), (DeclarationKind.ENTRY, Reason.NO_ENTRY)]
)
def test_a_declaration_code_out_of_date_says_so_beside_what_is_lacking(dates, reason, declares, lacking):
    gate = rules(GateRules(required=("health",) if declares is DeclarationKind.HEALTH else ("entry",)))
    assert decide(signed(declares=declares, **dates), answer(), gate, NOW) == warns(lacking, reason)


HUONG_HOA = Area("63", "45", "465", "19429", hamlet="Thôn Tân  Kim")


@pytest.mark.parametrize(
    ("zone", "verdict"),
    [
        (Zone("63", "45"), warns(Reason.ZONE)),
        (Zone("34", "45"), passes()),
        (Zone("63", "45", "465", "19430"), passes()),
        (Zone("63", "45", "465", "19429", "thôn tân kim"), warns(Reason.ZONE)),
        (Zone("63", "45", "465", "19429", "THON TAN KIM"), warns(Reason.ZONE)),
        (Zone("63", "45", "465", "19429", "thôn khác"), passes()),
        (Zone("63", "45", "465", "19429", "thôn tân kim", "chợ"), warns(Reason.ORIGIN_UNCLEAR)),
        (Zone("63", "45", since=NOW), passes()),
        (Zone("63", "45", since=NOW - 3 * DAY, until=NOW - DAY), warns(Reason.ZONE)),
        (Zone("63", "45", until=NOW - 3 * DAY), passes()),
    ],
)
def test_zones_match_at_five_levels_within_their_dates(zone, verdict):
    lookup = answer(health=declared(1), entry=EntryGroup(NOW - 2 * DAY, arrival=NOW - DAY, origin=HUONG_HOA))
    assert decide(SOMEBODY, lookup, rules(zones=(zone,)), NOW) == verdict


def test_a_visit_to_a_flagged_place_within_its_dates_warns():
    visit = DestinationGroup(NOW - DAY, "cho-an-cuu")
    flagged = (FlaggedPlace("cho-an-cuu", since=NOW - 2 * DAY),)
    assert decide(SOMEBODY, answer(visit, declared(1)), rules(places=flagged), NOW) == warns(Reason.PLACE)
    late = (FlaggedPlace("cho-an-cuu", since=NOW),)
    assert decide(SOMEBODY, answer(visit, declared(1)), rules(places=late), NOW) == passes()


def here(hours: float, direction: Direction) -> DestinationGroup:
    return DestinationGroup(NOW - timedelta(hours=hours), "dong-ba", direction=direction)


@pytest.mark.parametrize(
    ("last", "direction", "gate", "verdict"),
    [
        (here(1, Direction.IN), Direction.IN, GateRules(anti_passback=True), warns(Reason.ALREADY_INSIDE)),
        (here(1, Direction.IN), Direction.IN, GateRules(), passes()),
        (here(17, Direction.IN), Direction.IN, GateRules(anti_passback=True), passes()),
        (here(1, Direction.OUT), Direction.IN, GateRules(anti_passback=True), passes()),
        (here(1, Direction.OUT), Direction.IN, GateRules(reentry_window=7200), warns(Reason.REENTRY_TOO_SOON)),
        (here(3, Direction.OUT), Direction.IN, GateRules(reentry_window=7200), passes()),
        (None, Direction.OUT, GateRules(anti_passback=True), warns(Reason.NOT_INSIDE)),
        (here(1, Direction.IN), Direction.OUT, GateRules(anti_passback=True), passes()),
    ],
)
def test_movement_is_judged_by_the_last_scan_at_this_place(last, direction, gate, verdict):
    lookup = answer(last, declared(1))
    assert decide(SOMEBODY, lookup, rules(gate, direction=direction), NOW) == verdict


def test_the_way_out_asks_for_no_declaration_unless_the_policy_does():
    assert decide(SOMEBODY, answer(), rules(direction=Direction.OUT), NOW) == passes()
    strict = rules(GateRules(checks_on_way_out=True), direction=Direction.OUT)
    assert decide(SOMEBODY, answer(), strict, NOW) == warns(Reason.NO_HEALTH)


def test_every_concern_is_named_gravest_first():
    lookup = answer(health=declared(9), entry=EntryGroup(NOW - DAY, origin=HUONG_HOA, symptoms=("rash",)))
    strict = rules(GateRules(entry_counts_as_health=False), zones=(Zone("63", "45"),))
    assert decide(SOMEBODY, lookup, strict, NOW) == warns(Reason.SYMPTOMS, Reason.ZONE, Reason.HEALTH_EXPIRED)


def test_the_highest_version_that_has_begun_and_not_ended_is_in_force():
    old = Policy(1, NOW - 2 * DAY, NOW - 2 * DAY)
    new = Policy(2, NOW - DAY, NOW - DAY)
    coming = Policy(3, NOW, NOW + DAY)
    ended = Policy(4, NOW - DAY, NOW - DAY, expires=NOW)
    assert in_force((new, coming, old, ended), NOW) == new
    assert in_force((coming,), NOW) is None


def test_a_misspelt_rule_is_an_error_and_not_a_rule_that_does_nothing():
    text = b'{"version":1,"issued":"2026-01-01T00:00:00Z","effective":"2026-01-01T00:00:00Z","zone":[]}'
    with pytest.raises(msgspec.ValidationError, match="zone"):
        msgspec.json.decode(text, type=Policy)


def test_a_naive_time_is_refused_when_it_arrives():
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"person":"","as_of":"2026-01-01T00:00:00"}', type=Standing)


moments = st.datetimes(timezones=st.just(UTC))
areas = st.builds(Area, *[st.text(max_size=4)] * 6)
helds = st.builds(Held, st.sampled_from(Origin), st.none() | moments)
words = st.lists(st.text(max_size=5) | st.sampled_from(["fever", "case"]), max_size=3).map(tuple)
standings = st.builds(
    Standing,
    st.text(max_size=4),
    moments,
    st.text(max_size=4),
    st.none() | st.builds(DestinationGroup, moments, st.sampled_from(["dong-ba", ""])),
    st.none() | st.builds(HealthGroup, moments, words, words),
    st.none() | st.builds(EntryGroup, moments, st.none() | moments, st.none() | areas, symptoms=words),
)
lookups = st.builds(
    Lookup, st.none() | standings, helds, helds, helds, st.none() | st.booleans(), st.none() | st.sampled_from(Reason)
)
credentials = st.builds(
    Credential,
    st.sampled_from(CodeKind),
    st.none() | st.builds(Subject, st.sampled_from(Scheme), st.text(max_size=12)),
    remark=st.none() | st.sampled_from(Reason),
    wrong=st.none() | st.sampled_from(Reason),
    signed=st.none()
    | st.builds(
        Signed,
        st.sampled_from(SignatureState),
        st.text(max_size=4),
        st.none() | moments,
        st.none() | moments,
        st.none() | st.sampled_from(DeclarationKind),
    ),
)
gates = st.builds(
    GateRules,
    required=st.lists(st.sampled_from(["destination", "health", "entry"]), max_size=3).map(tuple),
    anti_passback=st.booleans(),
    reentry_window=st.integers(0, 10**9),
    checks_on_way_out=st.booleans(),
    certificate_counts_as_health=st.booleans(),
)
zone_lists = st.lists(st.builds(Zone, *[st.text(max_size=4)] * 6, since=st.none() | moments), max_size=2).map(tuple)
any_rules = st.builds(
    Rules,
    st.integers(0, 9),
    gates,
    st.just("dong-ba"),
    st.sampled_from([Direction.IN, Direction.OUT]),
    zone_lists,
    known=st.booleans(),
)


@given(credentials, lookups, any_rules, moments)
def test_decide_is_total_and_never_calls_a_person_a_fault(credential, lookup, rules, now):
    verdict = decide(credential, lookup, rules, now)
    assert verdict.outcome in ALL
    assert verdict.reasons or verdict.outcome is Outcome.PASS
    assert len(set(verdict.reasons)) == len(verdict.reasons)
