"""``station doctor``: everything is tried, whatever fails; each fault has its cure, and no secret is printed."""

import json
import os
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest

from core import keys
from drivers.frame import Frame
from station import cli, config
from station.config import Settings
from station.doctor import Finding, board, broker, devices, examine, hub
from station.doctor.findings import fail, ok, tried, warn
from station.errors import ConfigError
from station.journal.record import Journal

KEY = b64encode(keys.new_sealing_key()[1]).decode()
SIMULATED = "".join(
    f'[{name}]\ndriver = "sim"\n' for name in ("camera", "led", "buzzer", "display", "relay", "buttons")
)
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine's own listeners may answer late."""
    for each in (broker, hub):
        monkeypatch.setattr(each, "SECONDS", 60.0)


def settings(folder: Path, text: str = "", station: str = "") -> Settings:
    return config.read(f'[station]\nname = "gate-1"\ndata = "{folder}"\n{station}' + text)


def found(told: Settings) -> dict[str, Finding]:
    return {finding.what: finding for finding in examine(told)}


def states(findings: dict[str, Finding]) -> dict[str, str]:
    return {what: finding.state for what, finding in findings.items()}


def test_simulated_devices_are_all_tried_and_well_but_the_door_is_not_opened(tmp_path: Path):
    told = settings(tmp_path, SIMULATED + '[[scanner]]\ndriver = "sim"\n')
    seen = states(found(told))
    for what in ("scanner (hid)", "lamp", "buzzer", "display", "buttons", "relay", f"disk {tmp_path}"):
        assert seen[what] == "ok", what
    assert seen["camera"] == "warn"  # it looks at a bare wall
    shown = [one.colour for one in told.led.history]  # type: ignore[attr-defined]
    assert shown == [*devices.COLOURS, "off"]
    assert any(one.hertz for one in told.buzzer.history)  # type: ignore[attr-defined]
    assert told.relay.wait_event(0) is None


def test_each_device_that_fails_is_told_with_its_cure_and_the_rest_is_still_tried(tmp_path: Path):
    seen = found(
        settings(
            tmp_path,
            '[camera]\ndriver = "folder"\nfolder = "/nowhere"\n[[scanner]]\ndriver = "serial"\nport = "/nowhere/*"\n'
            '[led]\ndriver = "sim"\n',
        )
    )
    assert (seen["camera"].state, seen["camera"].cure) == ("fail", "name a folder that can be read")
    assert (seen["scanner (serial)"].state, seen["lamp"].state) == ("fail", "ok")
    assert seen["plugged in"].state == "ok"
    assert all(one.cure for one in seen.values() if one.state != "ok")


def test_a_running_service_keeps_its_devices_and_its_line(tmp_path: Path):
    told = settings(tmp_path, SIMULATED + mqtt(1))
    with Journal(tmp_path / "journal.db", "gate-1", keys.new_sealing_key()[1]):
        seen = found(told)
    assert (seen["devices"].state, "systemctl stop station" in seen["devices"].cure) == ("warn", True)
    assert (seen["broker"].state, "lamp" in seen) == ("ok", False)


def test_what_a_library_raises_is_a_finding_too():
    def burst() -> Iterator[Finding]:
        raise RuntimeError("camera sequence did not complete")
        yield

    (finding,) = tried("camera", burst)
    assert (finding.what, finding.state, finding.says) == (
        "camera",
        "fail",
        "RuntimeError: camera sequence did not complete",
    )


def test_a_fault_of_the_station_itself_is_told_once():
    def wrong() -> Iterator[Finding]:
        raise ConfigError("trust", ["is a file"])
        yield

    assert [one.says for one in tried("trust", wrong)] == ["trust: is a file"]


def frame(*rows: bytes) -> Frame:
    width = len(rows[0])
    return Frame(memoryview(b"".join(row + b"\xff" * 3 for row in rows)), width, len(rows), width + 3)


FRAMES = {
    "dark": (frame(bytes([10, 20] * 50)), "dark"),
    "bright": (frame(bytes([240] * 100)), "glaring"),
    "flat": (frame(bytes([120] * 100), bytes([121] * 100)), "flat"),
}


@pytest.mark.parametrize(("picture", "word"), FRAMES.values(), ids=FRAMES)
def test_a_picture_in_which_no_code_can_be_read_is_remarked(picture: Frame, word: str):
    finding = devices.judge_frame(picture)
    assert (finding.state, finding.says.rpartition(": ")[2]) == ("warn", word)


def test_a_good_picture_is_measured_without_its_padding():
    assert devices.judge_frame(frame(bytes([100, 140] * 50))) == ok("camera", "100x1, light 120 of 255, sharpness 39.6")


CLOCKS = [
    (datetime(1970, 1, 2, tzinfo=UTC), "guess", "fail"),
    (NOW, "ntp", "ok"),
    (NOW, "rtc", "warn"),
    (NOW, "guess", "warn"),
]


@pytest.mark.parametrize(("now", "source", "state"), CLOCKS)
def test_a_clock_is_judged_by_its_time_and_by_who_vouches_for_it(now: datetime, source: str, state: str):
    assert board.judge_clock(now, source).state == state


MIB = 1 << 20
ROOMS = [(9000, 1, "ok"), (9000, 95, "fail"), (10, 1, "fail"), (120, 1, "warn")]


@pytest.mark.parametrize(("free", "journal", "state"), ROOMS)
def test_room_is_judged_by_what_the_journal_may_still_take(free: int, journal: int, state: str):
    finding = board.judge_room(Path("/d"), free * MIB, journal * MIB, 100 * MIB, 64 * MIB)
    assert finding.state == state


def test_a_slow_disk_is_remarked():
    assert [board.judge_write(Path("/d"), took).state for took in (0.01, 1.0)] == ["ok", "warn"]


def test_a_data_folder_that_is_not_there_is_not_made(tmp_path: Path):
    folder = tmp_path / "none"
    assert [one.state for one in board.find_disk(settings(folder))] == ["warn"]
    assert not folder.exists()


def test_a_data_folder_that_cannot_be_written_is_a_fault(tmp_path: Path):
    folder = tmp_path / "file"
    folder.touch()
    (finding,) = board.find_disk(settings(folder))
    assert (finding.state, finding.says) == ("fail", "Not a directory")


def test_nothing_is_left_behind_on_the_disk(tmp_path: Path):
    list(board.find_disk(settings(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def mqtt(port: int, more: str = "") -> str:
    return (
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n{more}[hub]\nlookups = "mqtt"\ncheckins = "mqtt"\n'
        f'token = "t0ken"\nsealing_key = "{KEY}"\npolicy_key = "{KEY}"\n'
    )


@pytest.mark.broker
def test_a_broker_that_lets_us_in_is_well(tmp_path: Path, start_broker: Callable[..., Any]):
    (finding,) = broker.find(broker.hubs(settings(tmp_path, mqtt(start_broker().port))))
    assert (finding.state, finding.says) == ("ok", "lets this station in")


@pytest.mark.broker
def test_the_places_broker_is_tried_too_and_a_refusal_names_its_own_cure(
    tmp_path: Path, start_broker: Callable[..., Any]
):
    def place(port: int) -> str:
        return f'[place]\nhost = "127.0.0.1"\nport = {port}\npassword = "hunter2"\nplace_key = "{"A" * 42}E="\n'

    (finding,) = broker.find(broker.of_place(settings(tmp_path, place(start_broker().port), station='place = "cho"\n')))
    assert finding.state == "ok"
    refusing = settings(tmp_path, place(start_broker("allow_anonymous false").port), station='place = "cho"\n')
    told = [one for one in examine(refusing) if one.what.startswith("the place's broker")]
    assert [one.state for one in told] == ["fail"]
    assert "mosquitto_passwd" in told[0].cure
    assert "hunter2" not in str(told)


@pytest.mark.broker
def test_a_broker_that_refuses_us_says_so_and_a_token_is_not_printed(tmp_path: Path, start_broker: Callable[..., Any]):
    (finding,) = broker.find(broker.hubs(settings(tmp_path, mqtt(start_broker("allow_anonymous false").port))))
    assert (finding.state, "enrol the station" in finding.cure) == ("fail", True)
    assert "t0ken" not in str(finding)


def test_a_port_where_nobody_listens_is_told(tmp_path: Path, port: int):
    (finding,) = broker.find(broker.hubs(settings(tmp_path, mqtt(port))))
    assert (finding.state, finding.says) == ("fail", "Connection refused")


@pytest.mark.parametrize(("more", "says"), [("", "does not speak MQTT"), ("tls = true\n", "no TLS")])
def test_something_else_on_the_brokers_port_is_told(tmp_path: Path, more: str, says: str):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        answering = threading.Thread(
            target=answer_once, args=(listener, b"HTTP/1.1 400 Bad Request\r\n\r\n"), daemon=True
        )
        answering.start()
        (finding,) = broker.find(broker.hubs(settings(tmp_path, mqtt(listener.getsockname()[1], more))))
        answering.join()
    assert (finding.state, says in finding.says) == ("fail", True)


def answer_once(listener: socket.socket, answer: bytes) -> None:
    line, _ = listener.accept()
    with line, suppress(OSError):  # the doctor hangs up on what is no broker
        line.recv(1024)
        line.sendall(answer)
        line.recv(1024)


ANSWERS = {
    b"\x20\x03\x00\x00\x00": "ok",
    b"\x20\x06\x00\x00\x03\x21\x00\x14": "ok",
    b"\x20\x03\x00\x86\x00": "fail",
    b"\x20\x03\x00\xff\x00": "fail",
    b"\x20\x02\x00\x01": "warn",
    b"\x20\x02": "fail",
    b"": "fail",
}


@pytest.mark.parametrize(("answer", "state"), ANSWERS.items())
def test_a_brokers_answer_is_understood(answer: bytes, state: str):
    assert [one.state for one in broker.read_answer("broker", answer)] == [state]


def test_a_connect_packet_is_what_the_standard_says():
    assert broker.connect_packet("", "") == b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x1e\x00\x00\x00"
    long = broker.connect_packet("u" * 200, "p")
    assert long[:3] == bytes((0x10, 0xDA, 0x01))  # 13 + 202 + 3 = 218 bytes follow
    assert len(long) == 3 + 218


class Hub(BaseHTTPRequestHandler):
    """Answers GET as told."""

    status: ClassVar[int] = 404
    date: ClassVar[datetime] = NOW

    def do_GET(self) -> None:
        self.send_response_only(self.status)
        self.send_header("Date", format_datetime(self.date, usegmt=True))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Settings]:
    """The settings of a station whose hub is a listener of the test's own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield settings(
            tmp_path, f'[hub]\nurl = "{url}"\ntoken = "t0ken"\nsealing_key = "{KEY}"\npolicy_key = "{KEY}"\n'
        )
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "state", "word"), [(200, "warn", "no policy"), (404, "warn", "no policy"), (401, "fail", "token")]
)
def test_a_hub_is_judged_by_its_answer(
    listening: Settings, status: int, state: str, word: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Hub, "status", status)
    first = next(hub.find(listening))
    assert (first.state, word in first.says) == (state, True)


def test_a_hub_that_is_not_there_is_told(tmp_path: Path, port: int):
    url = f"http://127.0.0.1:{port}"
    told = settings(tmp_path, f'[hub]\nurl = "{url}"\ntoken = "x"\nsealing_key = "{KEY}"\npolicy_key = "{KEY}"\n')
    (finding,) = hub.find(told)
    assert (finding.what, finding.state) == (f"hub {url}", "fail")


def test_the_two_clocks_are_compared(listening: Settings, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Hub, "date", datetime.now(UTC) - timedelta(seconds=90))
    *_, clock = hub.find(listening)
    assert (clock.what, clock.state) == ("clock against hub", "warn")
    assert list(hub.compare_clocks(format_datetime(NOW), NOW)) == [ok("clock against hub", "agrees")]
    assert list(hub.compare_clocks("soon", NOW)) == []
    assert list(hub.compare_clocks(None, NOW)) == []


def test_the_command_prints_a_line_a_finding_and_ends_with_1_when_something_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "config.toml"
    path.write_text(f'[station]\nname = "gate-1"\ndata = "{tmp_path}"\n')
    assert cli.main(["doctor", "--config", str(path)]) == os.EX_OK
    assert capsys.readouterr().out.splitlines()[-1].endswith(", 0 fail")
    path.write_text(path.read_text() + '[camera]\ndriver = "folder"\nfolder = "/nowhere"\n' + mqtt(1))
    assert cli.main(["doctor", "--json", "--config", str(path)]) == 1
    said = capsys.readouterr().out
    told = json.loads(said)
    assert told["failed"] == 2
    assert {one["what"] for one in told["findings"] if one["state"] == "fail"} == {"camera", "broker 127.0.0.1:1"}
    assert "t0ken" not in said


def test_a_finding_is_aligned_with_its_cure_below():
    from station.commands.doctor import line

    assert line(ok("lamp", "shines")) == "ok    lamp                          shines"
    assert line(warn("a\x1b[2J", "b", "c")).splitlines() == [
        "warn  a\\x1b[2J                      b",
        "                                    -> c",
    ]
    assert line(fail("x", "y", "z")).startswith("fail  x")
