"""A station makes itself known on a real broker: born whole on every connect, its last will when it dies, a goodbye."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from lines_end import end
from paho.mqtt.enums import CallbackAPIVersion

from core import keys, wire
from core.health import EXPIRES, Health
from station.broker import Broker as BrokerAddress

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0

pytestmark = pytest.mark.broker


class Ear:
    """Hears everything of one station, with what each message said of itself."""

    def __init__(self, port: int, station: str = "gate-1") -> None:
        self.heard: queue.Queue[mqtt.MQTTMessage] = queue.Queue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe(f"tq/v1/s/{station}/#", 1)
        self._client.on_message = lambda _client, _data, message: self.heard.put(message)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def next(self, leaf: str, fits: Callable[[object], bool] = lambda said: True) -> tuple[object, mqtt.MQTTMessage]:
        """The first message on a topic that fits; others are passed over."""
        until = time.monotonic() + SECONDS
        kind = wire.State if leaf == "state" else Health
        while True:
            message = self.heard.get(timeout=max(0.01, until - time.monotonic()))
            if message.topic.endswith(f"/{leaf}") and fits(said := wire.decode(message.payload, kind)):
                return said, message

    def begin_anew(self) -> None:
        """Forgets all that it has heard of a broker that is gone."""
        until = time.monotonic() + SECONDS
        while self._client.is_connected():
            assert time.monotonic() < until, "the line is still there"
            time.sleep(0.01)
        self.heard = queue.Queue()

    def close(self) -> None:
        end(self._client)


@pytest.fixture
def ear(broker) -> Iterator[Ear]:
    made = Ear(broker.port)
    yield made
    made.close()


@pytest.fixture
def station(tmp_path: Path, broker) -> Iterator[subprocess.Popen[bytes]]:
    """A whole station in a process of its own."""
    sealing, policy = keys.new_sealing_key()[1], keys.new_signing_key()[1]
    (tmp_path / "config.toml").write_text(f"""
[station]
name = "gate-1"
data = "{tmp_path}"
[hub]
lookups = "mqtt"
checkins = "mqtt"
token = "token"
sealing_key = "{keys.encode_key(sealing)}"
policy_key = "{keys.encode_key(policy)}"
[mqtt]
host = "127.0.0.1"
port = {broker.port}
[camera]
driver = "sim"
[led]
driver = "sim"
""")
    with (tmp_path / "station.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "station", "run", "--config", tmp_path / "config.toml"], cwd=ROOT, stderr=log
        )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait(SECONDS)


def test_the_whole_birth_set_is_there_again_after_a_broker_that_forgot_everything(station, broker, ear):
    state, _ = ear.next("state", lambda said: said.online)
    health, message = ear.next("health")
    assert health.session == state.session
    assert {device.name for device in health.devices} >= {"camera", "lamp"}
    assert message.properties.MessageExpiryInterval <= EXPIRES
    broker.stop(hard=True)
    for kept in broker.folder.glob("*.db*"):
        kept.unlink()
    ear.begin_anew()
    broker.start()
    again, _ = ear.next("state", lambda said: said.online)
    newer, _ = ear.next("health", lambda said: said.number > health.number)
    assert (again.session, newer.session) == (state.session, state.session)
    for leaf in ("state", "health"):
        late = Ear(broker.port)
        try:
            assert late.next(leaf)[1].retain
        finally:
            late.close()


def test_a_clean_stop_says_goodbye_itself(station, ear):
    state, _ = ear.next("state", lambda said: said.online)
    station.send_signal(signal.SIGTERM)
    assert station.wait(SECONDS) == 0
    gone, _ = ear.next("state", lambda said: not said.online)
    assert gone.session == state.session


DYING = """
import sys, time
from core import keys, wire
from core.model import GateKind
from datetime import UTC, datetime
from station.broker import Broker, Connected
from station.link import MqttHub
state = wire.State(station="gate-1", online=True, session="doomed", since=datetime.now(UTC))
broker = Broker("127.0.0.1", int(sys.argv[1]), "gate-1", "token", will_waits=int(sys.argv[2]))
hub = MqttHub(broker, "gate-1", GateKind.VENUE, keys.new_sealing_key()[1], ["all"], state, lambda: None)
with hub:
    while not any(isinstance(event, Connected) for event in hub.events()):
        time.sleep(0.01)
    hub.tell_state(state)
    time.sleep(600)
"""


def test_a_killed_stations_last_will_names_the_session_that_ended_after_its_delay(broker, ear):
    waits = 3
    process = subprocess.Popen([sys.executable, "-c", DYING, str(broker.port), str(waits)], cwd=ROOT)
    try:
        ear.next("state", lambda said: said.online)
    finally:
        killed = time.monotonic()
        process.kill()
        process.wait(SECONDS)
    gone, _ = ear.next("state", lambda said: not said.online)
    assert gone.session == "doomed"
    assert time.monotonic() - killed >= waits - 1  # mosquitto counts whole seconds
    assert BrokerAddress("host", 1883, "gate-1", "token").will_waits == 30
