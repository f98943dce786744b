"""The hub's connection to a broker, as paho makes it: who it is there, what it wants, how packets are dressed."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from core import chunks

ROOT = "tq/v1"
GROUP = "hub"
"""The name of the hubs' shared subscriptions: of all that subscribe by it, one gets each message."""

LEAVES = ("state", "checkins", "done", "ask", "health", "settings", "face")
SNAPSHOT_LEAVES = (chunks.ASK, chunks.WANT)
"""What comes by the line that snapshots have of their own."""

ONCE = ("ask", "health", "face", *SNAPSHOT_LEAVES)
"""What is not sent again: the next one says it anew."""

BY_ONE = ("ask", "checkins", "done", "settings", *SNAPSHOT_LEAVES)
"""What one hub is to do; the others are for every hub to know."""

SESSION_SECONDS = 3_600
KEEPALIVE_SECONDS = 30
CONNECT_SECONDS = 10.0
RECEIVE_AT_MOST = 200


@dataclass(frozen=True)
class BrokerAddress:
    """Where the broker is and who the hub is there; ``shared``: it is one of several that take turns."""

    host: str
    port: int
    user: str
    password: str
    client_id: str
    shared: bool = False


def own_client_id(folder: Path) -> str:
    """A name for the hub at its broker: always the same for one data folder on one machine, and no other's.

    Nothing is kept for it, so that a folder that is copied to another machine does not take its name along.
    """
    try:
        machine = Path("/etc/machine-id").read_text().strip()
    except OSError:
        machine = ""
    where = f"{machine}\0{socket.gethostname()}\0{folder.resolve()}"
    return f"tq-hub-{hashlib.sha256(where.encode()).hexdigest()[:12]}"


def subscriptions(shared: bool, leaves: Sequence[str] = LEAVES) -> list[tuple[str, int]]:
    """Topics with the quality of service they are wanted with; ``shared``: those that one hub is to do go to one."""
    return [
        (
            f"$share/{GROUP}/{ROOT}/s/+/{leaf}" if shared and leaf in BY_ONE else f"{ROOT}/s/+/{leaf}",
            0 if leaf in ONCE else 1,
        )
        for leaf in leaves
    ]


def make(address: BrokerAddress) -> mqtt.Client:
    """A client that acknowledges by hand; its callbacks are the caller's to set."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=address.client_id,
        protocol=mqtt.MQTTv5,
        manual_ack=True,
    )
    client.username_pw_set(address.user, address.password)
    client.connect_timeout = CONNECT_SECONDS
    client.on_socket_open = _without_delay
    return client


def connect(client: mqtt.Client, address: BrokerAddress, largest: int) -> None:
    """Opens the line; ``OSError`` when that fails.

    A hub alone keeps its session: what it had not committed comes again.  One of several does not: the broker would go
    on giving a dead one its share.  What it had not committed stations bring again, to whoever is there.
    """
    client.connect(
        address.host,
        address.port,
        KEEPALIVE_SECONDS,
        clean_start=address.shared,
        properties=properties(
            PacketTypes.CONNECT,
            SessionExpiryInterval=0 if address.shared else SESSION_SECONDS,
            ReceiveMaximum=RECEIVE_AT_MOST,
            MaximumPacketSize=largest,
        ),
    )


def properties(packet: int, **values: object) -> Properties:
    """MQTT 5 properties of a packet."""
    made = Properties(packet)  # type: ignore[no-untyped-call]  # paho's own
    for name, value in values.items():
        setattr(made, name, value)
    return made


def correlation(asked: Properties | None) -> Properties | None:
    """The correlation data of a question, for its answer."""
    if asked is None or not hasattr(asked, "CorrelationData"):
        return None
    return properties(PacketTypes.PUBLISH, CorrelationData=asked.CorrelationData)


def _without_delay(_client: mqtt.Client, _data: object, line: object) -> None:
    cast(socket.socket, line).setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
