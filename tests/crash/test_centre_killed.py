"""Hub, broker and database are killed at random moments while stations send: nothing is lost and nothing twice.

Fifty stations under ``make crash``, a few by itself.  What dies is started again a little later, as systemd would.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gates import Centre, furnish
from hub_stand import OpenBroker
from load import Battered, Crowd, asked, drained, enrol_battered, whole
from postgres_stand import DURABLE, Postgres

STATIONS = asked("STATIONS", 3)
KILLS = asked("KILLS", 6)


class Fed(threading.Thread):
    """Holds codes up to one station until it is told to stop."""

    def __init__(self, gate: Battered, first: int, pause: float) -> None:
        super().__init__(daemon=True)
        self.gate, self.crowd, self.pause, self.ended = gate, Crowd(first), pause, threading.Event()

    def run(self) -> None:
        while not self.ended.wait(self.pause):
            self.gate.show(self.crowd.number())

    def end(self) -> None:
        self.ended.set()
        self.join(120)


@pytest.fixture
def database():
    """A PostgreSQL that forgets nothing it has committed."""
    with Postgres(DURABLE) as server:
        yield server


@pytest.fixture
def broker(tmp_path: Path):
    """A broker beside the hub, that keeps nothing when it is killed."""
    broker = OpenBroker(tmp_path).start()
    yield broker
    broker.stop()


def systemd(centre: Centre, stop: threading.Event) -> threading.Thread:
    """Starts the hub again whenever it is not there."""

    def watch() -> None:
        while not stop.wait(0.5):
            if centre.process is not None and centre.process.poll() is not None:
                centre.launch()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    return thread


@pytest.mark.broker
@pytest.mark.timeout(1200 + 30 * KILLS + 10 * STATIONS)
def test_nothing_is_lost_or_doubled_though_hub_broker_and_database_are_killed(tmp_path, database, broker, luck):
    centre = Centre(tmp_path / "hub", mqtt=str(broker.port))
    centre.folder.mkdir()
    centre.database = database.lend()
    centre.broker = ("--mqtt", f"127.0.0.1:{broker.port}")
    furnish(centre)
    names = [f"gate-{each}" for each in range(1, STATIONS + 1)]
    gates = [
        enrol_battered(centre, tmp_path / name, name, "mqtt" if place % 3 else "http", deadline_ms=800)
        for place, name in enumerate(names)
    ]
    centre.start()
    stop = threading.Event()
    watch = systemd(centre, stop)
    fed = [Fed(gate.start(), 1_000_000 * place, 0.05 * STATIONS) for place, gate in enumerate(gates, start=1)]
    try:
        for each in fed:
            each.start()
        kills: list[Callable[[], None]] = [
            lambda: centre.process.send_signal(signal.SIGKILL),
            lambda: _broker_killed(broker),
            database.kill,
        ]
        for turn in range(KILLS):
            time.sleep(luck.uniform(0.5, 4.0))
            kills[turn % 3 if turn < 3 else luck.randrange(3)]()
        for each in fed:
            each.end()
        for gate in gates:
            gate.settle(300)  # or it records one more after it was looked at
            drained(centre, gate, 300)
    finally:
        for each in fed:
            each.end()
        for gate in gates:
            gate.kill()
        stop.set()
        watch.join(120)
        centre.stop(signal.SIGKILL)
    for gate in gates:
        assert gate.lit, f"{gate.name} recorded nothing"
        whole(centre, gate)


def _broker_killed(broker: OpenBroker) -> None:
    broker.stop()
    time.sleep(0.5)
    broker.start()
    assert isinstance(broker.process, subprocess.Popen)
