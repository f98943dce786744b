import sys
import types

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from drivers import pins
from drivers.errors import DeviceError
from drivers.pins import check_pin, pin_factory, refusals


@pytest.fixture(autouse=True)
def nothing_chosen(monkeypatch):
    monkeypatch.setattr(gpiozero.Device, "pin_factory", None)
    monkeypatch.delenv("GPIOZERO_PIN_FACTORY", raising=False)
    pins._lgpio_factory.cache_clear()
    yield
    pins._lgpio_factory.cache_clear()


def test_a_factory_that_the_process_chose_is_kept(monkeypatch):
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    assert pin_factory(None) is factory


def test_the_environment_may_choose_the_factory(monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    assert isinstance(pin_factory(None), MockFactory)
    assert pin_factory(None) is pin_factory(None)


def test_an_unknown_factory_is_a_device_error(monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "abacus")
    with pytest.raises(DeviceError, match="abacus"):
        pin_factory(None)


@pytest.mark.parametrize("chip", [None, 0])
def test_without_lgpio_the_cure_names_the_package(monkeypatch, chip):
    monkeypatch.setitem(sys.modules, "lgpio", None)
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", None)
    with pytest.raises(DeviceError) as caught:
        pin_factory(chip)
    assert "python3-lgpio" in caught.value.cure


@pytest.mark.parametrize(
    ("error", "cure"),
    [
        (gpiozero.PinUnknownPi("no revision"), "chip = N"),
        (gpiozero.GPIOPinInUse("pin 4 is in use"), "its own pin"),
        (PermissionError(13, "denied"), "group gpio"),
        (gpiozero.PinInvalidFunction("no such function"), "wiring"),
    ],
)
def test_each_refusal_of_the_pins_has_its_cure(error, cure):
    with pytest.raises(DeviceError) as caught, refusals("lamp on GPIO4"):
        raise error
    assert caught.value.device == "lamp on GPIO4"
    assert cure in caught.value.cure


def test_a_refusal_of_lgpio_is_told_even_when_the_block_is_what_loaded_it(monkeypatch):
    class Refusal(Exception):
        pass

    def load_and_claim():
        monkeypatch.setitem(sys.modules, "lgpio", types.SimpleNamespace(error=Refusal))
        raise Refusal("'GPIO busy'")

    monkeypatch.delitem(sys.modules, "lgpio", raising=False)
    with pytest.raises(DeviceError) as caught, refusals("lamp on GPIO17"):
        load_and_claim()
    assert (caught.value.device, caught.value.problem) == ("lamp on GPIO17", "GPIO busy")


def test_what_is_no_refusal_passes_through():
    with pytest.raises(ZeroDivisionError), refusals("lamp"):
        raise ZeroDivisionError


@pytest.mark.parametrize("pin", [-1, 54])
def test_a_number_that_no_pi_has_is_refused_by_its_option(pin):
    with pytest.raises(ValueError, match="buzzer_pin"):
        check_pin("buzzer_pin", pin)
    check_pin("buzzer_pin", None)
    check_pin("buzzer_pin", 27)


def test_a_device_error_is_told_in_one_line_and_is_an_os_error():
    error = DeviceError("camera sim", "it was unplugged", "plug it in")
    assert isinstance(error, OSError)
    assert str(error) == "camera sim: it was unplugged (plug it in)"
    assert (error.device, error.problem, error.cure) == ("camera sim", "it was unplugged", "plug it in")
