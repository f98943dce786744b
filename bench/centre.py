"""A real hub with a real broker and some synthetic people, as processes of their own, for the benches to ask."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

HUB = Path(sys.executable).with_name("hub")
PLACE = "cho-dong-ba"


@dataclass(frozen=True)
class Centre:
    """Where the hub answers; ``station`` gives a station's part of ``config.toml``."""

    folder: Path
    http: str
    mqtt: str

    def station(self, name: str, transport: str) -> str:
        """``[station]``, ``[hub]`` and ``[mqtt]`` of a newly registered station that uses one transport for all."""
        hub = json.loads(
            _hub(self.folder, "station", "add", name, "--place", PLACE, "--kind", "venue", "--json", "--url", self.http)
        )["hub"]
        host, _, port = self.mqtt.rpartition(":")
        return f"""
[station]
name = "{name}"
place = "{PLACE}"
data = "{self.folder / name}"
[hub]
url = "{self.http}"
lookups = "{transport}"
checkins = "{transport}"
token = "{hub["token"]}"
sealing_key = "{hub["sealing_key"]}"
policy_key = "{hub["policy_key"]}"
[mqtt]
host = "{host}"
port = {port}
"""


def number(person: int) -> str:
    """A citizen number for a synthetic person: Huế, male, born in 1990."""
    return f"046090{person + 1:06}"


@contextlib.contextmanager
def running(folder: Path, people: int) -> Iterator[Centre]:
    """The hub, with people who all declared yesterday and a policy without repeats, until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "people.json").write_text(json.dumps(_province(people)))
    _hub(folder, "import", str(folder / "people.json"))
    ready = folder / "ready.json"
    log = (folder / "hub.log").open("wb")
    command = [
        HUB,
        "serve",
        "--data",
        folder / "hub",
        "--port",
        "0",
        "--broker",
        "--broker-port",
        "0",
        "--ready",
        ready,
    ]
    with log, subprocess.Popen(command, stderr=log, stdout=log) as process:
        try:
            while not ready.exists() or not ready.read_text():
                if process.poll() is not None:
                    raise SystemExit(f"the hub did not start: {(folder / 'hub.log').read_text()}")
                time.sleep(0.02)
            said = json.loads(ready.read_text())
            yield Centre(folder, f"http://{said['http']}", said["mqtt"])
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(15)


def _hub(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [HUB, *words, "--data", folder / "hub"], capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    if done.returncode != 0:
        raise SystemExit(f"hub {' '.join(words)}: {done.stderr}")
    return done.stdout


def _province(people: int) -> dict[str, object]:
    now = datetime.now(UTC)
    area = {"edition": "63", "province": "46", "district": "474", "commune": "19777"}
    day = (now - timedelta(days=1)).isoformat()
    return {
        "places": [{"code": PLACE, "name": "Chợ Đông Ba", "kind": "venue", "area": area}],
        "people": [
            {
                "ref": f"p{person}",
                "name": f"Nguyễn Thử {person}",
                "identities": [{"scheme": "citizen", "value": number(person)}],
                "declarations": [{"kind": "health", "at": day}],
            }
            for person in range(people)
        ],
        "policies": [{"version": 1, "issued": day, "effective": day, "gates": {"venue": {"repeat_window": 0}}}],
    }
