"""What a station's lines to brokers share: how one is reached, what happens on one, how paho is begun and ended."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, cast

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

ROOT = "tq/v1"
LARGEST = 1 << 20
"""Messages larger than this are dropped unread."""

_WILL_WAITS = 30


class Connected(msgspec.Struct, frozen=True):
    """The broker let us in and takes up to ``largest`` bytes a message: what is retained is to be published again."""

    largest: int = LARGEST


class Disconnected(msgspec.Struct, frozen=True):
    """The line is down."""

    problem: str


class Message(msgspec.Struct, frozen=True):
    """Something that was said on a topic; ``retained`` when it is not of now."""

    topic: str
    payload: bytes
    retained: bool = False


Event = Connected | Disconnected | Message


class Broker(msgspec.Struct, frozen=True):
    """How to reach a broker; ``will_waits`` seconds pass before it says that this station is gone."""

    host: str
    port: int
    username: str
    password: str
    keepalive: int = 30
    tls: bool = False
    ca_file: Path | None = None
    will_waits: int = _WILL_WAITS


def client_of(broker: Broker, client_id: str) -> mqtt.Client:
    """A client that has not begun to connect, with everything that does not depend on what it is for."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
    client.username_pw_set(broker.username, broker.password)
    if broker.tls:
        client.tls_set(ca_certs=str(broker.ca_file) if broker.ca_file else None, cert_reqs=ssl.CERT_REQUIRED)
    client.on_socket_open = _without_delay
    return client


def end(client: mqtt.Client) -> None:
    """Says goodbye and ends paho's thread."""
    client.disconnect()
    with contextlib.suppress(AttributeError):  # its thread may forget itself before it is waited for (issue 872)
        client.loop_stop()


def _without_delay(_client: mqtt.Client, _data: object, sock: SocketLike) -> None:
    """Nagle's algorithm would hold a look-up back for 40 ms."""
    with contextlib.suppress(OSError):
        cast(socket.socket, sock).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
