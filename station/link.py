"""The hub over MQTT.

Callbacks run under paho's own lock and a fault in one would kill its thread: they only put things into queues, each
bounded.  The sync loop takes ``events`` out and owns what is published, but for look-ups, which the gate publishes
itself.  A PUBACK is never taken for the hub's word.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core import health, orders, shown, wire
from core.chunks import NEWEST
from core.model import GateKind
from station.asking import Asks, Way
from station.broker import LARGEST, ROOT, Broker, Connected, Disconnected, Event, Message, client_of, end

_SESSION_LASTS = 3600
_MOST_EVENTS = 16
_MOST_ANSWERS = 16
_MOST_NEWS = 4096
_LONGEST_PAUSE = 60.0
_FIRST_PAUSE = 4.0
_LOOK_UP = Way("ask", "answer")


class MqttHub:
    """One station's line to its broker, and the hub behind it; ``woken`` is called when an event waits."""

    def __init__(
        self,
        broker: Broker,
        station: str,
        kind: GateKind,
        sealing_key: bytes,
        scopes: Sequence[str],
        state: wire.State,
        woken: Callable[[], None],
    ) -> None:
        self._broker, self._station, self._kind = broker, station, kind
        self.name = f"mqtt://{broker.host}:{broker.port}"
        self._own = f"{ROOT}/s/{station}"
        self._topics = [*(f"{self._own}/{leaf}" for leaf in ("held", "do", "watched")), f"{ROOT}/keys"]
        self._policies = tuple(f"{ROOT}/policy/{scope}" for scope in scopes)
        self._left: set[str] = set()
        self._woken = woken
        self._changes: deque[Connected | Disconnected] = deque(maxlen=_MOST_EVENTS)
        self._messages: deque[Message] = deque(maxlen=_MOST_EVENTS)
        self.newest: bytes = b""
        """What was said last of which snapshot there is."""
        self.largest = LARGEST
        self.quiet = threading.Event()
        """Set while no look-up is under way."""
        self.quiet.set()
        self._refused = ""
        self._losses, self._least_pause = 0, 0.0
        self._given: dict[str, mqtt.MQTTMessageInfo] = {}
        self._client = self._make(state)
        self.asks = Asks(self._client, self._own, self.name, sealing_key)
        self.asks.hear(_LOOK_UP, _MOST_ANSWERS)

    def __enter__(self) -> MqttHub:
        """Begins to connect; paho's thread goes on trying until the end."""
        with contextlib.suppress(OSError):
            self._client.connect_async(
                self._broker.host,
                self._broker.port,
                self._broker.keepalive,
                clean_start=False,
                properties=_properties(PacketTypes.CONNECT, SessionExpiryInterval=_SESSION_LASTS),
            )
        self._client.loop_start()
        return self

    def __exit__(self, *_: object) -> None:
        """Says goodbye and ends paho's thread."""
        end(self._client)

    @property
    def connected(self) -> bool:
        """Whether the broker holds the line."""
        return self._client.is_connected()

    def events(self) -> Iterator[Event]:
        """What has happened since it was last asked, changes of the line first; topics are without the root.

        Of what nobody asks for only the newest is kept: all that the hub says it says again.
        """
        for waiting in (self._changes, self._messages):
            for _ in range(len(waiting)):
                yield waiting.popleft()

    def ask(self, who: wire.Who, at: datetime, deadline: float) -> wire.Answer:
        """A sealed look-up and its sealed answer; ``HubUnreachable`` when none comes within ``deadline`` seconds."""
        self.quiet.clear()
        try:
            return self.asks.exchange(_LOOK_UP, wire.encode(wire.Ask(who, self._kind, at)), wire.Answer, at, deadline)
        finally:
            self.quiet.set()

    def hear_of_snapshots(self) -> None:
        """Has ``newest`` kept; before the line is opened."""
        self._topics.append(f"{ROOT}/{NEWEST}")

    def bring(self, batch: wire.Batch) -> bool:
        """Publishes a batch (QoS 1); the hub's ``held`` comes later as an event.  False when it cannot go now.

        While the line is down nothing is handed to paho, whose queue would be in memory only; nor while the broker has
        not acknowledged the batch before: paho sends that again by itself, over every new line.
        """
        return self.bring_encoded(wire.encode(batch))

    def bring_encoded(self, batch: bytes) -> bool:
        """The same with a batch that is a message already."""
        return self._publish("checkins", batch, qos=1, retain=False)

    def follow(self, scopes: Sequence[str]) -> None:
        """Listens to the policies of these scopes, and to no others any more."""
        wanted = tuple(f"{ROOT}/policy/{scope}" for scope in scopes)
        if wanted == self._policies:
            return
        fresh = [topic for topic in wanted if topic not in self._policies]
        self._left = (self._left | set(self._policies)) - set(wanted)
        self._policies = wanted
        if self._client.is_connected():
            self._subscribe(self._client, fresh)

    def _subscribe(self, client: mqtt.Client, topics: Sequence[str]) -> None:
        if self._left:  # the broker remembers what this station once asked for
            client.unsubscribe(sorted(self._left))
        if topics:
            client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in topics])

    def tell_state(self, state: wire.State) -> bool:
        """Publishes the retained state of this station; False when the line is down."""
        return self._publish("state", wire.encode(state), qos=1, retain=True)

    def tell_done(self, result: orders.Result) -> bool:
        """Publishes what became of an order (QoS 1); False when the line is down."""
        if not self._client.is_connected():
            return False
        self._client.publish(f"{self._own}/done", wire.encode(result), qos=1)
        return True

    def tell_health(self, figures: health.Health) -> bool:
        """Publishes the retained health, which the broker forgets after three intervals; False when the line is down.

        Neither kept nor sent again: the next one says it anew.
        """
        if not self._client.is_connected():
            return False
        properties = _properties(PacketTypes.PUBLISH, MessageExpiryInterval=health.EXPIRES)
        sent = self._client.publish(
            f"{self._own}/health", wire.encode(figures), qos=0, retain=True, properties=properties
        )
        return sent.rc is MQTTErrorCode.MQTT_ERR_SUCCESS

    def tell_settings(self, settings: shown.RunningSettings) -> bool:
        """Publishes the retained settings in force; False when the line is down."""
        return self._publish("settings", wire.encode(settings), qos=1, retain=True)

    def tell_face(self, face: shown.Face) -> None:
        """Publishes what the gate shows now; what is lost is lost."""
        self._client.publish(f"{self._own}/face", wire.encode(face), qos=0)

    def give_way(self, seconds: float) -> None:
        """Comes back no sooner than this after the line is lost again, so that two of one name do not storm."""
        self._least_pause = seconds

    def say_goodbye(self, state: wire.State, seconds: float) -> None:
        """Publishes the last state and waits at most ``seconds`` for it to leave."""
        if self._client.is_connected():
            sent = self._client.publish(f"{self._own}/state", wire.encode(state), qos=1, retain=True)
            with contextlib.suppress(ValueError, RuntimeError):
                sent.wait_for_publish(seconds)

    def _publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> bool:
        if not self._client.is_connected() or self.under_way(topic):
            return False
        sent = self._client.publish(f"{self._own}/{topic}", payload, qos=qos, retain=retain)
        if sent.rc is MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            return False
        sent.rc = MQTTErrorCode.MQTT_ERR_SUCCESS  # whatever else it said, paho keeps it and goes on trying
        self._given[topic] = sent
        return True

    def under_way(self, topic: str) -> bool:
        """Whether the last message under this topic has not been acknowledged by the broker yet."""
        return topic in self._given and not self._given[topic].is_published()

    def _make(self, state: wire.State) -> mqtt.Client:
        client = client_of(self._broker, self._station)
        gone = msgspec.structs.replace(state, online=False)
        client.will_set(
            f"{self._own}/state",
            wire.encode(gone),
            qos=1,
            retain=True,
            properties=_properties(PacketTypes.WILLMESSAGE, WillDelayInterval=self._broker.will_waits),
        )
        client.max_inflight_messages_set(20)
        client.on_connect = self._on_connect
        client.on_connect_fail = lambda *_: self._lost(Disconnected("the broker cannot be reached"))
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._refused = f"the broker refuses this station: {reason}" if reason.is_failure else ""
        if self._refused:
            self._change(Disconnected(self._refused))
            return
        self._losses = 0
        self._subscribe(client, [*self._topics, *self.asks.topics, *self._policies])
        self.largest = getattr(properties, "MaximumPacketSize", LARGEST)
        self._change(Connected(self.largest))

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self._lost(Disconnected(self._refused or f"the line broke: {reason}"))

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic.removeprefix(f"{ROOT}/").removeprefix(f"s/{self._station}/")
        except UnicodeDecodeError:
            return  # no topic of ours
        if len(message.payload) > LARGEST:
            return
        if self.asks.take(topic, bytes(message.payload)):
            return
        if topic == NEWEST:
            self.newest = bytes(message.payload[:_MOST_NEWS])
        else:
            self._messages.append(Message(topic, bytes(message.payload), message.retain))
            self._woken()

    def _lost(self, change: Disconnected) -> None:
        """Has paho wait before it tries again: its own pauses are the same at every station of a fleet."""
        seconds = pause(self._losses, self._least_pause)
        self._losses += 1
        self._client.reconnect_delay_set(seconds, max(_LONGEST_PAUSE, seconds))  # type: ignore[arg-type]  # it takes a part of a second, too
        self._change(change)

    def _change(self, change: Connected | Disconnected) -> None:
        self._changes.append(change)
        self._woken()


def pause(losses: int, least: float = 0.0) -> float:
    """Seconds before the next try after so many in vain: growing, and drawn, so that a fleet does not return as one."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(losses, 6))
    return max(least, random.uniform(longest / 8, longest))  # noqa: S311  # jitter, no secret


def _properties(packet: int, **values: object) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho's own
    for name, value in values.items():
        setattr(properties, name, value)
    return properties
