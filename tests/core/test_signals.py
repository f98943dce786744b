"""No two signs look, sound or blink alike, and every reason has its outcome."""

from __future__ import annotations

from itertools import combinations

import pytest

from core.model import Direction, Outcome, Reason
from core.signals import EXPLAINS, SIGNALS, Blink, Sign, Tune, signal

PAIRS = list(combinations(SIGNALS.values(), 2))


def rhythm(tune: Tune) -> list[float]:
    """What a buzzer with one tone makes of it: seconds of sound and silence in turn."""
    beats: list[float] = []
    sounding = False
    for hertz, seconds in tune:
        if beats and sounding == (hertz > 0):
            beats[-1] = round(beats[-1] + seconds, 3)
        else:
            beats.append(seconds)
            sounding = hertz > 0
    return beats


def test_every_sign_has_a_row():
    assert set(SIGNALS) == set(Sign)


@pytest.mark.parametrize("trait", ["shape", "tune", "blink"])
def test_signs_differ_in_shape_tune_and_blink(trait):
    same = [(one.sign, two.sign) for one, two in PAIRS if getattr(one, trait) == getattr(two, trait)]
    assert same == []


def test_signs_differ_on_a_buzzer_with_one_tone():
    assert [(a.sign, b.sign) for a, b in PAIRS if rhythm(a.tune) == rhythm(b.tune)] == []


def lit(blink: Blink, seconds: float) -> list[int]:
    """A lamp sampled every 50 ms."""
    on, off, times = blink
    return [
        int(off == 0 or ((t := step * 0.05) % (on + off) < on and (not times or t < times * (on + off))))
        for step in range(int(seconds / 0.05))
    ]


def test_a_single_lamp_tells_the_signs_apart_by_eye():
    for one, two in PAIRS:
        a, b = lit(one.blink, 4), lit(two.blink, 4)
        assert sum(x != y for x, y in zip(a, b, strict=True)) >= 8, (one.sign, two.sign)  # 0.4 s in 4


def test_a_fault_flashes_red_faster_than_anything_else():
    fault = SIGNALS[Sign.FAULT]
    period = sum(fault.blink[:2])
    assert fault.colour == "red"
    assert fault.blink[2] == 0
    assert period <= 0.25  # four flashes a second
    assert all(sum(other.blink[:2]) > period for other in SIGNALS.values() if other is not fault)


def test_no_sign_flashes_more_than_five_times_a_second():
    assert all(sum(row.blink[:2]) >= 0.2 for row in SIGNALS.values())


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("held", [False, True])
def test_every_outcome_has_a_signal(outcome, direction, held):
    assert signal(outcome, (), direction, held).sign in Sign


def test_leaving_looks_different_from_entering():
    assert signal(Outcome.PASS, (), Direction.IN, False).sign is Sign.PASS_IN
    assert signal(Outcome.PASS, (), Direction.OUT, False).sign is Sign.PASS_OUT


def test_a_held_answer_looks_different_from_a_fresh_one():
    assert signal(Outcome.PASS, (), Direction.IN, True).sign is Sign.PASS_IN_HELD
    assert signal(Outcome.PASS, (), Direction.OUT, True).sign is Sign.PASS_OUT_HELD
    assert signal(Outcome.WARN, (), Direction.IN, True).sign is Sign.WARN_HELD


def test_the_reason_held_answer_counts_as_held():
    assert signal(Outcome.PASS, (Reason.HELD_ANSWER,), Direction.IN, False).sign is Sign.PASS_IN_HELD


def test_only_a_pass_and_a_guards_word_open():
    assert {row.sign for row in SIGNALS.values() if row.opens} == {
        Sign.PASS_IN,
        Sign.PASS_IN_HELD,
        Sign.PASS_OUT,
        Sign.PASS_OUT_HELD,
        Sign.ADMITTED,
    }


def test_every_reason_has_its_outcomes():
    assert set(EXPLAINS) == set(Reason)
    assert all(EXPLAINS.values())


def test_every_outcome_that_needs_a_reason_has_one():
    assert set().union(*EXPLAINS.values()) == set(Outcome)
