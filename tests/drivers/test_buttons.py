import time

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from drivers.buttons import DRIVERS, GpioButtons, SimButtons
from drivers.errors import DeviceError


@pytest.fixture(autouse=True)
def pins(monkeypatch):
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


def push(pin):
    pin.drive_low()
    pin.drive_high()


def test_each_button_says_its_choice_once_a_press(pins):
    with GpioButtons(admitted_pin=5, turned_away_pin=6) as buttons:
        push(pins.pin(5))
        push(pins.pin(6))
        push(pins.pin(5))
        assert [buttons.read(30) for _ in range(3)] == ["admitted", "turned-away", "admitted"]
        assert buttons.read(0.01) is None


def test_one_button_is_enough(pins):
    with GpioButtons(turned_away_pin=6) as buttons:
        push(pins.pin(6))
        assert buttons.read(30) == "turned-away"


def test_the_pins_pull_up_and_debounce_as_configured(pins):
    with GpioButtons(admitted_pin=5, debounce=0.03):
        assert (pins.pin(5).pull, pins.pin(5).bounce) == ("up", 0.03)


def test_a_guard_who_hammers_fills_no_memory(pins):
    with GpioButtons(admitted_pin=5) as buttons:
        for _ in range(100):
            push(pins.pin(5))
        taken = 0
        while buttons.read(0):
            taken += 1
        assert 1 <= taken <= 4


def test_nothing_pressed_waits_no_longer_than_asked(pins):
    with GpioButtons(admitted_pin=5) as buttons:
        began = time.monotonic()
        assert buttons.read(0.05) is None
        assert 0.05 <= time.monotonic() - began < 30


def test_after_the_end_the_pins_are_free_again(pins):
    for _ in range(2):
        with GpioButtons(admitted_pin=5, turned_away_pin=6):
            pass


def test_a_taken_pin_is_a_device_error_and_frees_the_other(pins):
    with gpiozero.LED(6, pin_factory=pins):
        with pytest.raises(DeviceError, match="GPIO6"), GpioButtons(admitted_pin=5, turned_away_pin=6):
            pass
        with GpioButtons(admitted_pin=5):
            pass


@pytest.mark.parametrize(
    "options",
    [{}, {"admitted_pin": -1}, {"turned_away_pin": 54}, {"admitted_pin": 5, "turned_away_pin": 5}],
)
def test_wrong_pins_are_refused_by_name_without_any_hardware(options):
    with pytest.raises(ValueError, match="_pin"):
        GpioButtons(**options)
    with pytest.raises(ValueError, match="debounce"):
        GpioButtons(admitted_pin=5, debounce=3)


def test_simulated_buttons_are_pressed_from_the_program():
    with SimButtons() as buttons:
        buttons.press("turned-away")
        assert buttons.read(30) == "turned-away"


def test_no_buttons_are_never_pressed():
    with DRIVERS["null"]() as buttons:
        assert buttons.read(0) is None
