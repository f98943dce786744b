"""The loops: a death ends the service naming itself, the watchdog is fed by work alone, and an end is an end."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from station import service
from station.logs import JsonFormatter
from station.service import Service, Sight, stopped_by_signals

SOMEBODY = "046090000001"


class Waits:
    """A loop that does nothing until it is stopped."""

    def __init__(self, name: str = "camera") -> None:
        self.name = name

    def run(self, stop: threading.Event) -> None:
        stop.wait(30)


class Does:
    """A loop that does one thing."""

    def __init__(self, what: Callable[[], None]) -> None:
        self.name, self._what = "scanner 1 (hid)", what

    def run(self, stop: threading.Event) -> None:
        self._what()


def bug() -> None:
    raise KeyError(SOMEBODY)


def rest() -> None:
    time.sleep(0.01)


@pytest.fixture
def told(tmp_path: Path, monkeypatch) -> Iterator[socket.socket]:
    """systemd's end of the line."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "notify"))
        line.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield line


def start(running: Service) -> tuple[threading.Thread, list[int]]:
    codes: list[int] = []
    thread = threading.Thread(target=lambda: codes.append(running.run()), daemon=True)
    thread.start()
    return thread, codes


def test_systemd_hears_ready_then_the_watchdog_from_the_work_then_stopping(told, monkeypatch):
    monkeypatch.setattr(service, "_FEED_EVERY", 0.05)
    running = Service(rest, [Waits()])
    thread, codes = start(running)
    assert told.recv(100) == b"READY=1"
    assert [told.recv(100) for _ in range(3)] == [b"WATCHDOG=1"] * 3
    running.stop.set()
    said = told.recv(100)  # before the end is waited for: the socket holds but a few that nobody has read
    while said == b"WATCHDOG=1":
        said = told.recv(100)
    thread.join(30)
    assert (said, codes) == (b"STOPPING=1", [0])


def test_ready_is_told_when_something_can_be_read_and_not_before(told):
    sight = [Sight(False, "waits for camera")]
    running = Service(rest, [Waits()], sight=lambda: sight[0])
    thread, _ = start(running)
    assert told.recv(100) == b"STATUS=waits for camera"
    told.settimeout(0.2)
    with pytest.raises(TimeoutError):
        told.recv(100)
    told.settimeout(30)
    sight[0] = Sight(True, "reads with camera")
    assert told.recv(100) == b"READY=1\nSTATUS=reads with camera"
    running.stop.set()
    thread.join(30)


def test_a_device_that_never_says_anything_holds_ready_up_for_a_while_only(told, monkeypatch):
    monkeypatch.setattr(service, "_READY_WITHIN", 0.6)
    running = Service(rest, [Waits()], sight=lambda: Sight(False, "waits for camera"))
    begun = time.monotonic()
    thread, _ = start(running)
    said = told.recv(100)
    assert b"STATUS=waits for camera" in said
    if b"READY=1" not in said:  # as it is unless this machine has let the while pass before the first word
        assert told.recv(100) == b"READY=1"
    assert time.monotonic() - begun >= 0.6
    running.stop.set()
    thread.join(30)


def test_systemd_hears_when_what_is_read_with_has_changed(told, monkeypatch):
    monkeypatch.setattr(service, "_FEED_EVERY", 0.2)
    sight = [Sight(True, "reads with camera")]
    running = Service(rest, [Waits()], sight=lambda: sight[0])
    thread, _ = start(running)
    assert told.recv(100) == b"READY=1\nSTATUS=reads with camera"
    sight[0] = Sight(True, "without camera: it was\nunplugged")
    said = told.recv(100)
    while said == b"WATCHDOG=1":
        said = told.recv(100)
    assert said == b"WATCHDOG=1\nSTATUS=without camera: it was unplugged"
    running.stop.set()
    thread.join(30)


def test_a_gate_that_is_stuck_feeds_no_watchdog(told, monkeypatch):
    monkeypatch.setattr(service, "_FEED_EVERY", 0.0)
    go_on = threading.Event()
    running = Service(lambda: go_on.wait(30) and None, [Waits()])
    thread, _ = start(running)
    assert told.recv(100) == b"READY=1"
    told.settimeout(0.3)
    with pytest.raises(TimeoutError):
        told.recv(100)
    running.stop.set()
    go_on.set()
    thread.join(30)


def test_an_abstract_address_of_systemd_is_understood(monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"\0tram-quet-test-{os.getpid()}")
        line.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@tram-quet-test-{os.getpid()}")
        service.notify("READY=1")
        assert line.recv(100) == b"READY=1"


def died_of(caplog) -> list[str]:
    return [record.loop for record in caplog.records if record.levelno == logging.CRITICAL]


def library_thread() -> None:
    threading.Thread(target=bug, name="paho", daemon=True).start()


@pytest.mark.parametrize(
    ("turn", "loops", "culprit"),
    [
        (rest, [Waits(), Does(bug)], "scanner 1 (hid)"),
        (rest, [Waits(), Does(lambda: None)], "scanner 1 (hid)"),  # a loop that ends without being told to
        (bug, [Waits()], "gate"),
        (rest, [Does(lambda: (library_thread(), time.sleep(10)))], "paho"),
    ],
    ids=["a loop", "a loop that ends", "the gate", "a library's thread"],
)
def test_whatever_dies_ends_the_service_with_70_naming_itself(turn, loops, culprit, caplog, monkeypatch):
    monkeypatch.setattr(service, "_JOIN_WITHIN", 0.1)
    hook = threading.excepthook
    running = Service(turn, loops)
    assert (running.run(), running.died) == (70, culprit)
    assert died_of(caplog)[0] == culprit
    assert threading.excepthook is hook


def test_the_log_of_a_death_says_where_and_what_kind_and_never_what_the_bug_quotes(caplog):
    Service(rest, [Does(bug)]).run()
    (record,) = [record for record in caplog.records if record.levelno == logging.CRITICAL]
    line = JsonFormatter().format(record)
    assert "KeyError" in line
    assert "in bug" in line
    assert SOMEBODY not in line


HANGS = """
import sys, threading, time
from station.service import Service
class Hangs:
    name = "camera"
    def run(self, stop): time.sleep(600)
import station.service
station.service._JOIN_WITHIN = 0.2
running = Service(lambda: time.sleep(0.01), [Hangs()])
threading.Timer(0.2, running.stop.set).start()
sys.exit(running.run())
"""


def test_a_loop_that_hangs_in_its_device_does_not_keep_the_process_from_ending():
    done = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0


def test_a_signal_only_sets_stop_and_its_old_handler_comes_back():
    stop, before = threading.Event(), signal.getsignal(signal.SIGTERM)
    with stopped_by_signals(stop):
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(30)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_interrupts_a_look_at_stop_stops_all_the_same():
    stop = threading.Event()
    with stopped_by_signals(stop):
        with stop._cond:  # held by this thread for a moment whenever it waits
            os.kill(os.getpid(), signal.SIGTERM)
            assert not stop.is_set()
        assert stop.wait(60)


def test_a_log_line_is_one_line_of_json_with_its_extras(caplog):
    logger = logging.getLogger("station.test")
    with caplog.at_level(logging.INFO):
        logger.info("two\nlines %s", "đủ dấu", extra={"reasons": ("a", "b"), "path": Path("/x"), "nothing": None})
    line = JsonFormatter().format(caplog.records[-1])
    assert "\n" not in line
    said = json.loads(line)
    assert (said["level"], said["from"], said["message"]) == ("info", "station.test", "two\nlines đủ dấu")
    assert (said["reasons"], said["path"], said["nothing"]) == (["a", "b"], "/x", None)


def test_a_traceback_tells_the_causes_in_our_own_words_only(caplog):
    from station.errors import HubUnreachable

    def both() -> None:
        try:
            raise ValueError(SOMEBODY)
        except ValueError as error:
            raise HubUnreachable("hub", "answers 500") from error

    try:
        both()
    except HubUnreachable:
        logging.getLogger("station.test").exception("so")
    line = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert line["traceback"].index("ValueError") < line["traceback"].index("HubUnreachable: hub: answers 500")
    assert SOMEBODY not in str(line)
