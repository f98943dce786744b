"""A simulated station's line: a real MQTT 5 client without a thread of its own, driven by the fleet's one loop."""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Callable, Sequence
from typing import cast

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core.health import EXPIRES

ROOT = "tq/v1"
KEEPALIVE_SECONDS = 45
SESSION_SECONDS = 3_600
WILL_SECONDS = 30
CONNECT_SECONDS = 5.0


def _properties(packet: int, **values: object) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]  # paho's own
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


_CONNECT = _properties(PacketTypes.CONNECT, SessionExpiryInterval=SESSION_SECONDS)
_WILL = _properties(PacketTypes.WILLMESSAGE, WillDelayInterval=WILL_SECONDS)
_HEALTH = _properties(PacketTypes.PUBLISH, MessageExpiryInterval=EXPIRES)


class Broker(msgspec.Struct, frozen=True):
    """Where the broker is."""

    host: str
    port: int


class Line:
    """One client; ``heard`` is given a topic's end and its payload, ``changed`` whether it stands and why not."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        broker: Broker,
        station: str,
        token: str,
        scopes: Sequence[str],
        heard: Callable[[str, bytes], None],
        changed: Callable[[bool, str], None],
    ) -> None:
        self._selector, self._broker = selector, broker
        self._own = f"{ROOT}/s/{station}"
        self._topics = [
            *(f"{self._own}/{leaf}" for leaf in ("held", "answer", "do")),
            *(f"{ROOT}/policy/{scope}" for scope in scopes),
        ]
        self._heard, self._changed = heard, changed
        self.connected = False
        self._refused = ""
        self._client = self._make(station, token)

    def connect(self, will: bytes) -> str:
        """Begins a connection whose last will is ``will``; what keeps it from that, or nothing."""
        self._client.will_set(f"{self._own}/state", will, qos=1, retain=True, properties=_WILL)
        try:
            self._client.connect(
                self._broker.host, self._broker.port, KEEPALIVE_SECONDS, clean_start=False, properties=_CONNECT
            )
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def attend(self, events: int) -> None:
        """Reads and writes what the socket is ready for."""
        if events & selectors.EVENT_READ:
            self._client.loop_read()
        if events & selectors.EVENT_WRITE:
            self._client.loop_write()

    def tend(self) -> None:
        """Keeps the line alive; every few seconds."""
        self._client.loop_misc()

    def publish(self, leaf: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Publishes on a topic of the station's own; its health is forgotten after three intervals."""
        properties = _HEALTH if leaf == "health" else None
        self._client.publish(f"{self._own}/{leaf}", payload, qos, retain, properties)

    def ask(self, name: str, sealed: Callable[[str], bytes], seconds: float) -> None:
        """Asks the hub something that it answers on a topic of the station's own; ``sealed`` is told which."""
        reply = f"{self._own}/answer"
        properties = _properties(
            PacketTypes.PUBLISH,
            MessageExpiryInterval=max(1, round(seconds + 0.5)),
            ResponseTopic=reply,
            CorrelationData=name.encode(),
        )
        self._client.publish(f"{self._own}/ask", sealed(reply), 0, False, properties)

    def cut(self) -> None:
        """The plug is pulled: no goodbye, and the broker has the last will to say."""
        line = self._client.socket()
        if line is not None:
            with contextlib.suppress(OSError):
                cast(socket.socket, line).shutdown(socket.SHUT_RDWR)
            self._client.loop_read()  # which finds the line down

    def leave(self) -> None:
        """Says goodbye, after what was published before."""
        if self._client.socket() is not None:
            self._client.disconnect()

    @property
    def closed(self) -> bool:
        """Whether everything is said and the socket is gone, or was never there."""
        return self._client.socket() is None

    def _make(self, station: str, token: str) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=station, protocol=mqtt.MQTTv5)
        client.username_pw_set(station, token)
        client.connect_timeout = CONNECT_SECONDS
        client.on_socket_open = self._open
        client.on_socket_close = self._close
        client.on_socket_register_write = lambda _c, _d, sock: self._want(sock, selectors.EVENT_WRITE)
        client.on_socket_unregister_write = lambda _c, _d, sock: self._want(sock, 0)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _open(self, _client: mqtt.Client, _data: object, sock: object) -> None:
        line = cast(socket.socket, sock)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._selector.register(line, selectors.EVENT_READ, self)

    def _close(self, _client: mqtt.Client, _data: object, sock: object) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(cast(socket.socket, sock))

    def _want(self, sock: object, more: int) -> None:
        with contextlib.suppress(KeyError, ValueError):  # it is closed already
            self._selector.modify(cast(socket.socket, sock), selectors.EVENT_READ | more, self)

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self._refused = f"the broker refuses it: {reason}" if reason.is_failure else ""
        if reason.is_failure:
            return
        self.connected = True
        client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in self._topics])
        self._changed(True, "")

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self.connected = False
        self._changed(False, self._refused or f"the line broke: {reason}")

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._heard(message.topic.removeprefix(f"{self._own}/").removeprefix(f"{ROOT}/"), bytes(message.payload))
