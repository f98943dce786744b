"""A busy station: what it reads late is what the scanner sent, never a piece of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import tty

import pytest

from drivers.scanner_serial import SerialScanner
from drivers.scanner_stdin import StdinScanner
from station.arrivals import Arrivals
from station.clock import Clock
from station.outfit import _lines
from station.settings import Scanner
from station.sources import Captures, ScannerLoop

SECONDS = 60
CARD = "046093000001||Nguyễn Văn Ánh|01011993|Nam|Tổ 3, Phường Phú Hội, Thành phố Huế, Thừa Thiên Huế|02022021"

READER = """
import sys
from drivers.scanner_serial import SerialScanner
from station.outfit import _lines
from station.settings import Scanner

with SerialScanner(port=sys.argv[1]) as device:
    lines = _lines(Scanner(device=device))
    lines.read(0.01)
    print("ready", flush=True)
    while True:
        for line in lines.read(0.25):
            print(line.data.decode(), flush=True)
"""


class Running:
    """A scanner's loop into a gate's short queue, and the gate's end of it, which takes one capture at a time."""

    def __init__(self, device):
        into = Captures()
        self._arrivals = Arrivals(into)
        self._stop = threading.Event()
        loop = ScannerLoop(_lines(Scanner(device=device)), into, Clock(), 1)
        self._thread = threading.Thread(target=loop.run, args=(self._stop,), daemon=True)
        self._thread.start()

    def next(self) -> bytes:
        together = self._arrivals.next(SECONDS)
        assert isinstance(together, tuple)
        self._arrivals.took(1)
        return together[0].data

    def close(self) -> None:
        self._stop.set()
        self._thread.join(SECONDS)


@pytest.fixture
def piped():
    out, into = os.pipe()
    running = Running(StdinScanner(descriptor=out))
    yield running, into
    running.close()
    os.close(out)


def test_a_thousand_numbers_piped_in_fast_are_a_thousand_scans_whatever_the_gate_waits_for(piped):
    running, into = piped
    sent = [b"046093%06d" % number for number in range(1000)]
    writer = threading.Thread(target=os.write, args=(into, b"".join(number + b"\n" for number in sent)))
    writer.start()
    read = []
    for number in range(1000):
        if number % 300 == 150:
            time.sleep(0.3)  # the hub's deadline, say
        read.append(running.next())
    writer.join()
    os.close(into)
    assert read == sent


def test_a_pipe_that_pauses_within_a_line_goes_on_with_it(piped):
    running, into = piped
    os.write(into, b"046093")
    time.sleep(0.6)
    os.write(into, b"000001\n")
    assert running.next() == b"046093000001"
    os.close(into)


def test_the_last_line_of_a_pipe_needs_no_newline(piped):
    running, into = piped
    os.write(into, b"046093000001")
    os.close(into)
    assert running.next() == b"046093000001"


def test_a_card_scanned_while_the_station_is_stopped_is_one_scan():
    """Only if it is stopped at once: where this machine is too busy for that, the scanner itself paused."""
    assert any(read_over_a_stop() == CARD + "\n" for _ in range(5))


def read_over_a_stop() -> str:
    """The first line of a reader that is stopped in the middle of a card."""
    scanner, line = os.openpty()
    tty.setraw(line)
    arguments = [sys.executable, "-c", READER, os.ttyname(line)]
    station = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert station.stdout is not None
    try:
        assert station.stdout.readline() == "ready\n"
        data = CARD.encode() + b"\r"
        os.write(scanner, data[:10])
        time.sleep(0.02)
        station.send_signal(signal.SIGSTOP)
        os.write(scanner, data[10:60])
        time.sleep(0.3)
        station.send_signal(signal.SIGCONT)
        os.write(scanner, data[60:])
        return station.stdout.readline()
    finally:
        station.kill()
        station.wait()
        station.stdout.close()
        os.close(scanner)
        os.close(line)


def test_a_serial_scan_that_the_gate_had_no_time_for_is_one_scan():
    scanner, line = os.openpty()
    tty.setraw(line)
    with SerialScanner(port=os.ttyname(line)) as device:
        lines = _lines(Scanner(device=device))
        os.write(scanner, b"046093")
        assert lines.read(0.01) == ()
        time.sleep(0.25)
        os.write(scanner, b"000001\r")
        assert [one.data for one in lines.read(0.25)] == [b"046093000001"]
    os.close(scanner)
    os.close(line)


def test_scans_without_an_end_of_their_own_stay_apart_while_the_gate_is_busy():
    """Only if they are read in time: where this machine stands still between two, nobody hears the silence."""
    sent = [b"046093%06d" % number for number in range(6)]
    assert any(read_with_a_busy_gate(sent) == sent for _ in range(5))


def read_with_a_busy_gate(sent: list[bytes]) -> list[bytes]:
    """What is read of scans that come one after the other, when the gate takes none before the last."""
    scanner, line = os.openpty()
    tty.setraw(line)
    with SerialScanner(port=os.ttyname(line)) as device:
        running = Running(device)
        for number in sent:
            os.write(scanner, number)
            time.sleep(0.8)  # as long as a hand needs, eight times what ends a scan
        read: list[bytes] = []
        while sum(map(len, read)) < sum(map(len, sent)):
            read.append(running.next())
        running.close()
    os.close(scanner)
    os.close(line)
    return read
