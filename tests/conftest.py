"""What tests of several parts share: free ports, a broker of one's own, and the photographs beside the checkout."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lacking import lacking
from ports import free_port, listens

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN = 60.0
"""Seconds that a started program has to listen."""

WHOLE = [ROOT / "tests" / name for name in ("crash", "e2e")]
LONGEST = 900
"""Seconds for a test of whole gates and hubs, whose processes each may take a quarter of a minute to start."""

# How long one example takes says more about the machine than about the code; tests of speed measure for themselves.
with contextlib.suppress(ImportError):  # the simulated machine of the drivers' tests draws no examples
    from hypothesis import HealthCheck, settings

    settings.register_profile("gate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("gate")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if any(map(item.path.is_relative_to, WHOLE)) and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONGEST))


@dataclass
class Broker:
    """A real mosquitto on a loopback port, with a folder of its own; ``stop`` and ``start`` keep port and sessions."""

    folder: Path
    port: int
    settings: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Return when it listens; say what mosquitto said when it does not."""
        log = self.folder / "mosquitto.log"
        lines = [
            f"listener {self.port} {self.host}",
            "set_tcp_nodelay true",
            "persistence true",
            f"persistence_location {self.folder}/",
            f"user {os.environ.get('USER', 'root') if os.geteuid() else 'root'}",
            *(self.settings or ("allow_anonymous true",)),
        ]
        (self.folder / "mosquitto.conf").write_text("\n".join([*lines, ""]))
        with log.open("ab") as said:
            self.process = subprocess.Popen(
                [find_program("mosquitto"), "-c", str(self.folder / "mosquitto.conf")], stdout=said, stderr=said
            )
        until = time.monotonic() + READY_WITHIN
        while not listens(self.port):
            if self.process.poll() is not None or time.monotonic() > until:
                self.stop()
                raise AssertionError(f"mosquitto does not listen on {self.port}: {log.read_text()}")
            time.sleep(0.01)

    def stop(self, *, hard: bool = False) -> None:
        """End it and wait for its end; ``hard`` as a power cut would."""
        if self.process is not None:
            self.process.kill() if hard else self.process.terminate()
            self.process.wait(READY_WITHIN)
            self.process = None


def find_program(*names: str) -> str:
    """The path of the first of these programs that is there, also where only root's PATH looks; see ``lacking``."""
    for name in names:
        found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
        if found is not None:
            return found
    return lacking(f"{' and '.join(names)}: not installed")


@pytest.fixture
def program() -> Callable[..., str]:
    """Find a program by one of its names; the test is skipped on a machine without it."""
    return find_program


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """Start brokers with lines of configuration of one's own; they end with the test."""
    started: list[Broker] = []

    def start(*settings: str) -> Broker:
        folder = tmp_path / f"broker-{len(started)}"
        folder.mkdir()
        broker = Broker(folder, free_port(), settings)
        started.append(broker)
        broker.start()
        return broker

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture
def broker(start_broker: Callable[..., Broker]) -> Broker:
    """A broker that lets anyone in; ``broker.host`` and ``broker.port`` say where."""
    return start_broker()


@pytest.fixture
def port() -> int:
    """A loopback port that nobody holds right now."""
    return free_port()


@pytest.fixture(scope="session")
def photographs() -> Path:
    """The folder of test photographs with its ``truth.json``; they are no part of the project and may be absent."""
    shared = Path(os.environ.get("TQ_SHARED", ROOT.parent / "shared"))
    folder = shared / "data" / "qr"
    if not (folder / "truth.json").is_file():
        pytest.skip(f"no photographs in {folder}: set TQ_SHARED to the folder that holds data/qr")
    return folder
