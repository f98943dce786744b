"""Keyboard scanners: the kernel's own event records, through evdev's own reader.

Where there is no /dev/uinput, a named pipe stands for the device node: it carries the same bytes.
"""

import errno
import os
import select
import struct
import threading
import time
from typing import ClassVar

import evdev
import pytest
from evdev import ecodes

from drivers import scanner_hid
from drivers.errors import DeviceError
from drivers.keys import DOWN, LOST, REPEAT, UP, Key
from drivers.scanner_hid import HidScanner
from drivers.scanner_sim import SimKeys

DIGITS = [*range(ecodes.KEY_1, ecodes.KEY_0 + 1), ecodes.KEY_ENTER]


def event(type_, code, value, at=(1, 2)):
    return struct.pack("@llHHi", *at, type_, code, value)


def stroke(code):
    events = [(ecodes.EV_MSC, 4, 458792), (ecodes.EV_KEY, code, DOWN), (ecodes.EV_SYN, 0, 0)]
    events += [(ecodes.EV_KEY, code, UP), (ecodes.EV_SYN, 0, 0)]
    return b"".join(event(*one) for one in events)


class PipeDevice(evdev.eventio.EventIO):
    """An input device whose node is a named pipe; its looks are kept in ``SHOWN``."""

    SHOWN: ClassVar[dict[str, dict]] = {}
    GRABBED: ClassVar[set[str]] = set()

    def __init__(self, path):
        looks = self.SHOWN[path]
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.path = path
        self.name, self.phys = looks["name"], looks["phys"]
        self._keys = looks["keys"]

    def fileno(self):
        return self.fd

    def capabilities(self):
        return {ecodes.EV_KEY: self._keys}

    def read(self):
        hung_up = select.poll()
        hung_up.register(self.fd, 0)
        if hung_up.poll(0):  # a pipe without a writer is at its end; a device without a plug is no device
            raise OSError(errno.ENODEV, "No such device")
        return super().read()

    def grab(self):
        if self.path in self.GRABBED:
            raise OSError(errno.EBUSY, "Device or resource busy")
        self.GRABBED.add(self.path)

    def close(self):
        self.GRABBED.discard(self.path)
        os.close(self.fd)


class Bus:
    """The folder of input devices, into which keyboards are plugged."""

    def __init__(self, folder):
        self.folder = folder
        self._ends = {}

    def plug_in(self, node, name="Symbol Bar Code Scanner", phys="usb-0000:01:00.0-1.3/input0", keys=DIGITS, id=""):
        path = self.folder / node
        os.mkfifo(path)
        PipeDevice.SHOWN[str(path)] = {"name": name, "phys": phys, "keys": keys}
        self._ends[node] = os.open(path, os.O_RDWR)
        for link in filter(None, [id and f"by-id/{id}", f"by-path/pci-0000:{node}-event-kbd"]):
            (self.folder / link).parent.mkdir(exist_ok=True)
            (self.folder / link).symlink_to(path)

    def type(self, node, data):
        os.write(self._ends[node], data)

    def pull(self, node):
        for link in self.folder.glob("by-*/*"):
            if link.readlink().name == node:
                link.unlink()
        (self.folder / node).unlink()
        os.close(self._ends.pop(node))

    def close(self):
        for node in list(self._ends):
            self.pull(node)


@pytest.fixture
def bus(tmp_path, monkeypatch):
    def nodes(folder):
        return [str(path) for path in tmp_path.iterdir() if path.name.startswith("event")]

    monkeypatch.setattr(scanner_hid, "INPUT", str(tmp_path))
    monkeypatch.setattr(evdev, "list_devices", nodes)
    monkeypatch.setattr(evdev, "InputDevice", PipeDevice)
    PipeDevice.GRABBED.clear()
    bus = Bus(tmp_path)
    yield bus
    bus.close()


def codes(keys):
    return [(key.code, key.value) for key in keys]


def read_some(scanner, count, seconds=30):
    keys, ends = [], time.monotonic() + seconds
    while len(keys) < count and time.monotonic() < ends:
        keys += scanner.read(0.2)
    return codes(keys)


def test_keys_come_in_order_with_down_repeat_and_up_and_nothing_else(bus):
    bus.plug_in("event3")
    with HidScanner(name="Symbol*") as scanner:
        bus.type("event3", stroke(ecodes.KEY_4) + event(ecodes.EV_KEY, ecodes.KEY_0, REPEAT) + stroke(ecodes.KEY_ENTER))
        assert read_some(scanner, 5) == [
            (ecodes.KEY_4, DOWN),
            (ecodes.KEY_4, UP),
            (ecodes.KEY_0, REPEAT),
            (ecodes.KEY_ENTER, DOWN),
            (ecodes.KEY_ENTER, UP),
        ]


def test_a_key_tells_when_it_was_pressed_however_late_it_is_read(bus):
    bus.plug_in("event3")
    with HidScanner(name="Symbol*") as scanner:
        bus.type("event3", event(ecodes.EV_KEY, ecodes.KEY_4, DOWN, at=(7, 250_000)))
        bus.type("event3", event(ecodes.EV_SYN, ecodes.SYN_DROPPED, 0, at=(7, 500_000)))
        assert scanner.read(30) == (Key(ecodes.KEY_4, DOWN, 7.25), Key(LOST, DOWN, 7.5))


@pytest.mark.parametrize(
    "wanted",
    [
        {"name": "Honeywell*"},
        {"id": "usb-Honeywell-event-kbd"},
        {"id": "/dev/input/by-id/usb-Honey*-event-kbd"},
        {"port": "usb-0000:01:00.0-1.4"},
        {"port": "pci-0000:event2-event-kbd"},
        {"name": "Honeywell*", "port": "usb-*"},
    ],
)
def test_the_scanner_is_chosen_by_name_id_or_port(bus, wanted):
    bus.plug_in("event1")
    bus.plug_in("event2", name="Honeywell Scanner", phys="usb-0000:01:00.0-1.4/input0", id="usb-Honeywell-event-kbd")
    with HidScanner(**wanted) as scanner:
        bus.type("event1", stroke(ecodes.KEY_1))
        bus.type("event2", stroke(ecodes.KEY_2))
        assert read_some(scanner, 2) == [(ecodes.KEY_2, DOWN), (ecodes.KEY_2, UP)]


def test_all_that_is_asked_for_must_fit(bus):
    bus.plug_in("event1")
    with HidScanner(name="Symbol*", port="usb-9") as scanner, pytest.raises(DeviceError) as caught:
        scanner.read(0)
    assert caught.value.problem == "it is not there, but Symbol Bar Code Scanner"


def test_of_one_scanners_devices_the_one_that_types_is_taken(bus):
    bus.plug_in("event1", keys=[ecodes.KEY_VOLUMEUP])
    bus.plug_in("event2")
    with HidScanner(name="Symbol*") as scanner:
        bus.type("event2", stroke(ecodes.KEY_7))
        assert read_some(scanner, 2) == [(ecodes.KEY_7, DOWN), (ecodes.KEY_7, UP)]


def test_the_scanner_is_held_while_it_is_read_and_let_go_after(bus):
    bus.plug_in("event1")
    with HidScanner(name="Symbol*"):
        assert len(PipeDevice.GRABBED) == 1
        with HidScanner(name="Symbol*") as second, pytest.raises(DeviceError, match="another program holds it"):
            second.read(0)
    assert not PipeDevice.GRABBED


def test_a_pulled_scanner_is_told_of_once_and_found_again_under_another_node(bus):
    bus.plug_in("event1", id="usb-Symbol-event-kbd")
    with HidScanner(id="usb-Symbol-event-kbd") as scanner:
        bus.type("event1", stroke(ecodes.KEY_1))
        assert read_some(scanner, 2)
        bus.pull("event1")
        with pytest.raises(DeviceError, match="No such device"):
            scanner.read(30)
        assert [scanner.read(0.02) for _ in range(3)] == [()] * 3
        bus.plug_in("event9", id="usb-Symbol-event-kbd")
        bus.type("event9", stroke(ecodes.KEY_9))
        assert read_some(scanner, 2) == [(ecodes.KEY_9, DOWN), (ecodes.KEY_9, UP)]


def test_a_missing_scanner_waits_no_longer_than_asked(bus):
    with HidScanner(name="Symbol*") as scanner:
        with pytest.raises(DeviceError):
            scanner.read(0)
        began = time.monotonic()
        assert scanner.read(0.05) == ()
        assert 0.05 <= time.monotonic() - began < 30


def test_silence_waits_no_longer_than_asked(bus):
    bus.plug_in("event1")
    with HidScanner(name="Symbol*") as scanner:
        began = time.monotonic()
        assert scanner.read(0.05) == ()
        assert 0.05 <= time.monotonic() - began < 30


def test_a_hundred_thousand_keys_come_in_bounded_pieces(bus):
    bus.plug_in("event1")
    with HidScanner(name="Symbol*") as scanner:
        flood = threading.Thread(
            daemon=True, target=lambda: [bus.type("event1", stroke(ecodes.KEY_5)) for _ in range(50_000)]
        )
        flood.start()
        total, largest, ends = 0, 0, time.monotonic() + 200
        while total < 100_000 and time.monotonic() < ends:
            keys = scanner.read(30)
            total, largest = total + len(keys), max(largest, len(keys))
        flood.join(30)
    assert total == 100_000
    assert 0 < largest <= 64


def test_keys_that_the_kernel_dropped_are_told_of(bus):
    bus.plug_in("event1")
    with HidScanner(name="Symbol*") as scanner:
        bus.type("event1", event(ecodes.EV_SYN, ecodes.SYN_DROPPED, 0) + stroke(ecodes.KEY_1))
        assert read_some(scanner, 3) == [(LOST, DOWN), (ecodes.KEY_1, DOWN), (ecodes.KEY_1, UP)]


def test_no_keyboard_is_taken_without_being_named():
    with pytest.raises(ValueError, match="name, id or port"):
        HidScanner()


@pytest.mark.skipif(not os.path.exists("/dev/uinput"), reason="no /dev/uinput on this machine")
def test_a_real_keyboard_is_grabbed_read_lost_and_found_again():
    def keyboard():
        return evdev.UInput({ecodes.EV_KEY: DIGITS}, name="TQ Test Scanner")

    with keyboard() as first, HidScanner(name="TQ Test Scanner") as scanner:
        if scanner._plug._device is None:
            with pytest.raises(DeviceError):
                scanner.read(0)
        first.write(ecodes.EV_KEY, ecodes.KEY_4, DOWN)
        first.write(ecodes.EV_KEY, ecodes.KEY_4, UP)
        first.syn()
        assert read_some(scanner, 2) == [(ecodes.KEY_4, DOWN), (ecodes.KEY_4, UP)]
        with pytest.raises(OSError, match="busy"):
            scanner._plug.get(0).__class__(scanner._plug.get(0).path).grab()
        first.close()
        with pytest.raises(DeviceError):
            scanner.read(30)
        with keyboard() as second:
            ends = time.monotonic() + 30
            while scanner._plug._device is None and time.monotonic() < ends:
                scanner.read(0.5)
            second.write(ecodes.EV_KEY, ecodes.KEY_9, DOWN)
            second.syn()
            assert read_some(scanner, 1) == [(ecodes.KEY_9, DOWN)]


def test_simulated_keys_arrive_in_bounded_pieces():
    with SimKeys() as scanner:
        assert scanner.read(0) == ()
        scanner.press(Key(code, DOWN) for code in range(2, 102))
        pieces = [scanner.read(1), scanner.read(1), scanner.read(0)]
        assert [len(piece) for piece in pieces] == [64, 36, 0]
        assert [key.code for piece in pieces for key in piece] == list(range(2, 102))


def test_simulated_keys_that_nobody_reads_fill_no_memory_and_say_that_they_are_lost():
    with SimKeys() as scanner:
        scanner.press(Key(30, DOWN, 0.0) for _ in range(1_000_000))
        kept = []
        while piece := scanner.read(0):
            kept += piece
        assert len(kept) <= 65_536
        assert kept[0].code == LOST
