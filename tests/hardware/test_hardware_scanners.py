"""Scanners as real USB keyboards and serial lines: held, read, pulled out and found again by their names."""

import time

import evdev
import pytest
from usb_scanner import KEYBOARD, SERIAL
from waiting import BOUND, told_loss, wait_for

from drivers.errors import DeviceError
from drivers.keys import DOWN, LOST, Key
from drivers.scanner_hid import HidScanner
from drivers.scanner_serial import SerialScanner

ENTER = evdev.ecodes.KEY_ENTER
BY_ID = {"id": KEYBOARD.name}


def typed(scanner, bound=BOUND):
    """What a scanner typed up to Enter, as the names of the keys that went down."""
    names, until = [], time.monotonic() + bound
    while time.monotonic() < until:
        for key in scanner.read(0.5):
            if key.value == DOWN and key.code == ENTER:
                return "".join(names)
            if key.value == DOWN:
                names.append(evdev.ecodes.KEY[key.code].removeprefix("KEY_"))
    raise AssertionError(f"no Enter within {bound:.0f} s, only {len(names)} keys")


def received(scanner, count, bound=BOUND):
    """The next bytes of a scanner, so many of them."""
    data, until = b"", time.monotonic() + bound
    while len(data) < count and time.monotonic() < until:
        data += scanner.read(0.5)
    return data


@pytest.mark.parametrize(
    "by",
    [BY_ID, {"id": "usb-*Test_Scanner*-event-kbd"}, {"name": "*Test Scanner"}, {"port": "usb-dummy_hcd.0-1"}],
    ids=["id", "pattern", "name", "port"],
)
def test_a_usb_keyboard_is_found_by_name_id_or_port_and_read(usb_scanner, by):
    with HidScanner(**by) as scanner:
        usb_scanner.type("4006381333931")
        assert typed(scanner) == "4006381333931"


def test_while_it_is_held_nobody_else_gets_its_keys(usb_scanner):
    with HidScanner(**BY_ID) as scanner:
        eavesdropper = evdev.InputDevice(str(KEYBOARD))
        try:
            usb_scanner.type("12345")
            assert typed(scanner) == "12345"
            assert eavesdropper.read_one() is None
        finally:
            eavesdropper.close()
        with HidScanner(**BY_ID) as second, pytest.raises(DeviceError, match="another program holds it"):
            second.read(0)


def test_a_pulled_keyboard_is_told_of_once_and_reads_again_when_it_is_back(usb_scanner):
    with HidScanner(**BY_ID) as scanner:
        usb_scanner.type("1")
        assert typed(scanner) == "1"
        usb_scanner.pull_out()
        assert "No such device" in told_loss(scanner.read).problem
        assert [scanner.read(0.1) for _ in range(5)] == [()] * 5
        assert scanner.away
        usb_scanner.plug_in()
        wait_for(lambda: scanner.read(0.2) == () and not scanner.away, "the scanner to be found again")
        usb_scanner.type("2222")
        assert typed(scanner) == "2222"


def test_a_keyboard_that_is_plugged_in_later_is_found(usb):
    usb.pull_out()
    with HidScanner(**BY_ID) as scanner:
        with pytest.raises(DeviceError, match="it is not there"):
            scanner.read(0)
        usb.plug_in()
        try:
            wait_for(lambda: scanner.read(0.2) == () and not scanner.away, "the scanner to be found")
            usb.type("789")
            assert typed(scanner) == "789"
        finally:
            usb.pull_out()


def test_a_long_code_at_a_real_scanners_pace_arrives_whole_and_in_order(usb_scanner):
    text = "".join(str(number % 10) for number in range(300))
    with HidScanner(**BY_ID) as scanner:
        usb_scanner.type(text)
        assert typed(scanner) == text


def test_keys_that_the_kernel_could_not_keep_for_us_are_told_as_lost(usb_scanner):
    with HidScanner(**BY_ID) as scanner:
        usb_scanner.pour("4006381333931" * 4)  # nobody reads meanwhile, and the kernel keeps some twenty keystrokes
        keys = wait_for(lambda: scanner.read(0.5), "keys")
        assert Key(LOST, DOWN, keys[0].at) in keys


def test_a_uinput_keyboard_of_the_same_name_takes_the_place_of_a_lost_one():
    keys = {evdev.ecodes.EV_KEY: [*range(evdev.ecodes.KEY_1, evdev.ecodes.KEY_0 + 1), ENTER]}

    def press(keyboard, *codes):
        for code in codes:
            for value in (1, 0):
                keyboard.write(evdev.ecodes.EV_KEY, code, value)
                keyboard.syn()

    with HidScanner(name="Gate Scanner") as scanner:
        with pytest.raises(DeviceError):
            scanner.read(0)
        for _ in range(2):
            with evdev.UInput(keys, name="Gate Scanner") as keyboard:
                wait_for(lambda: scanner.read(0.2) == () and not scanner.away, "the keyboard to be found")
                press(keyboard, evdev.ecodes.KEY_4, evdev.ecodes.KEY_2, ENTER)
                assert typed(scanner) == "42"
            told_loss(scanner.read)


def test_a_serial_line_is_found_by_its_name_and_read_to_the_last_byte(usb_scanner):
    sent = bytes(range(256)) * 8
    with SerialScanner(port=str(SERIAL), baud=115200) as scanner:
        usb_scanner.send(sent)
        assert received(scanner, len(sent)) == sent


def test_a_serial_line_is_taken_by_one_program_only(usb_scanner):
    with SerialScanner(port=str(SERIAL)) as first, SerialScanner() as second:
        assert first.read(0) == b""
        with pytest.raises(DeviceError, match="exclusively lock"):
            second.read(0)


def test_a_pulled_serial_line_is_told_of_once_and_reads_again_when_it_is_back(usb_scanner):
    with SerialScanner() as scanner:
        usb_scanner.send(b"first\r\n")
        assert received(scanner, 7) == b"first\r\n"
        usb_scanner.pull_out()
        assert told_loss(scanner.read).cure.startswith("plug the scanner in")
        assert [scanner.read(0.1) for _ in range(5)] == [b""] * 5
        usb_scanner.plug_in()
        wait_for(lambda: scanner.read(0.2) == b"" and not scanner.away, "the line to be found again")
        usb_scanner.send(b"second\r\n")
        assert received(scanner, 8) == b"second\r\n"
