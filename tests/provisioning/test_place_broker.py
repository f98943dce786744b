"""The configuration of a place's own broker, as it is given out: run by a real mosquitto, bridged to a real centre."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from lines_end import end
from ports import free_port, listens

from hub.doors.broker import Broker
from hub.stations.fleet import broker_hash

TEMPLATES = Path(__file__).resolve().parents[2] / "provisioning" / "place-broker"
PASSWORD = "twelve letters at least"
OWN, OTHER = "tq/v1/place/cho-dong-ba/seen", "tq/v1/place/ga-hue/seen"

pytestmark = pytest.mark.broker


@dataclass
class Somebody:
    """A client at one broker that hears all that it may hear."""

    port: int
    name: str
    password: str = PASSWORD
    heard: queue.Queue[tuple[str, bytes]] = field(default_factory=queue.Queue)

    def __enter__(self) -> Somebody:
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"{self.name}-test")
        self.client.username_pw_set(self.name, self.password)
        self.subscribed = False
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.on_subscribe = lambda *_: setattr(self, "subscribed", True)
        self.client.on_message = lambda _c, _d, message: self.heard.put((message.topic, message.payload))
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        wait(lambda: self.subscribed)
        return self

    def __exit__(self, *_: object) -> None:
        end(self.client)

    def say(self, topic: str, payload: bytes) -> None:
        self.client.publish(topic, payload, 1).wait_for_publish(120)

    def hears(self, payload: bytes, seconds: float = 1.0) -> bool:
        with contextlib.suppress(queue.Empty):
            while True:
                if self.heard.get(timeout=seconds)[1] == payload:
                    return True
        return False


def wait(happened: Callable[[], object], seconds: float = 180.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "centre", "127.0.0.1", 0) as broker:
        names = {"dong-ba-1": "cho-dong-ba", "dong-ba-9": "cho-dong-ba", "ga-1": "ga-hue"}
        broker.admit(dict.fromkeys(names, broker_hash(PASSWORD)), names)
        yield broker


@pytest.fixture
def port_of_place(tmp_path: Path, centre: Broker, program) -> Iterator[int]:
    """The place's broker by the two files, with what they leave open filled in as the README says."""
    port, folder = free_port(), tmp_path / "place"
    folder.mkdir()
    filled = {
        "listener 1883": f"listener {port} 127.0.0.1\nuser {os.environ.get('USER', 'root')}",
        "/etc/mosquitto": str(folder),
        "CENTRE-HOST:8883": f"127.0.0.1:{centre.port}",
        "bridge_capath": "#bridge_capath",  # the centre of a test has no certificate
        "STATION": "dong-ba-1",
        "TOKEN": PASSWORD,
        "PLACE": "cho-dong-ba",
    }
    for name in ("place.conf", "place-access"):
        text = (TEMPLATES / name).read_text("utf-8")
        for blank, value in filled.items():
            text = text.replace(blank, value)
        (folder / name).write_text(text)
    (folder / "place-passwords").write_text("".join(f"{name}:{broker_hash(PASSWORD)}\n" for name in ("a", "b")))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([program("mosquitto"), "-c", str(folder / "place.conf")], stdout=log, stderr=log)
    try:
        wait(lambda: listens(port) or process.poll() is not None)
        assert process.poll() is None, (folder / "log").read_text()
        yield port
    finally:
        process.terminate()
        process.wait(120)


def test_gates_hear_each_other_in_their_own_place_and_nobody_says_anything_elsewhere(port_of_place):
    with Somebody(port_of_place, "a") as a, Somebody(port_of_place, "b") as b:
        a.say(OTHER, b"elsewhere")
        a.say("tq/v1/s/a/checkins", b"a row")
        a.say(OWN, b"here")
        assert b.heard.get(timeout=120) == (OWN, b"here")


def test_nobody_is_let_in_without_a_password(port_of_place):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    refused: queue.Queue[bool] = queue.Queue()
    client.on_connect = lambda _c, _d, _f, reason, _p: refused.put(reason.is_failure)
    client.connect("127.0.0.1", port_of_place)
    client.loop_start()
    assert refused.get(timeout=120)
    end(client)


def test_a_gate_at_the_centre_hears_its_place_over_the_bridge_and_is_heard_there_and_no_other_place_is(
    port_of_place, centre
):
    with (
        Somebody(port_of_place, "a") as a,
        Somebody(centre.port, "dong-ba-9") as far,
        Somebody(centre.port, "ga-1") as stranger,
    ):
        wait(lambda: a.say(OWN, b"from the place") or far.hears(b"from the place"))
        far.say(OWN, b"from afar")
        assert a.hears(b"from afar", 120)
        assert a.heard.empty()
        stranger.say(OWN, b"from a stranger")
        far.say(OWN, b"last")
        assert a.heard.get(timeout=120) == (OWN, b"last")  # and nothing of the stranger's before it
        assert stranger.heard.empty()


def test_the_place_goes_on_without_the_centre(port_of_place, centre):
    centre.__exit__(None, None, None)
    with Somebody(port_of_place, "a") as a, Somebody(port_of_place, "b") as b:
        a.say(OWN, b"alone")
        assert b.hears(b"alone", 120)
