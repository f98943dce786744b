"""The line to the place's own broker: what the gates of one place tell each other.

As in ``link``, callbacks only put things into bounded queues.  Nothing is retained, and no queue of the broker's is
relied on: who comes back asks, and the others tell their day again.
"""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterator

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core.place import MOST_BYTES
from station.broker import ROOT, Broker, Connected, Disconnected, Event, Message, client_of, end

_MOST_EVENTS = 16
_MOST_MESSAGES = 256
_LONGEST_PAUSE = 15


class PlaceLine:
    """One gate's line to its place's broker; ``woken`` is called when an event waits."""

    def __init__(self, broker: Broker, station: str, place: str, woken: Callable[[], None]) -> None:
        self._broker, self._woken = broker, woken
        self.name = f"mqtt://{broker.host}:{broker.port}"
        self.topic = f"{ROOT}/place/{place}/seen"
        self.lost = 0
        """Messages that came faster than they could be taken in."""
        self._changes: deque[Connected | Disconnected] = deque(maxlen=_MOST_EVENTS)
        self._messages: deque[Message] = deque(maxlen=_MOST_MESSAGES)
        self._refused = ""
        self._given: mqtt.MQTTMessageInfo | None = None
        self._client = self._make(station)

    def __enter__(self) -> PlaceLine:
        """Begins to connect; paho's thread goes on trying until the end."""
        with contextlib.suppress(OSError):
            self._client.connect_async(self._broker.host, self._broker.port, self._broker.keepalive, clean_start=True)
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the line and paho's thread."""
        end(self._client)

    @property
    def free(self) -> bool:
        """Whether a message may be told: the line is up and the broker has acknowledged the one before."""
        return self._client.is_connected() and (self._given is None or self._given.is_published())

    def tell(self, payload: bytes) -> bool:
        """Tells the neighbours (QoS 1, not retained); False when it cannot go now."""
        if not self.free:
            return False
        sent = self._client.publish(self.topic, payload, qos=1)
        if sent.rc is MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            return False
        sent.rc = MQTTErrorCode.MQTT_ERR_SUCCESS  # whatever else it said, paho keeps it and goes on trying
        self._given = sent
        return True

    def events(self) -> Iterator[Event]:
        """What has happened since it was last asked, changes of the line first."""
        for waiting in (self._changes, self._messages):
            for _ in range(len(waiting)):
                yield waiting.popleft()

    def _make(self, station: str) -> mqtt.Client:
        client = client_of(self._broker, f"{station}-place")
        client.reconnect_delay_set(1, _LONGEST_PAUSE)
        client.max_inflight_messages_set(4)
        client.on_connect = self._on_connect
        client.on_connect_fail = lambda *_: self._change(Disconnected("the place's broker cannot be reached"))
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = lambda *_: self._woken()
        client.on_subscribe = lambda *_: self._change(Connected())
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self._refused = f"the place's broker refuses this station: {reason}" if reason.is_failure else ""
        if self._refused:
            self._change(Disconnected(self._refused))
            return
        client.subscribe([(self.topic, SubscribeOptions(qos=1, noLocal=True))])

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self._change(Disconnected(self._refused or f"the line broke: {reason}"))

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # no topic of ours
        self.lost += len(self._messages) == _MOST_MESSAGES
        payload = bytes(message.payload) if len(message.payload) <= MOST_BYTES else b""  # counted as rubbish
        self._messages.append(Message(topic, payload, message.retain))
        self._woken()

    def _change(self, change: Connected | Disconnected) -> None:
        self._changes.append(change)
        self._woken()
