"""What Home Assistant is told of the stations on a real broker: all retained, the hub's own view, nothing of people."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from contextlib import contextmanager

import paho.mqtt.client as mqtt
import pytest
from hub_stand import SECONDS, HubProcess, furnish, now, until
from lines_end import end
from paho.mqtt.enums import CallbackAPIVersion
from ports import free_port, listens

from core import wire
from core.health import BoardFigures, Health, JournalFigures
from hub.config import HomeAssistantSettings, load
from hub.doors.home_assistant import Herald
from hub.errors import ConfigError

pytestmark = pytest.mark.broker

ACCESS = """user hub
topic write homeassistant/device/#
topic read homeassistant/device/+/config
topic write tram-quet/#
user assistant
topic readwrite #
"""
DESCRIBED = "homeassistant/device/tram-quet-{}/config"


class Assistant:
    """Stands for Home Assistant: keeps what is retained on its broker, by topic."""

    def __init__(self, port: int) -> None:
        self.port, self.kept = port, dict[str, bytes]()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.username_pw_set("assistant", "assistant")
        self._client.on_connect = lambda *_: self._client.subscribe("#", 1)
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _heard(self, _client, _data, message) -> None:
        self.kept[message.topic] = bytes(message.payload)

    def publish(self, topic: str, payload: bytes) -> None:
        self._client.publish(topic, payload, 1, True).wait_for_publish(SECONDS)

    def told(self) -> dict[str, bytes]:
        """What is kept and was not taken down."""
        return {topic: said for topic, said in self.kept.copy().items() if said}  # more may come meanwhile

    def read(self, topic: str) -> dict[str, object]:
        return json.loads(self.kept.get(topic) or b"{}")

    def close(self) -> None:
        end(self._client)


@contextmanager
def house_broker(folder):
    """A mosquitto of somebody's house, where the hub may do as much as the example says."""
    folder.mkdir()
    port = free_port()
    users = folder / "users"
    users.touch(0o600)
    for user in ("hub", "assistant"):
        subprocess.run(["mosquitto_passwd", "-b", users, user, user], check=True, capture_output=True)
    (folder / "access").write_text(ACCESS)
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {users}"]
    (folder / "mosquitto.conf").write_text("\n".join([*lines, f"acl_file {folder / 'access'}", "user root", ""]))
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with subprocess.Popen([program, "-c", folder / "mosquitto.conf"], stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: listens(port), "the broker is there")
            yield port
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A hub with two stations, and an assistant on another broker, who was told of a station long gone."""
    folder = tmp_path_factory.mktemp("house")
    with house_broker(folder / "broker") as port:
        assistant = Assistant(port)
        gone = {"state_topic": "tram-quet/long-gone/state", "origin": {"name": "Trạm Quét"}}
        others = {"state_topic": "rain/gauge/state", "origin": {"name": "Rain"}}
        assistant.publish(DESCRIBED.format("long-gone"), json.dumps(gone).encode())
        assistant.publish("homeassistant/device/rain/config", json.dumps(others).encode())
        data = folder / "hub"
        pinned = furnish(data, "s1", "s2")
        (data / "word").write_text("hub\n")
        section = f'host = "127.0.0.1"\nport = {port}\nuser = "hub"\npassword_file = "{data / "word"}"\nlanguage = "en"'
        (data / "hub.toml").write_text(f"[home_assistant]\n{section}\n")
        hub = HubProcess(data, "--config", str(data / "hub.toml")).start()
        try:
            yield hub, pinned, assistant
        finally:
            if hub.process.poll() is None:
                hub.stop()
            assistant.close()


def say(hub: HubProcess, token: str, number: int, **figures: object) -> None:
    said = Health(station="s1", session="one", number=number, at=now(), up=1.0, **figures)
    assert hub.session(token).post("/v1/health", data=wire.encode(said)).status_code == 200


def test_a_station_is_described_with_all_that_is_shown_of_it_and_where_its_figures_stand(house):
    hub, pinned, assistant = house
    board = BoardFigures(temperature=61.4, under_voltage=True)
    say(hub, pinned["s1"]["token"], 1, board=board, journal=JournalFigures(backlog=40, oldest=400.2))
    until(lambda: assistant.read("tram-quet/s1/state").get("backlog") == 40, "the figures are told")
    described = assistant.read(DESCRIBED.format("s1"))
    assert described["device"]["identifiers"] == ["tram-quet-s1"]
    assert described["device"]["suggested_area"] == "Chợ Đông Ba"
    assert described["origin"]["name"] == "Trạm Quét"
    assert described["state_topic"] == "tram-quet/s1/state"
    figures = described["components"]
    own = [each["unique_id"] for each in figures.values()]
    assert len(set(own)) == len(own)
    assert all(each["platform"] in ("sensor", "binary_sensor") for each in figures.values())
    assert figures["temperature"]["unit_of_measurement"] == "°C"
    said = assistant.read("tram-quet/s1/state")
    assert {f"{{{{ value_json.{key} }}}}" for key in said} == {each["value_template"] for each in figures.values()}
    assert (said["online"], said["troubled"], said["temperature"], said["weak_power"]) == ("ON", "ON", 61, "ON")
    assert "40 rows wait" in said["trouble"]
    assert assistant.kept["tram-quet/s1/there"] == b"online"


def test_whether_a_station_is_there_is_the_hubs_word_and_that_it_is_not_can_be_seen(house):
    _, _, assistant = house
    until(lambda: assistant.read("tram-quet/s2/state"), "the last that is told of it")
    assert assistant.kept["tram-quet/s2/there"] == b"offline", "one never heard is not there"
    described = assistant.read(DESCRIBED.format("s2"))
    assert [each["topic"] for each in described["availability"]] == ["tram-quet/hub", "tram-quet/s2/there"]
    for key in ("online", "troubled", "trouble", "alarms"):
        assert [each["topic"] for each in described["components"][key]["availability"]] == ["tram-quet/hub"]
    assert assistant.read("tram-quet/s2/state")["online"] == "OFF"
    assert assistant.read("tram-quet/s2/state")["temperature"] is None


def test_one_that_starts_later_is_told_everything_at_once(house):
    _, _, assistant = house
    late = Assistant(assistant.port)
    try:
        until(lambda: set(late.told()) >= set(assistant.told()), "all is retained")
    finally:
        late.close()


def test_alarms_are_counted(house):
    _, _, assistant = house
    until(lambda: assistant.read("tram-quet/s1/state").get("alarms", 0) >= 1, "an alarm is told", 180)


def test_what_an_earlier_run_told_of_a_station_that_is_gone_is_taken_down_and_nobody_elses(house):
    _, _, assistant = house
    until(lambda: assistant.kept.get(DESCRIBED.format("long-gone")) == b"", "it is taken down")
    assert assistant.read("homeassistant/device/rain/config")["origin"]["name"] == "Rain"


def test_no_person_is_in_anything_that_is_told(house):
    _, _, assistant = house
    told = b"\n".join(assistant.told().values()).decode()
    assert "046193990001" not in told
    assert "Ánh" not in told


def test_a_hub_that_ends_says_so(house):
    hub, _, assistant = house
    assert assistant.kept["tram-quet/hub"] == b"online"
    assert hub.stop() == 0
    until(lambda: assistant.kept["tram-quet/hub"] == b"offline", "it said goodbye")


def test_one_that_does_not_lead_tells_nothing():
    led = []
    settings = HomeAssistantSettings(host="127.0.0.1", port=free_port())
    herald = Herald(None, settings, "hub", lambda: bool(led.append(1)))
    thread = threading.Thread(target=herald.run, daemon=True)
    thread.start()
    until(lambda: led, "it asks whether it leads")
    herald.stop()
    thread.join(60)
    assert not thread.is_alive()


def test_it_is_off_by_itself_and_a_wrong_setting_is_named(tmp_path):
    assert HomeAssistantSettings().host == ""
    path = tmp_path / "hub.toml"
    path.write_text('[home_assistant]\nhost = "ha"\ntopic = "a/b"\nprefix = "#"\n')
    with pytest.raises(ConfigError, match=r"home_assistant\.topic") as wrong:
        load(path)
    assert "home_assistant.prefix" in str(wrong.value)
    with pytest.raises(ConfigError, match=r"home_assistant\.password_file"):
        Herald(None, HomeAssistantSettings(host="ha", password_file=str(tmp_path / "none")), "hub", bool)
