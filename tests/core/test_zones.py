"""Whether an origin lies in a zone: five levels, two editions, text typed either way."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model import Area
from core.rules import Zone
from core.zones import Match, bare, fold, match, same_text, worst

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HAMLET = Zone("63", "46", "474", "19777", "Thôn Đông Hòa")


def origin(**fields) -> Area:
    return Area(**({"edition": "63", "province": "46", "district": "474", "commune": "19777"} | fields))


@pytest.mark.parametrize(
    ("area", "zone", "found"),
    [
        (origin(), Zone("63", "46"), Match.INSIDE),
        (origin(), Zone("34", "46"), Match.OUTSIDE),
        (origin(), Zone("63", "4"), Match.OUTSIDE),
        (origin(), Zone("63", "46", "474"), Match.INSIDE),
        (origin(district=""), Zone("63", "46", "474"), Match.OUTSIDE),
        (origin(), Zone("63", "46", "474", "19778"), Match.OUTSIDE),
        (origin(), HAMLET, Match.UNCLEAR),
        (origin(hamlet=" \u00a0 "), HAMLET, Match.UNCLEAR),
        (origin(hamlet="thon dong hoa"), HAMLET, Match.INSIDE),
        (origin(hamlet="THÔN  ĐÔNG\tHÒA"), HAMLET, Match.INSIDE),
        (origin(hamlet="Thôn Đông Hoà"), HAMLET, Match.INSIDE),
        (origin(hamlet=unicodedata.normalize("NFD", "Thôn Đông Hòa")), HAMLET, Match.INSIDE),
        (origin(hamlet="Thôn Đông Hòa 2"), HAMLET, Match.OUTSIDE),
        (origin(hamlet="Thôn Đông Hòa"), Zone("63", "46", "474", "19777", "Thôn Đông Hòa", "Chợ"), Match.UNCLEAR),
        (origin(hamlet="x", point="Chợ"), Zone("63", "46", "474", "19777", "", "cho"), Match.INSIDE),
        (origin(commune="", hamlet="Thôn Đông Hòa"), HAMLET, Match.OUTSIDE),
    ],
)
def test_an_origin_lies_inside_outside_or_does_not_say_enough(area, zone, found):
    assert match(area, zone) is found


def test_the_gravest_zone_in_force_on_the_day_of_arrival_counts_both_ends_included():
    zone = Zone("63", "46", since=NOW, until=NOW + timedelta(days=1))
    zones = (HAMLET, zone)
    arrivals = (-0.001, 0, 86_400, 86_400.001)
    found = [worst(origin(), zones, NOW + timedelta(seconds=at)) for at in arrivals]
    assert found == [Match.UNCLEAR, Match.INSIDE, Match.INSIDE, Match.UNCLEAR]
    assert worst(origin(), (), NOW) is Match.OUTSIDE


@given(st.text(max_size=60))
def test_folding_is_total_and_folding_again_changes_nothing(text):
    assert fold(fold(text)) == fold(text)
    assert same_text(text, fold(text))
    assert same_text(text, unicodedata.normalize("NFD", text))
    assert bare(bare(text)) == bare(text)
