"""A hub of the benches' own on either database: furnished in this process, served in one of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bench import population
from bench.centre import PLACE
from bench.databases import Postgres, installed
from core.model import Area, GateKind
from hub.config import Settings
from hub.opening import open_store
from hub.register import registry
from hub.register.people import PeopleFile, PlaceRecord
from hub.stations.fleet import add_station
from hub.storage.keyring import Keyring

MARKET = PlaceRecord(PLACE, "Chợ Đông Ba", GateKind.VENUE, Area("63", "46", "474", "19777"))
SECONDS = 60.0


@dataclass(frozen=True)
class Furnished:
    """A hub's folder with people and stations in its database; ``tokens`` by station."""

    settings: Settings
    ring: Keyring
    tokens: dict[str, str]

    @property
    def file(self) -> Path:
        """The database file, if it is one."""
        return self.settings.folder / "hub.sqlite"


def furnish(
    folder: Path, database: str, stations: tuple[str, ...], people: int, told: Callable[[str], None]
) -> Furnished:
    """A new hub with this many synthetic people; ``database`` empty: a file in its folder."""
    shutil.rmtree(folder, ignore_errors=True)
    own = furnish(folder / "people", "", (), people, told) if database else None
    settings = Settings(data=str(folder), database=database)
    if own is not None:  # the people are sealed with its keys
        shutil.copytree(own.settings.folder / "keys", folder / "keys")
    store, ring = open_store(settings)
    registry.import_people(store, ring, PeopleFile((MARKET,)))
    with store.writing() as connection:
        tokens = {name: add_station(connection, name, PLACE, None, population.NOW) for name in stations}
    store.close()
    if own is not None:
        population.copy(own.file, settings.database_url)
        shutil.rmtree(own.settings.folder)
    else:
        population.fill(settings.folder / "hub.sqlite", ring, people, told)
    return Furnished(settings, ring, tokens)


@contextlib.contextmanager
def serving(hub: Furnished, broker: int = 0) -> Iterator[tuple[str, int]]:
    """The hub's process until the block ends: where it answers HTTP, and its number."""
    folder = hub.settings.folder
    ready, config, log = folder / "ready.json", folder / "hub.toml", folder / "hub.log"
    config.write_text(f'data = "{folder}"\ndatabase = "{hub.settings.database}"\n[http]\nport = 0\n')
    ready.unlink(missing_ok=True)
    mqtt = ["--mqtt", f"127.0.0.1:{broker}"] if broker else []
    command = [sys.executable, "-m", "hub", "serve", "--config", config, "--ready", ready, *mqtt]
    with log.open("ab") as output, running(command, stderr=output) as process:
        wait(ready.exists, process, log)
        yield json.loads(ready.read_text())["http"], process.pid


@contextlib.contextmanager
def running(
    command: list[Any], stdout: int | None = None, stderr: int | IO[bytes] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    with subprocess.Popen(command, stdout=stdout, stderr=stderr) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def wait(holds: Callable[[], object], process: subprocess.Popen[bytes], log: Path | None = None) -> None:
    """Waits until something holds that a process is to bring about; ends the bench when that process ends."""
    until = time.monotonic() + SECONDS
    while not holds():
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"{process.args!r} is not ready: {log.read_text()[-2000:] if log else ''}")
        time.sleep(0.02)


@contextlib.contextmanager
def broker(folder: Path) -> Iterator[int]:
    """A mosquitto that lets everybody in, with the queues of the hub's own one; its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    conf = folder / "mosquitto.conf"
    conf.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_inflight_messages 200\n"
        "max_queued_messages 10000\npersistence false\nlog_type error\n"
    )
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    with running([program, "-c", conf], stderr=subprocess.DEVNULL) as process:
        wait(lambda: _answers(port), process)
        yield port


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def databases(told: Callable[[str], None]) -> Iterator[dict[str, Callable[[str], str]]]:
    """What there is to measure on: for each kind of database what makes one of a name."""
    if not installed():
        told("NOT MEASURED on PostgreSQL: it is not installed; provisioning/setup.sh dev installs it")
        yield {"SQLite": lambda _name: ""}
        return
    with Postgres() as server:
        yield {"SQLite": lambda _name: "", "PostgreSQL": server.make}
