"""The policy form: what a policy says comes back from its fields unchanged, and what cannot be is named by field."""

from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec
import pytest

from core.model import GateKind
from core.rules import DAY, EXPOSURES, FlaggedPlace, GateRules, MaxAge, Policy, Zone
from hub.localtime import HUE
from hub.web import policy_form
from hub.web.form import Form
from hub.web.policy_form import new_place, new_zone, pack, read, unpack, values_of
from hub.web.words import word

NOW = datetime(2026, 11, 23, 3, tzinfo=UTC)
ZONES = (Zone("63", "48", since=NOW), Zone("63", "45", "469", "19672", "Thôn Thượng Phước"))
STRICT = GateRules(
    required=("destination", "health"),
    max_age=MaxAge(destination=3 * DAY, health=15 * 3600),
    symptoms=(),
    exposures=EXPOSURES,
    entry_before_return=False,
    anti_passback=True,
    reentry_window=90,
    unasked="warn",
    toggle_after=17,
)
POLICY = Policy(
    version=4,
    issued=NOW,
    effective=NOW,
    gates={GateKind.VENUE: STRICT, GateKind.CHECKPOINT: GateRules(), GateKind.HEALTH_POST: GateRules()},
    zones=ZONES,
    places=(FlaggedPlace("quan", until=NOW),),
    note="Công văn 12",
)


def sent(values: dict[str, object]) -> Form:
    """What a browser sends when nothing is touched."""
    return Form({name: value if isinstance(value, tuple) else (value,) for name, value in values.items() if value})


def fields(language="vi", **changed: object) -> Form:
    values = values_of(POLICY, partial(word, language))
    return sent(values | {name.replace("__", "-"): value for name, value in changed.items()})


def drafted(form: Form):
    return read(form, POLICY, 5, NOW)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_policy_comes_back_from_its_form_unchanged(language):
    draft = drafted(fields(language))
    assert draft.faults == {}
    assert draft.policy == msgspec.structs.replace(POLICY, version=5)


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("", None),
        ("7", 7 * DAY),
        ("15h", 15 * 3600),
        ("15 giờ", 15 * 3600),
        ("2 NGÀY", 2 * DAY),
        ("1,5 days", DAY * 3 // 2),
        ("30 phút", 1800),
    ],
)
def test_a_length_is_typed_as_people_write_it(typed, seconds):
    draft = drafted(fields(**{"venue-age-health": typed}))
    assert draft.faults == {}
    assert draft.policy.gates[GateKind.VENUE].max_age.health == seconds


@pytest.mark.parametrize("typed", ["seven", "-1", "7 weeks", "99999", "1e9", "٧ days days"])
def test_a_length_that_is_none_is_named_by_its_field(typed):
    assert drafted(fields(**{"venue-age-health": typed})).faults == {"venue-age-health": "fault-length"}


def test_only_the_gate_kind_that_the_scope_names_is_read():
    draft = drafted(fields(scope="kind/checkpoint", **{"venue-age-health": "seven"}))
    assert (draft.faults, list(draft.policy.gates)) == ({}, [GateKind.CHECKPOINT])


def test_a_policy_that_ends_before_it_begins_is_refused():
    begins, ends = "2026-12-02T00:00", "2026-12-01T00:00"
    assert drafted(fields(effective=begins, expires=ends)).faults == {"expires": "fault-ends-before"}


def test_moments_are_those_of_the_province():
    draft = drafted(fields(effective="2026-12-01T07:00"))
    assert draft.policy.effective == datetime(2026, 12, 1, tzinfo=UTC)
    assert drafted(fields(effective="tomorrow")).faults == {"effective": "fault-unknown"}


def test_a_ticked_zone_is_left_out():
    draft = drafted(fields(**{"zones-gone": ("0",)}))
    assert draft.policy.zones == ZONES[1:]


def test_a_zone_is_added_down_to_its_hamlet_with_whole_days():
    typed = {"zone-code": "63/19672", "zone-hamlet": "Thôn A", "zone-since": "2026-11-01", "zone-until": "2026-11-30"}
    zone, faults = new_zone(sent(typed))
    first = datetime(2026, 11, 1, tzinfo=HUE)
    assert faults == {}
    assert zone == Zone("63", "45", "469", "19672", "Thôn A", "", first, first + timedelta(days=30, seconds=-1))


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({}, {"zone-words": "fault-choose-area"}),
        ({"zone-code": "63/99999"}, {"zone-words": "fault-choose-area"}),
        ({"zone-code": "63/48", "zone-hamlet": "Thôn A"}, {"zone-hamlet": "fault-hamlet-needs-commune"}),
        ({"zone-code": "63/48", "zone-since": "x"}, {"zone-since": "fault-unknown"}),
        (
            {"zone-code": "63/48", "zone-since": "2026-11-02", "zone-until": "2026-11-01"},
            {"zone-until": "fault-ends-before"},
        ),
    ],
)
def test_a_zone_that_cannot_be_is_named_by_its_field(typed, fault):
    assert new_zone(sent(typed)) == (None, fault)


def test_a_place_must_be_one_that_is_registered():
    assert new_place(sent({"place-code": "quan"}), ["quan"]) == (FlaggedPlace("quan"), {})
    assert new_place(sent({"place-code": "x"}), ["quan"]) == (None, {"place-code": "fault-choose"})


def test_what_a_page_carries_fits_into_its_fields_and_comes_back():
    many = tuple(Zone("63", "45", "469", "19672", f"Thôn {number}") for number in range(200))
    packed = pack(many)
    assert max(map(len, packed)) <= policy_form._PACK
    assert unpack(packed, tuple[Zone, ...]) == many


@pytest.mark.parametrize("texts", [(), ("%",), ("e30=",), ("AAAA",), ("é",)])
def test_what_was_tampered_with_is_nothing(texts):
    assert unpack(texts, Policy) is None
