"""In, out and in again, to the second, and with clocks that were set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.model import DestinationGroup, Direction, Reason
from core.movement import Passage, concerns, repeated, resolve, within
from core.rules import GateRules

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
IN, OUT, TOGGLE = Direction.IN, Direction.OUT, Direction.TOGGLE
RULES = GateRules(repeat_window=600, toggle_after=60, inside_at_most=3600, reentry_window=300, anti_passback=True)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def passed(seconds: float, direction: Direction = IN) -> Passage:
    return Passage(ago(seconds), direction)


@pytest.mark.parametrize(
    ("seconds", "near"), [(0, True), (600, True), (600.001, False), (-1, True), (-600, True), (-601, False)]
)
def test_within_counts_both_ways_because_clocks_are_set_back(seconds, near):
    assert within(ago(seconds), NOW, 600) is near


@pytest.mark.parametrize(
    ("last", "direction", "repeats"),
    [
        (None, IN, False),
        (passed(0), IN, True),
        (passed(600), IN, True),
        (passed(601), IN, False),
        (passed(10), OUT, False),
        (passed(10, OUT), OUT, True),
        (Passage(ago(10), IN, passed=False), IN, False),
        (passed(-30), IN, True),
        (passed(-7200), IN, False),  # the clock was hours ahead: this person is not turned into a repeat for hours
    ],
)
def test_a_repeat_is_the_same_way_within_the_window(last, direction, repeats):
    assert (repeated(last, direction, RULES, NOW) is not None) is repeats


def test_without_a_window_nothing_is_a_repeat():
    assert repeated(passed(0), IN, GateRules(repeat_window=0), NOW) is None


@pytest.mark.parametrize(
    ("last", "way"),
    [
        (None, IN),
        (passed(60), IN),
        (passed(61), OUT),
        (Passage(ago(61), IN, passed=False), OUT),
        (passed(3600), OUT),
        (passed(3601), IN),
        (passed(60, OUT), OUT),
        (passed(61, OUT), IN),
        (passed(-30), IN),
        (passed(-90), OUT),
        (passed(-4000), IN),
    ],
)
def test_a_toggle_gate_alternates_after_a_moment_and_forgets_after_a_day(last, way):
    assert resolve(TOGGLE, last, RULES, NOW) is way


@pytest.mark.parametrize("way", [IN, OUT])
def test_a_gate_of_one_way_never_turns(way):
    assert resolve(way, passed(120, IN), RULES, NOW) is way


def here(seconds: float, direction: Direction, place: str = "dong-ba") -> DestinationGroup:
    return DestinationGroup(ago(seconds), place, direction=direction)


@pytest.mark.parametrize(
    ("destination", "direction", "reasons"),
    [
        (None, IN, ()),
        (None, OUT, (Reason.NOT_INSIDE,)),
        (here(10, IN), IN, (Reason.ALREADY_INSIDE,)),
        (here(10, IN), OUT, ()),
        (here(3600, IN), IN, (Reason.ALREADY_INSIDE,)),
        (here(3601, IN), IN, ()),
        (here(3601, IN), OUT, (Reason.NOT_INSIDE,)),
        (here(300, OUT), IN, (Reason.REENTRY_TOO_SOON,)),
        (here(301, OUT), IN, ()),
        (here(10, OUT), OUT, (Reason.NOT_INSIDE,)),
        (here(10, IN, "elsewhere"), IN, ()),
        (here(10, IN, "elsewhere"), OUT, (Reason.NOT_INSIDE,)),
        (here(10, OUT, "elsewhere"), IN, ()),
    ],
)
def test_passing_back_and_coming_again_too_soon(destination, direction, reasons):
    assert concerns(destination, "dong-ba", direction, RULES, NOW) == reasons


def test_without_rules_against_it_everybody_comes_and_goes():
    free = GateRules()
    for destination in (None, here(10, IN), here(10, OUT)):
        assert concerns(destination, "dong-ba", IN, free, NOW) == concerns(destination, "dong-ba", OUT, free, NOW) == ()
