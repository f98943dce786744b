"""Buzzers on mock pins: tunes as tones, tunes as rhythms, and a newer tune that cuts in."""

from __future__ import annotations

import time
from collections.abc import Callable

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from drivers.buzzer import ActiveBuzzer, Note, SimBuzzer, TonalBuzzer

RISE = (Note(1047, 0.01), Note(1568, 0.01))
BEEPS = (Note(1047, 0.01), Note(0, 0.01), Note(1568, 0.01))


@pytest.fixture
def pins(monkeypatch):
    factory = MockFactory(pin_class=MockPWMPin)
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


def wait(holds: Callable[[], bool], seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came to be"
        time.sleep(0.001)


def test_a_tonal_buzzer_switches_its_pin_at_the_tone(pins):
    with TonalBuzzer(pin=18) as buzzer:
        buzzer.play((Note(1047, 60),))
        assert pins.pin(18).frequency == 1047
        assert pins.pin(18).state == 0.5
        buzzer.play((Note(2093, 60),))
        assert pins.pin(18).frequency == 2093
        buzzer.play(())
        assert pins.pin(18).state == 0


def test_a_tonal_buzzer_is_silent_after_its_tune(pins):
    with TonalBuzzer(pin=18, volume=0.5) as buzzer:
        pins.pin(18).clear_states()
        buzzer.play(BEEPS)
        wait(lambda: len(pins.pin(18).states) == 5)
        assert [state.state for state in pins.pin(18).states] == [0, 0.25, 0, 0.25, 0]


def test_an_active_buzzer_beats_the_rhythm(pins):
    with ActiveBuzzer(pin=18) as buzzer:
        pins.pin(18).clear_states()
        buzzer.play(BEEPS)
        wait(lambda: len(pins.pin(18).states) == 5)
        assert [state.state for state in pins.pin(18).states] == [0, 1, 0, 1, 0]


def test_a_tune_keeps_its_times_and_ends_in_silence():
    with SimBuzzer() as buzzer:
        buzzer.play((Note(1047, 0.03), Note(1568, 0.05)))
        wait(lambda: len(buzzer.history) == 3)
        first, second, silence = buzzer.history
        assert (first.hertz, second.hertz, silence.hertz) == (1047, 1568, 0)
        assert second.at - first.at >= 0.03
        assert silence.at - second.at >= 0.05


def test_a_newer_tune_cuts_the_older_off():
    with SimBuzzer() as buzzer:
        buzzer.play((Note(500, 0.01),) * 3 + (Note(600, 60),))
        wait(lambda: buzzer.hertz == 600)
        buzzer.play(RISE)
        wait(lambda: buzzer.hertz == 0)
        assert [sounded.hertz for sounded in buzzer.history] == [500, 600, 1047, 1568, 0]


def test_play_returns_at_once():
    with SimBuzzer() as buzzer:
        began = time.monotonic()
        buzzer.play((Note(1047, 60),))
        assert time.monotonic() - began < 30


@pytest.mark.parametrize("driver", [TonalBuzzer, ActiveBuzzer])
def test_a_buzzer_is_silent_and_its_pin_free_after_the_station(pins, driver):
    buzzer = driver(pin=18)
    for _ in range(2):
        with buzzer:
            buzzer.play((Note(1047, 60),))
        assert pins.pin(18).state == 0


def test_options_out_of_range_are_named():
    with pytest.raises(ValueError, match="pin"):
        TonalBuzzer(pin=-1)
    with pytest.raises(ValueError, match="volume"):
        TonalBuzzer(volume=0)
