"""Lamps on mock pins: colours, rhythms, and a newer signal that cuts in."""

from __future__ import annotations

import time
from collections.abc import Callable

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from drivers.errors import DeviceError
from drivers.led import DRIVERS, STEADY, Blink, PairLight, RgbLight, SimLight, SingleLight, steps
from drivers.player import Player

FAST = Blink(0.01, 0.01, 3)


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


def levels(pin) -> list[float]:
    return [state.state for state in pin.states]


def test_a_lamp_is_lit_when_show_returns(pins):
    with SingleLight(pin=5) as light:
        light.show("green", Blink(60, 60))
        assert pins.pin(5).state == 1


def test_a_lamp_blinks_as_often_as_asked_and_stays_dark(pins):
    with SingleLight(pin=5) as light:
        pins.pin(5).clear_states()
        light.show("red", FAST)
        wait(lambda: len(pins.pin(5).states) == 7)
        assert levels(pins.pin(5)) == [0, 1, 0, 1, 0, 1, 0]


def test_a_blink_without_count_goes_on(pins):
    with SingleLight(pin=5) as light:
        light.show("red", Blink(0.002, 0.002))
        wait(lambda: len(pins.pin(5).states) > 20)


def test_a_blink_keeps_its_times(pins):
    with SingleLight(pin=5) as light:
        pins.pin(5).clear_states()
        light.show("red", Blink(0.05, 0.02, 1))
        wait(lambda: len(pins.pin(5).states) == 3)
        lit = pins.pin(5).states[2].timestamp
        assert lit >= 0.05


def test_a_newer_signal_cuts_in_and_the_older_never_returns(pins):
    with SingleLight(pin=5) as light:
        light.show("red", Blink(0.005, 0.005))
        wait(lambda: len(pins.pin(5).states) > 4)
        light.show("green", STEADY)
        pins.pin(5).clear_states()
        light.show("green", STEADY)
        with pytest.raises(AssertionError):
            wait(lambda: len(pins.pin(5).states) > 1, seconds=0.05)
        assert pins.pin(5).state == 1


def test_a_lamp_that_is_lit_by_low_gets_the_opposite_levels(pins):
    with SingleLight(pin=5, active_high=False) as light:
        assert pins.pin(5).state == 1
        light.show("green")
        assert pins.pin(5).state == 0


@pytest.mark.parametrize(
    ("colour", "red", "green"),
    [("off", 0, 0), ("green", 0, 1), ("red", 1, 0), ("amber", 1, 1), ("blue", 0, 1), ("white", 1, 1)],
)
def test_a_pair_mixes_amber_and_knows_every_colour(pins, colour, red, green):
    with PairLight(red=5, green=6) as light:
        light.show(colour)
        assert (pins.pin(5).state, pins.pin(6).state) == (red, green)


def test_red_green_and_blue_mix_every_colour(pins):
    seen = set()
    with RgbLight(red=5, green=6, blue=13) as light:
        for colour in ("off", "green", "red", "amber", "blue", "white"):
            light.show(colour)
            seen.add(tuple(pins.pin(number).state for number in (5, 6, 13)))
    assert len(seen) == 6


@pytest.mark.parametrize("light", [SingleLight(pin=5), PairLight(red=5, green=6), RgbLight(red=5, green=6, blue=13)])
def test_a_lamp_is_dark_and_its_pins_free_after_the_station(pins, light):
    for _ in range(2):
        with light:
            light.show("red", Blink(0.01, 0.01))
        assert pins.pin(5).state == 0


def test_a_pin_that_another_holds_is_told_with_a_cure(pins):
    with (
        gpiozero.DigitalOutputDevice(5),
        pytest.raises(DeviceError, match="own pin") as caught,
        SingleLight(pin=5),
    ):
        pass
    assert caught.value.device == "lamp on GPIO5"


def test_two_colours_on_one_pin_are_refused():
    with pytest.raises(ValueError, match="green"):
        PairLight(red=5, green=5)


@pytest.mark.parametrize("driver", ["single", "pair", "rgb"])
def test_a_pin_no_board_has_is_refused(driver):
    option = "pin" if driver == "single" else "red"
    with pytest.raises(ValueError, match=option):
        DRIVERS[driver](**{option: 99})


def test_the_simulated_lamp_records_what_the_world_sees():
    with SimLight() as light:
        light.show("amber", FAST)
        wait(lambda: len(light.history) == 6)
        assert [shone.colour for shone in light.history] == ["amber", "off"] * 3
        assert light.colour == "off"
        times = [shone.at for shone in light.history]
        assert times == sorted(times)


def test_steady_and_dark_are_one_step():
    assert list(steps("green", STEADY)) == [("green", float("inf"))]
    assert list(steps("off", FAST)) == [("off", float("inf"))]


def test_a_device_that_fails_in_mid_run_ends_the_run_and_can_play_again():
    seen: list[int] = []

    def act(step: int) -> None:
        seen.append(step)
        if step == 2:
            raise DeviceError("lamp", "gone", "plug it in")

    with Player("test", act) as player:
        player.play([(1, 0.0), (2, 0.0), (3, 0.0)])
        wait(lambda: seen == [1, 2])
        player.play([(4, 0.0)])
        assert seen == [1, 2, 4]
        with pytest.raises(DeviceError):
            player.play([(2, 0.0)])
