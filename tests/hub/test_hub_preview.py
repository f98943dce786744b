"""A policy told in plain sentences: each rule that can warn somebody has its sentence, in both languages."""

from datetime import UTC, datetime
from functools import partial

import msgspec
import pytest

from core.model import GateKind
from core.rules import DAY, FlaggedPlace, GateRules, MaxAge, Policy, Zone
from hub.policy.preview import duration, sections
from hub.register import areas
from hub.web.words import word

BEGUN = datetime(2026, 10, 31, 17, tzinfo=UTC)  # the first of November here
english = partial(word, "en")
vietnamese = partial(word, "vi")


def told(t=english, policy: dict | None = None, **rules) -> tuple[str, ...]:
    """What a policy with these rules says of venues."""
    gates = {GateKind.VENUE: GateRules(**rules)}
    whole = Policy(version=1, issued=BEGUN, effective=BEGUN, scope="kind/venue", gates=gates, **(policy or {}))
    (only,) = sections(whole, t, areas.title, {"quan": "Quán cơm"})
    return only.sentences


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({}, "A person without a health declaration of the last 7 days will be warned."),
        ({"max_age": MaxAge(health=15 * 3600)}, "of the last 15 hours will be warned."),
        ({"max_age": MaxAge()}, "A person who never declared their health will be warned."),
        ({"required": ("destination",), "max_age": MaxAge(destination=DAY)}, "destination scan in the last 1 days"),
        ({"required": ("entry",)}, "A person without a declaration of entry of the last 14 days will be warned."),
        ({"required": ()}, "Nobody needs a declaration"),
        ({"symptoms": ("fever", "unspecified")}, "A person who declared a symptom will be warned: fever."),
        ({"exposures": ("case",)}, "A person who declared contact will be warned:"),
        ({"entry_before_return": True}, "only after arriving"),
        ({"anti_passback": True}, "after 16 hours a person counts as gone"),
        ({"reentry_window": 600}, "Entering again within 10 minutes"),
        ({"checks_on_way_out": True}, "On the way out the same is asked"),
        ({"unasked": "pass"}, "let pass"),
        ({"certificate_counts_as_health": True}, "certificate with a good signature counts"),
    ],
)
def test_every_rule_has_its_sentence(rules, sentence):
    assert [each for each in told(**rules) if sentence in each]


@pytest.mark.parametrize(
    "rules",
    [
        {"symptoms": ()},
        {"exposures": ()},
        {"entry_before_return": False},
        {"zones": False},
        {"places": False},
        {"repeat_window": 0},
        {"entry_counts_as_health": False},
    ],
)
def test_a_rule_that_is_off_has_no_sentence(rules):
    listed = {"zones": (Zone("63", "48"),), "places": (FlaggedPlace("quan"),)}
    assert len(told(policy=listed, **rules)) == len(told(policy=listed)) - 1


def test_a_zone_names_its_area_and_its_dates():
    zone = Zone("63", "45", "469", "19672", since=BEGUN)
    sentences = told(policy={"zones": (zone,)})
    area = "Xã Triệu Thượng, Huyện Triệu Phong, Tỉnh Quảng Trị (map of 63 provinces)"
    expected = f"A person from {area} arriving on or after 01/11/2026 will be warned."
    assert [each for each in sentences if each == expected]


def test_a_hamlet_says_that_whoever_does_not_name_theirs_is_asked():
    zone = Zone("63", "45", "469", "19672", hamlet="Thôn Thượng Phước")
    assert [each for each in told(policy={"zones": (zone,)}) if "without saying which hamlet" in each]


def test_a_flagged_place_goes_by_its_name():
    places = (FlaggedPlace("quan", until=BEGUN),)
    assert [each for each in told(policy={"places": places}) if "“Quán cơm” up to 01/11/2026" in each]


def test_the_sentences_are_as_many_in_vietnamese():
    rules = {"required": ("destination", "health", "entry"), "anti_passback": True, "reentry_window": 60}
    listed = {"zones": (Zone("63", "48", since=BEGUN, until=BEGUN),), "places": (FlaggedPlace("quan"),)}
    in_vietnamese = told(vietnamese, policy=listed, **rules)
    assert len(in_vietnamese) == len(told(policy=listed, **rules))
    assert "Người không có khai báo y tế trong 7 ngày gần đây sẽ bị cảnh báo." in in_vietnamese


def test_a_policy_for_all_speaks_of_every_gate_kind():
    whole = Policy(version=1, issued=BEGUN, effective=BEGUN)
    assert [each.kind for each in sections(whole, english, areas.title, {})] == list(GateKind)
    narrow = msgspec.structs.replace(whole, scope="kind/checkpoint")
    assert [each.kind for each in sections(narrow, english, areas.title, {})] == [GateKind.CHECKPOINT]


@pytest.mark.parametrize(
    ("seconds", "text"), [(DAY, "1 days"), (36 * 3600, "36 hours"), (90, "90 seconds"), (600, "10 minutes")]
)
def test_a_length_of_time_is_told_in_its_largest_whole_unit(seconds, text):
    assert duration(seconds, english) == text
