"""Serial scanners on real pseudo-terminals, and standard input on real pipes."""

import os
import threading
import time
import tty

import pytest

from drivers.errors import DeviceError
from drivers.scanner_serial import SerialScanner
from drivers.scanner_sim import SimBytes
from drivers.scanner_stdin import StdinScanner


class Cable:
    """A scanner's cable: a pseudo-terminal behind a link, as udev keeps one under /dev/serial/by-id."""

    def __init__(self, link):
        self._link = link
        self._scanner = None

    def plug_in(self):
        self._scanner, line = os.openpty()
        tty.setraw(line)
        self._link.symlink_to(os.ttyname(line))
        os.close(line)

    def send(self, data):
        os.write(self._scanner, data)

    def pull(self):
        self._link.unlink(missing_ok=True)
        scanner, self._scanner = self._scanner, None
        if scanner is not None:
            os.close(scanner)


@pytest.fixture
def cable(tmp_path):
    cable = Cable(tmp_path / "usb-Scanner_1-if00")
    cable.plug_in()
    yield cable
    cable.pull()


def at(cable, **options):
    return SerialScanner(port=str(cable._link), **options)


def read_until(scanner, end, seconds=30):
    data, ends = b"", time.monotonic() + seconds
    while not data.endswith(end) and time.monotonic() < ends:
        data += scanner.read(0.2)
    return data


def scan_until_read(scanner, cable, code, seconds=30):
    """Scan over and over: what was sent before the port was open again is lost, as on a real line."""
    data, ends = b"", time.monotonic() + seconds
    while code not in data and time.monotonic() < ends:
        cable.send(code)
        data += scanner.read(0.2)
    return code in data


def test_every_byte_arrives_as_it_was_sent(cable):
    everything = bytes(range(256))
    with at(cable) as scanner:
        cable.send(everything)
        assert read_until(scanner, b"\xff") == everything


def test_bytes_come_as_soon_as_they_are_there(cable):
    with at(cable) as scanner:
        cable.send(b"4006381333931\r\n")
        began = time.monotonic()
        assert scanner.read(90) == b"4006381333931\r\n"
        assert time.monotonic() - began < 60


def test_silence_waits_no_longer_than_asked(cable):
    with at(cable) as scanner:
        began = time.monotonic()
        assert scanner.read(0.05) == b""
        assert 0.05 <= time.monotonic() - began < 30


def test_a_flood_comes_in_bounded_pieces(cable):
    with at(cable) as scanner:
        flood = threading.Thread(target=cable.send, args=(b"x" * 200_000,), daemon=True)
        flood.start()
        pieces = []
        while sum(pieces) < 200_000:
            pieces.append(len(scanner.read(30)))
        flood.join()
    assert 0 < max(pieces) <= 4096
    assert sum(pieces) == 200_000


def test_a_pulled_cable_is_told_of_once_and_a_new_one_is_found(cable):
    with at(cable) as scanner:
        cable.send(b"one\r")
        assert read_until(scanner, b"\r") == b"one\r"
        cable.pull()
        with pytest.raises(DeviceError) as caught:
            scanner.read(30)
        assert caught.value.cure
        assert [scanner.read(0.02) for _ in range(3)] == [b""] * 3
        cable.plug_in()
        assert scan_until_read(scanner, cable, b"two\r")


def test_a_scanner_that_comes_later_is_found(tmp_path):
    cable = Cable(tmp_path / "usb-Late_1-if00")
    with SerialScanner(port=f"{tmp_path}/usb-*") as scanner:
        with pytest.raises(DeviceError, match="not there"):
            scanner.read(0)
        assert scanner.read(0.02) == b""
        cable.plug_in()
        assert scan_until_read(scanner, cable, b"late\r")
    cable.pull()


def test_a_port_that_another_program_holds_is_a_device_error(cable):
    with at(cable), at(cable) as second, pytest.raises(DeviceError):
        second.read(0)


def test_the_line_is_set_as_configured(cable):
    with at(cable, baud=115200, parity="even", stop_bits=2, bits=7) as scanner:
        line = scanner._plug.get(0)
        assert (line.baudrate, line.parity, line.stopbits, line.bytesize) == (115200, "E", 2, 7)


@pytest.mark.parametrize(
    "options",
    [{"port": "COM1"}, {"baud": 1}, {"bits": 9}, {"parity": "mark"}, {"stop_bits": 3}, {"flow": "dtr"}],
)
def test_a_wrong_option_is_refused_by_name_without_any_hardware(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        SerialScanner(**options)


@pytest.fixture
def pipe():
    out, into = os.pipe()
    with os.fdopen(into, "wb", buffering=0) as writer, StdinScanner(descriptor=out) as scanner:
        yield scanner, writer
    os.close(out)


def test_standard_input_gives_exact_bytes_and_waits_no_longer_than_asked(pipe):
    scanner, writer = pipe
    began = time.monotonic()
    assert scanner.read(0.05) == b""
    assert 0.05 <= time.monotonic() - began < 30
    writer.write(b"\x00\xff\r\n")
    assert scanner.read(30) == b"\x00\xff\r\n"


def test_standard_input_gives_a_flood_in_bounded_pieces(pipe):
    scanner, writer = pipe
    writer.write(b"x" * 10_000)
    assert [len(scanner.read(30)) for _ in range(3)] == [4096, 4096, 1808]


def test_the_end_of_standard_input_is_told_of_once_after_the_last_byte(pipe):
    scanner, writer = pipe
    writer.write(b"last")
    writer.close()
    assert scanner.read(30) == b"last"
    with pytest.raises(DeviceError, match="ended"):
        scanner.read(30)
    began = time.monotonic()
    assert scanner.read(0.02) == b""
    assert 0.02 <= time.monotonic() - began < 30


def test_a_descriptor_that_is_not_open_is_a_device_error():
    with StdinScanner(descriptor=987) as scanner, pytest.raises(DeviceError):
        scanner.read(0)
    with pytest.raises(ValueError, match="descriptor"):
        StdinScanner(descriptor=-1)


def test_simulated_bytes_arrive_and_a_flood_is_bounded():
    with SimBytes() as scanner:
        assert scanner.read(0) == b""
        scanner.send(b"code\r")
        assert scanner.read(30) == b"code\r"
        for _ in range(200):
            scanner.send(b"x" * 1000)
        pieces = []
        while piece := scanner.read(0):
            pieces.append(len(piece))
        assert (max(pieces), sum(pieces)) == (4096, 65_536)
