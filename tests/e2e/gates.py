"""A hub and a gate of its own as real processes, for tests that stand between them."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from ports import free_port

from hub.config import Settings
from hub.opening import open_store
from hub.storage.keyring import Keyring
from hub.storage.store import Store

BIN = Path(sys.executable).parent
PLACE = "cho-dong-ba"
WITHIN = 180.0
"""Seconds in which something must have happened, also where two cores have much else to do."""

DEVICES = """
[[scanner]]
driver = "stdin"
[led]
driver = "sim"
[display]
driver = "sim"
"""


def number(person: int) -> str:
    return f"046090{person + 1:06}"


def wait(happened: Callable[[], object], seconds: float = WITHIN) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


@dataclass
class Centre:
    """The hub, its broker and its data, on ports that stay the same when it is started again."""

    folder: Path
    http: str = field(default_factory=lambda: str(free_port()))
    mqtt: str = field(default_factory=lambda: str(free_port()))
    process: subprocess.Popen[bytes] | None = None
    database: str = ""  # its URL; without one the hub has its own file
    settings: str = ""  # more of hub.toml
    broker: tuple[str, ...] = ()  # words for `hub serve` when the broker is not the hub's own
    prefix: tuple[str, ...] = ()  # what runs the processes, as `ip netns exec NAME` does

    def run(self, *words: str, code: int = 0, typed: str = "", seconds: float = WITHIN) -> str:
        command = [BIN / "hub", *words, "--data", self.folder, *self.configured()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, input=typed)
        assert done.returncode == code, done.stderr
        return done.stdout

    def start(self) -> None:
        before = self.connections()
        ready = self.launch()
        wait(lambda: (ready.exists() and ready.read_text() != "") or self.process.poll() is not None)
        said = json.loads(ready.read_text())
        assert (said["http"], said["mqtt"]) == (f"127.0.0.1:{self.http}", f"127.0.0.1:{self.mqtt}")
        wait(lambda: self.connections() > before)  # it is ready also while its broker is slow to let it in

    def connections(self) -> int:
        """How often the hub has said that its broker let it in."""
        log = self.folder / "hub.log"
        return log.read_bytes().count(b'"broker connected"') if log.exists() else 0

    def launch(self) -> Path:
        """Starts it without waiting; the file that will be there when it is ready."""
        ready = self.folder / "ready.json"
        ready.unlink(missing_ok=True)
        words = ["serve", "--data", self.folder, "--port", self.http]
        words += self.broker or ("--broker", "--broker-port", self.mqtt)
        words += self.configured()
        with (self.folder / "hub.log").open("ab") as log:
            command = [*self.prefix, BIN / "hub", *words, "--ready", ready]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        return ready

    def configured(self) -> list[str]:
        """The words that name hub.toml, when there is one."""
        named = f"database = {json.dumps(self.database)}\n" if self.database else ""
        if not named + self.settings:
            return []
        self.folder.mkdir(exist_ok=True)
        (self.folder / "hub.toml").write_text(named + self.settings)
        return ["--config", str(self.folder / "hub.toml")]

    def opened(self) -> tuple[Store, Keyring]:
        """Its database and keys, beside the running hub."""
        return open_store(Settings(data=str(self.folder), database=self.database))

    def lose(self, aside: Path, database: str) -> None:
        """Its data are gone, all but what lies aside; the next hub has an empty database, or a file of its own."""
        self.stop(signal.SIGKILL)
        self.folder.rename(aside)
        self.database = database

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(WITHIN)
            self.process = None

    def every(self, station: str) -> list[dict]:
        """All rows that the hub holds of a station."""
        lines = self.run("export", "checkins", "--json", "--station", station).splitlines()
        return [row.get("row", row) for row in map(json.loads, lines)]

    def rows(self, station: str) -> list[dict]:
        """The rows of what happened at the gate: an amendment comes whenever the board learns what time it was."""
        return [row for row in self.every(station) if row.get("type") != "amendment"]

    def counted(self, station: str) -> int:
        """How many such rows lie in the hub's database, seen at once; what they are worth, ``rows`` tells."""
        lacks = "position(:what IN raw) = 0" if self.database else "NOT instr(raw, :what)"
        question = sa.text(f"SELECT count(*) FROM journal_rows WHERE station = :station AND {lacks}")
        url = self.database or f"sqlite:///file:{self.folder}/hub.sqlite?mode=ro&uri=true&timeout=30"
        with sa.create_engine(url, poolclass=sa.NullPool).connect() as connection:
            found: int = connection.scalar(question, {"station": station, "what": b'"type":"amendment"'})
            return found

    def publish(self, **rules: object) -> int:
        """Publishes a policy for venues; its version."""
        now = datetime.now(UTC).isoformat()
        policy = {"version": 1, "issued": now, "effective": now, "gates": {"venue": rules}}
        file = self.folder / "policy.json"
        file.write_text(json.dumps(policy))
        version: int = json.loads(self.run("policy", "publish", str(file), "--next", "--json"))["version"]
        return version


@dataclass
class Gate:
    """One `station run` with a scanner on its standard input."""

    config: Path
    process: subprocess.Popen[str] | None = None
    log: list[dict] = field(default_factory=list)
    done: queue.Queue = field(default_factory=queue.Queue)
    prefix: tuple[str, ...] = ()

    def start(self) -> Gate:
        self.process = subprocess.Popen(
            [*self.prefix, BIN / "station", "run", "--config", self.config],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self.reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self.reader.start()
        wait(lambda: any(line["message"] == "ready" for line in self.log))
        return self

    def _read(self, process) -> None:
        for line in process.stderr:
            if not line.endswith("\n"):
                continue  # torn by a kill
            told = json.loads(line)
            self.log.append(told)
            if told["message"] == "presentation":
                self.done.put(told)

    def show(self, text: str) -> dict:
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        return self.done.get(timeout=WITHIN)

    def told(self, message: str) -> bool:
        return any(message in line["message"] for line in self.log)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(WITHIN)
            self.reader.join(WITHIN)
            self.process.stdin.close()
            self.process.stderr.close()
            self.process = None
            self.log.clear()

    def wait_for_policy(self, version: int = 1) -> None:
        """Until it has taken this policy or a later one, since it was started last."""
        wait(lambda: any(line["message"] == "policy taken" and line["version"] >= version for line in self.log))


def held_once(centre: Centre, station: str, count: int) -> bool:
    if centre.counted(station) < count:
        return False
    rows = centre.every(station)
    happened = [row for row in rows if row.get("type") != "amendment"]
    return [row["seq"] for row in rows] == list(range(1, len(rows) + 1)) and len(happened) == count


def furnish(centre: Centre, people: int = 60) -> None:
    """Places, people who declared yesterday, and a policy."""
    area = {"edition": "63", "province": "46", "district": "474", "commune": "19777"}
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    everybody = [
        {
            "ref": f"p{person}",
            "name": f"Nguyễn Thử {person}",
            "identities": [{"scheme": "citizen", "value": number(person)}],
            "declarations": [{"kind": "health", "at": yesterday}],
        }
        for person in range(people)
    ]
    places = [{"code": code, "name": code, "kind": "venue", "area": area} for code in (PLACE, "ga-hue")]
    places.append({"code": "chot", "name": "Chốt", "kind": "venue", "area": area | {"district": "482", "commune": ""}})
    file = centre.folder.parent / "people.json"
    file.write_text(json.dumps({"places": places, "people": everybody}))
    centre.run("import", str(file))
    centre.publish()


def enrol(
    centre: Centre,
    folder: Path,
    name: str,
    transport: str = "mqtt",
    *,
    place: str = PLACE,
    token: str = "",
    deadline_ms: int = 10_000,
    http: int = 0,
    mqtt: int = 0,
    more: str = "",
) -> Gate:
    """A gate known to the hub, with its data in ``folder``; ``http``, ``mqtt``: ports other than the hub's."""
    url = f"http://127.0.0.1:{http or centre.http}"
    sheet = json.loads(centre.run("station", "add", name, "--place", place, "--url", url, "--json"))
    hub = sheet["hub"] | ({"token": token} if token else {})
    config = folder.with_suffix(".toml")
    config.write_text(
        f'[station]\nname = "{name}"\nplace = "{place}"\ndata = "{folder}"\n'
        f'[hub]\nurl = "{url}"\nlookups = "{transport}"\ncheckins = "{transport}"\ntoken = "{hub["token"]}"\n'
        f'deadline_ms = {deadline_ms}\nsealing_key = "{hub["sealing_key"]}"\npolicy_key = "{hub["policy_key"]}"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {mqtt or centre.mqtt}\n{DEVICES}{more}'
    )
    config.chmod(0o600)
    return Gate(config)
