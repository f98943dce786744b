"""A whole station when things around it go wrong: the hub's words, the disk, a second start, an end in the middle."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from loopback_hub import Hub, answer_with
from rig import SEALING, SIGNING, Registry, Rig, now

from core import keys, wire
from core.model import DestinationGroup, EntryGroup, HealthGroup, Outcome, Reason, Standing
from station.journal.reading import JournalReader

AN, BINH = "046090000001", "046090000002"
EDGES = (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC))


@pytest.fixture
def registry() -> Registry:
    fine = Standing("aa" * 16, now(), health=HealthGroup(now()))
    return Registry({AN: fine, BINH: Standing("bb" * 16, now(), health=HealthGroup(now(), ("fever",)))})


@pytest.fixture
def rig(tmp_path: Path, registry: Registry) -> Iterator[Rig]:
    rig = Rig(tmp_path / "data", registry)
    yield rig
    rig.close()


@pytest.mark.parametrize("at", EDGES)
def test_dates_at_the_edge_of_the_calendar_are_an_outcome_and_do_not_end_the_gate(rig, registry, at):
    registry.people["046090000009"] = Standing(
        "cc" * 16, at, health=HealthGroup(at), entry=EntryGroup(at, at), destination=DestinationGroup(at, "dong-ba")
    )
    assert rig.scan("046090000009").outcome is Outcome.WARN
    assert rig.scan(AN).outcome is Outcome.PASS


def test_a_journal_that_cannot_record_alarms_for_as_long_as_it_cannot_though_nobody_comes(tmp_path, registry):
    registry.down = True
    rig = Rig(tmp_path, registry, more="[journal]\nmax_bytes = 262144\nkeep_days = 0\n")
    try:
        number = 0
        while (done := rig.scan(f"046{number:09}")).outcome is not Outcome.FAULT:
            number += 1
        assert done.reasons == (Reason.JOURNAL_FULL,)
        for _ in range(25):  # longer than the alarm of one presentation, with the figures looked at several times
            time.sleep(0.2)
            assert rig.station.journal.trouble is not None
        assert rig.station.panel.face.colour == "red"
        registry.down = False
        rig.station.sync.carrier._pause.end()  # which has grown with every failure
        rig.wait(lambda: rig.station.journal.backlog().rows == 0, 60)
        rig.station.sync._erase_next = 0.0
        rig.wait(lambda: rig.station.journal.trouble is None)
        rig.wait(lambda: rig.station.panel.face.colour == "off")
    finally:
        rig.close()


def test_the_guards_button_never_decides_about_the_person_before_a_fault(rig, tmp_path):
    assert rig.scan(BINH).outcome is Outcome.WARN
    with closing(sqlite3.connect(tmp_path / "data" / "journal.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # somebody else's program keeps the file locked
        assert rig.scan(AN).outcome is Outcome.FAULT
        other.execute("ROLLBACK")
    other.close()
    rig.settings.buttons.press("admitted")
    rig.wait(lambda: rig.station.journal.trouble is None)
    assert rig.scan(AN).outcome is not Outcome.FAULT
    assert "decision" not in [row.type for row in rig.rows]


class Process:
    """``station run`` as systemd starts it, with codes on standard input."""

    def __init__(self, folder: Path, url: str) -> None:
        folder.mkdir(exist_ok=True)
        self.data = folder / "data"
        config = folder / "config.toml"
        config.write_text(
            f"""
[station]
name = "gate-1"
place = "dong-ba"
data = "{self.data}"
[hub]
url = "{url}"
token = "token"
sealing_key = "{keys.encode_key(SEALING)}"
policy_key = "{keys.encode_key(SIGNING)}"
deadline_ms = 3000
[[scanner]]
driver = "stdin"
"""
        )
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "station", "run", "--config", str(config)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            self.lines.append(line)

    def wait(self, happened, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < until, "".join(self.lines)
            time.sleep(0.01)

    def wait_until_ready(self) -> None:
        self.wait(lambda: any('"ready"' in line for line in self.lines))

    def show(self, code: str) -> None:
        self.process.stdin.write(code + "\n")
        self.process.stdin.flush()

    def end(self, seconds: float = 60.0) -> int:
        try:
            return self.process.wait(seconds)
        finally:
            self.process.kill()
            self.process.wait()
            self._reader.join(30)
            self.process.stdin.close()
            self.process.stderr.close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub(answer_with(b"{}", "503 Service Unavailable"))
    yield hub
    hub.close()


def test_a_second_service_on_one_data_folder_ends_at_once_and_says_why(tmp_path, hub):
    first = Process(tmp_path, hub.url)
    first.wait_until_ready()
    second = Process(tmp_path, hub.url)
    assert second.end() == 75
    assert "another station service is using it" in second.lines[-1]
    assert second.lines[-1].startswith("station: ")
    first.process.send_signal(signal.SIGTERM)
    assert first.end() == 0


def test_a_signal_in_the_middle_of_a_presentation_lets_it_be_recorded_and_ends_the_service(tmp_path, hub):
    asked, go_on = threading.Event(), threading.Event()

    def slowly(line, request):
        if b"/v1/lookup" in request:
            asked.set()
            go_on.wait(60)
        answer_with(wire.encode(wire.Answer(None, now())))(line, request)

    hub.behave = slowly
    gate = Process(tmp_path, hub.url)
    gate.wait_until_ready()
    gate.show(AN)
    assert asked.wait(60)
    gate.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    go_on.set()
    assert gate.end() == 0
    assert len(JournalReader(gate.data / "journal.db").latest(10)) == 1
    assert any('"presentation"' in line for line in gate.lines)
    assert AN not in "".join(gate.lines)


def test_a_hub_that_never_says_anything_does_not_hold_up_the_end(tmp_path, hub):
    end = threading.Event()
    hub.behave = lambda line, request: end.wait(100)
    gate = Process(tmp_path, hub.url)
    gate.wait_until_ready()
    gate.wait(lambda: hub.requests)
    begun = time.monotonic()
    gate.process.send_signal(signal.SIGTERM)
    try:
        assert gate.end() == 0
        assert time.monotonic() - begun < 60
    finally:
        end.set()
