"""Tells Home Assistant of the stations, on whichever broker it listens to: a line of its own, off unless it is named.

Everything is retained, so that a Home Assistant that starts later knows it at once.  Of several hubs the one that leads
tells.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from hub.config import HomeAssistantSettings
from hub.doors import discovery, wires
from hub.doors.wires import BrokerAddress
from hub.errors import ConfigError
from hub.storage.weather import Weather
from hub.web.fleet.lines import Board, Look

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
PAUSE, LONGEST_PAUSE = 1.0, 60.0
LARGEST = 64 << 10
"""No description of anybody's on that broker is larger, or it is not looked at."""


class Herald:
    """The loop; ``run`` is its thread's body."""

    def __init__(
        self,
        board: Board,
        settings: HomeAssistantSettings,
        client_id: str,
        leads: Callable[[], bool],
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        password = _password(settings)
        self._board, self._settings, self._leads, self._every = board, settings, leads, look_seconds
        self._address = BrokerAddress(settings.host, settings.port, settings.user, password, f"{client_id}-ha", True)
        self._topics = discovery.Topics(settings)
        self._stop = threading.Event()
        self._up = False
        self._told: dict[str, bytes] = {}
        self._found: dict[str, str] = {}
        self._problem = "not tried yet"
        self._weather = Weather("Home Assistant is not told of the stations now")

    def stop(self) -> None:
        """Lets the loop say that the hub is gone, and end."""
        self._stop.set()

    def run(self) -> None:
        """Keeps a line while this hub leads, until stopped."""
        pause = PAUSE
        while not self._stop.is_set():
            if self._leads():
                pause = PAUSE if self._serve() else min(LONGEST_PAUSE, pause * 2)
            self._stop.wait(pause)

    def _serve(self) -> bool:
        """One line from its beginning to its end; whether the broker let us in."""
        client = wires.make(self._address)
        if not self._address.user:
            client.username_pw_set(None)
        client.on_connect, client.on_disconnect, client.on_message = self._on_connect, self._on_disconnect, self._heard
        client.will_set(self._topics.hub, discovery.OFFLINE, qos=1, retain=True)
        self._told, self._found = {}, {}
        self._up, was_up = False, False
        try:
            wires.connect(client, self._address, LARGEST)
        except OSError as error:
            self._note(str(error))
            return False
        looked = float("-inf")
        while not self._stop.is_set() and self._leads() and client.loop(0.2) == mqtt.MQTT_ERR_SUCCESS:
            was_up = was_up or self._up
            if self._up and time.monotonic() - looked >= self._every:
                looked = time.monotonic()
                with self._weather.outlasting():
                    self._tell(client, self._board.look())
        if self._up:
            client.publish(self._topics.hub, discovery.OFFLINE, qos=1, retain=True)
            client.loop(0.2)
            client.disconnect()
        self._up = False
        return was_up

    def _tell(self, client: mqtt.Client, look: Look) -> None:
        """Publishes what has changed since it was last told, and takes down who is gone."""
        now = self._documents(look)
        for topic, document in now.items():
            if self._told.get(topic) != document:
                client.publish(topic, document, qos=1, retain=True)
        gone = [self._topics.own(station) for topic, station in self._found.items() if topic not in now]
        for topic in {*self._told, *(topic for own in gone for topic in own)} - now.keys():
            client.publish(topic, b"", qos=1, retain=True)
        self._told, self._found = now, {}

    def _documents(self, look: Look) -> dict[str, bytes]:
        """All that there is to tell, by topic."""
        standing, topics, language = (
            Counter(alarm.station for alarm in look.alarms),
            self._topics,
            self._settings.language,
        )
        now = {topics.hub: discovery.ONLINE}
        for line in look.lines:
            there = line.state in discovery.THERE
            now[topics.described(line.name)] = discovery.description(line, topics, language)
            now[topics.there(line.name)] = discovery.ONLINE if there else discovery.OFFLINE
            now[topics.figures(line.name)] = discovery.said(line, standing[line.name], language)
        return now

    # the line

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._note(f"refused: {reason}")
            return
        self._note("")
        client.subscribe(self._topics.every, 0)
        self._up = True

    def _on_disconnect(self, *_: object) -> None:
        self._up = False

    def _heard(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        """Notes what an earlier run of this hub has told, in case a station is none any more."""
        if message.retain and (station := self._topics.station_of(bytes(message.payload))):
            self._found[message.topic] = station

    def _note(self, problem: str) -> None:
        """Logged once a change."""
        if problem != self._problem:
            where = {"broker": f"{self._address.host}:{self._address.port}", "problem": problem}
            log.warning("Home Assistant's broker is not reached" if problem else "telling Home Assistant", extra=where)
        self._problem = problem


def _password(settings: HomeAssistantSettings) -> str:
    try:
        return Path(settings.password_file).read_text().strip() if settings.password_file else ""
    except OSError as error:
        named = f"home_assistant.password_file {settings.password_file}"
        raise ConfigError(f"{named}: {error.strerror or error}") from error
