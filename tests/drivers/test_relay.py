import time

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from drivers.errors import DeviceError
from drivers.relay import DRIVERS, GpioRelay, RelayEvent, SimRelay

COIL, ALARM = 16, 26


@pytest.fixture(autouse=True)
def pins(monkeypatch):
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


def events(relay, count):
    return [(event.open, event.cause) for event in (relay.wait_event(30) for _ in range(count)) if event]


def until(relay, last, times=1):
    """What is told until this has been told so often."""
    told = []
    while told.count(last) < times:
        (one,) = events(relay, 1)
        told.append(one)
    return told


def history(pin):
    return [bool(state.state) for state in pin.states]


def test_a_fail_secure_door_is_pulled_open_for_the_time_asked_and_then_rests(pins):
    with GpioRelay(pin=COIL) as relay:
        pins.pin(COIL).clear_states()
        began = time.monotonic()
        relay.open(0.05)
        assert events(relay, 2) == [(True, "asked"), (False, "time")]
        assert time.monotonic() - began >= 0.05
        assert history(pins.pin(COIL)) == [False, True, False]


def test_a_fail_safe_door_is_held_shut_by_the_relay_and_let_go_to_open(pins):
    with GpioRelay(pin=COIL, lock="fail-safe") as relay:
        assert pins.pin(COIL).state
        pins.pin(COIL).clear_states()
        relay.open(0.02)
        assert events(relay, 2) == [(True, "asked"), (False, "time")]
        assert history(pins.pin(COIL)) == [True, False, True]


def test_a_board_that_pulls_on_low_gets_the_opposite_levels(pins):
    with GpioRelay(pin=COIL, active_high=False) as relay:
        assert pins.pin(COIL).state
        relay.open(60)
        assert not pins.pin(COIL).state
        relay.close()
        assert pins.pin(COIL).state


@pytest.mark.parametrize("lock", ["fail-secure", "fail-safe"])
def test_the_relay_rests_after_the_station_stops_or_fails(pins, lock):
    def fail():
        with GpioRelay(pin=COIL, lock=lock) as relay:
            relay.open(60)
            raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        fail()
    assert not history(pins.pin(COIL))[-1]


def test_a_second_opening_lengthens_the_first_and_never_shortens_it(pins):
    with GpioRelay(pin=COIL) as relay:
        relay.open(0.3)
        relay.open(60)
        relay.open(0.01)
        told = until(relay, (True, "asked"), times=3)
        assert told[-2:] == [(True, "asked")] * 2, "only the first may have run out while this machine was busy"
        assert relay.wait_event(0.5) is None
        assert pins.pin(COIL).state
        relay.close()
        began = time.monotonic()
        relay.open(0.1)
        relay.open(0.01)
        until(relay, (False, "time"))
        assert time.monotonic() - began >= 0.1


def test_a_cut_alarm_wire_opens_the_door_for_good(pins):
    pins.pin(ALARM).drive_low()
    with closed_loop(pins) as relay:
        assert not relay.emergency
        pins.pin(ALARM).drive_high()
        assert relay.emergency
        assert events(relay, 1) == [(True, "alarm")]
        relay.close()
        relay.open(0.01)
        assert relay.wait_event(0.05) is None
        assert pins.pin(COIL).state


def test_an_alarm_that_already_rings_opens_the_door_at_the_start(pins):
    with GpioRelay(pin=COIL, alarm_pin=ALARM) as relay:  # nothing connected: the pull-up reads as a cut wire
        assert relay.emergency
        assert pins.pin(COIL).state
        assert events(relay, 1) == [(True, "alarm")]


def test_the_alarm_takes_over_from_a_running_opening(pins):
    with GpioRelay(pin=COIL, alarm_pin=ALARM, alarm_contact="normally-open") as relay:
        relay.open(0.3)
        pins.pin(ALARM).drive_low()
        until(relay, (True, "alarm"))
        assert relay.wait_event(0.5) is None
        assert pins.pin(COIL).state


def test_a_reset_shuts_the_door_only_when_the_alarm_is_over(pins):
    with GpioRelay(pin=COIL, alarm_pin=ALARM, alarm_contact="normally-open") as relay:
        pins.pin(ALARM).drive_low()
        relay.reset()
        assert relay.emergency
        pins.pin(ALARM).drive_high()
        assert relay.emergency
        relay.reset()
        assert not relay.emergency
        assert events(relay, 2) == [(True, "alarm"), (False, "reset")]
        assert not pins.pin(COIL).state


def test_every_opening_is_reported_with_its_time():
    with SimRelay() as relay:
        before = time.monotonic()
        relay.open(60)
        event = relay.wait_event(30)
        assert event == RelayEvent(True, "asked", event.at_monotonic)
        assert before <= event.at_monotonic <= time.monotonic()


def test_the_simulated_door_shows_what_the_real_one_would_do():
    with SimRelay() as relay:
        relay.ring()
        assert relay.is_open
        relay.silence()
        relay.close()
        assert relay.is_open
        relay.reset()
        assert not relay.is_open


def test_two_devices_on_one_pin_are_a_device_error_with_its_cure(pins):
    with GpioRelay(pin=COIL), pytest.raises(DeviceError) as caught, GpioRelay(pin=COIL):
        pass
    assert "in use" in caught.value.problem
    assert caught.value.cure


def test_a_relay_that_cannot_have_its_alarm_pin_gives_the_coil_back(pins):
    with gpiozero.LED(ALARM, pin_factory=pins):
        with pytest.raises(DeviceError), GpioRelay(pin=COIL, alarm_pin=ALARM):
            pass
        with GpioRelay(pin=COIL):
            pass


@pytest.mark.parametrize(
    "options",
    [{"pin": 99}, {"alarm_pin": 16}, {"lock": "safe"}, {"alarm_contact": "open"}, {"alarm_debounce": 9}],
)
def test_a_wrong_option_is_refused_by_name_without_any_hardware(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        GpioRelay(**options)


def test_no_relay_never_opens():
    with DRIVERS["null"]() as relay:
        relay.open(1)
        relay.reset()
        relay.close()
        assert not relay.emergency
        assert relay.wait_event(0) is None


def closed_loop(pins):
    """Answer a relay whose alarm loop is closed from the start, which the mock's pull-up would undo."""

    class ClosedLoop(type(pins.pin(ALARM))):
        def _set_pull(self, value):
            super()._set_pull(value)
            self.drive_low()

    pins.pins.clear()
    pins.pin(ALARM, pin_class=ClosedLoop)
    return GpioRelay(pin=COIL, alarm_pin=ALARM)
