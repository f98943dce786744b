"""Lamps, buzzers, the relay and the buttons through gpiozero and lgpio on a real GPIO chip device."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from waiting import BOUND, wait_for

from drivers.buttons import GpioButtons
from drivers.buzzer import ActiveBuzzer, Note, TonalBuzzer
from drivers.errors import DeviceError
from drivers.led import Blink, PairLight, RgbLight, SingleLight
from drivers.pins import pin_factory
from drivers.relay import GpioRelay

ROOT = Path(__file__).resolve().parents[2]


def test_a_lamp_is_at_the_level_that_was_asked_for_when_show_returns(board):
    with SingleLight(pin=17, chip=board.chip) as lamp:
        levels = []
        for colour in ("green", "off", "red"):
            lamp.show(colour)
            levels.append(board.level(17))
    assert levels == [1, 0, 1]
    assert board.level(17) == 0, "it must be dark when the station stops"


def test_a_lamp_that_shines_while_its_pin_is_low_is_dark_at_both_ends(board):
    with SingleLight(pin=17, active_high=False, chip=board.chip) as lamp:
        dark = board.level(17)
        lamp.show("green")
        lit = board.level(17)
    assert (dark, lit) == (1, 0)


def test_three_blinks_are_three_and_last_as_long_as_asked(board):
    with board.watched() as watch, SingleLight(pin=17, chip=board.chip) as lamp:
        lamp.show("red", Blink(on=0.2, off=0.1, times=3))
        changes = wait_for(lambda: (seen := watch.changes(17)) and seen[-1].level == 0 and len(seen) >= 6 and seen, "3")
        lit = [off.at - on.at for on, off in zip(changes[-6::2], changes[-5::2], strict=True)]
    assert [change.level for change in changes[-6:]] == [1, 0] * 3
    assert all(0.19 < seconds < 5 for seconds in lit), lit


@pytest.mark.parametrize(
    ("colour", "red", "green"), [("red", 1, 0), ("green", 0, 1), ("amber", 1, 1), ("blue", 0, 1), ("off", 0, 0)]
)
def test_a_pair_of_lamps_mixes_its_colours(board, colour, red, green):
    with PairLight(red=27, green=17, chip=board.chip) as lamp:
        lamp.show(colour)
        assert (board.level(27), board.level(17)) == (red, green)


def test_a_three_colour_diode_holds_red_and_switches_green_for_amber(board):
    with board.watched() as watch, RgbLight(red=27, green=17, blue=22, chip=board.chip) as lamp:
        lamp.show("amber")
        wait_for(lambda: len(watch.changes(17)) > 10, "the green to be switched on and off")
        assert board.level(27) == 1
        assert board.level(22) == 0
        lamp.show("blue")
        assert wait_for(lambda: (board.level(27), board.level(17), board.level(22)) == (0, 0, 1), "blue alone")


def test_an_active_buzzer_sounds_a_tune_as_a_rhythm_and_falls_silent(board):
    with board.watched() as watch, ActiveBuzzer(pin=18, chip=board.chip) as buzzer:
        buzzer.play((Note(880, 0.1), Note(0, 0.1), Note(660, 0.1)))
        wait_for(lambda: watch.levels(18)[-4:] == [1, 0, 1, 0], "two tones and their ends")


def test_a_tone_is_the_pin_switched_as_often_as_its_hertz_and_then_still(board):
    with board.watched() as watch, TonalBuzzer(pin=18, chip=board.chip) as buzzer:
        buzzer.play((Note(100, 1.0),))
        wait_for(lambda: len(watch.changes(18)) > 50, "the tone")
        quiet = wait_for(lambda: _still(board, watch), "silence after the tone")
    beats = sum(change.level for change in quiet)
    assert 60 <= beats <= 110, f"{beats} beats in a second of 100 hertz"
    assert quiet[-1].level == 0


def _still(board, watch):
    before = watch.changes(18)
    time.sleep(0.2)
    after = watch.changes(18)
    return after if before == after else None


def test_the_door_opens_at_once_and_shuts_by_itself(board):
    with GpioRelay(pin=16, chip=board.chip) as relay:
        assert board.level(16) == 0
        relay.open(0.3)
        assert board.level(16) == 1
        opened, shut = relay.wait_event(BOUND), relay.wait_event(BOUND)
        assert board.level(16) == 0
    assert (opened.cause, shut.cause) == ("asked", "time")
    assert 0.3 <= shut.at_monotonic - opened.at_monotonic < 2


def test_a_door_that_stands_open_without_current_is_held_shut_and_let_go_at_the_end(board):
    with GpioRelay(pin=16, lock="fail-safe", chip=board.chip) as relay:
        held = board.level(16)
        relay.open(30)
        opened = board.level(16)
        relay.close()
        shut = board.level(16)
    assert (held, opened, shut, board.level(16)) == (1, 0, 1, 0)


def test_an_alarm_opens_the_door_for_good_until_it_is_over_and_reset(board):
    with GpioRelay(pin=16, alarm_pin=26, chip=board.chip) as relay:
        assert (relay.emergency, board.level(16)) == (True, 1), "a wire that is not connected is an alarm"
        board.pull(26, "down")
        wait_for(lambda: reset(relay), "the reset")
        assert board.level(16) == 0
        board.pull(26, "up")
        wait_for(lambda: relay.emergency, "the alarm")
        assert board.level(16) == 1
        relay.close()
        assert not reset(relay)
        assert board.level(16) == 1, "nothing shuts it while the alarm lasts"


def test_a_reset_while_the_alarm_contact_bounces_does_not_shut_the_door(board):
    with GpioRelay(pin=16, alarm_pin=26, alarm_debounce=0.5, chip=board.chip) as relay:
        board.pull(26, "down")
        assert not reset(relay), "it has not kept still for half a second"
        board.pull(26, "up")
        time.sleep(1)
        assert (relay.emergency, board.level(16)) == (True, 1)


def reset(relay):
    """Try to end an alarm, and tell whether it is over."""
    relay.reset()
    return not relay.emergency


def test_each_button_says_its_own_and_a_bouncing_one_says_it_once(board):
    with GpioButtons(admitted_pin=5, turned_away_pin=6, debounce=0.6, chip=board.chip) as buttons:
        board.pull(5, "down")
        assert buttons.read(BOUND) == "admitted"
        board.pull(5, "up")
        for _ in range(5):
            board.pull(6, "down")
            board.pull(6, "up")
        board.pull(6, "down")
        assert buttons.read(BOUND) == "turned-away"
        assert buttons.read(1) is None
        board.pull(6, "up")
        assert buttons.read(1) is None


def test_a_pin_that_another_program_holds_is_told_with_its_number(board):
    other = f"""
from drivers.errors import DeviceError
from drivers.led import SingleLight
try:
    with SingleLight(pin=17, chip={board.chip}):
        print("it got the pin")
except DeviceError as error:
    print(error.device, error.problem, error.cure, sep="; ")
"""
    with SingleLight(pin=17, chip=board.chip):
        said = subprocess.run([sys.executable, "-c", other], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert said.stdout.strip() == (
        "lamp on GPIO17; GPIO busy; check the wiring and that no other program holds the pin"
    ), said.stderr


def test_a_chip_that_is_not_there_is_told_with_its_number(board):
    with pytest.raises(DeviceError, match="gpiochip99"), SingleLight(pin=17, chip=99):
        pass


def test_a_board_that_is_no_pi_is_told_to_name_its_chip():
    with pytest.raises(DeviceError) as caught:
        pin_factory(None)
    assert "chip = N" in caught.value.cure


def test_the_pins_library_leaves_nothing_where_the_station_was_started(board, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with SingleLight(pin=17, chip=board.chip):
        assert os.getcwd() == str(tmp_path)
        assert list(tmp_path.iterdir()) == []
