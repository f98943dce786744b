"""How this station reaches its hub, as its settings say: whom look-ups ask, who carries the rows."""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import msgspec

from core import wire
from station import __version__
from station.clock import Clock
from station.http import HttpHub
from station.http_carrier import HttpBesideMqtt, HttpCarrier
from station.lookup import Asker
from station.mqtt_carrier import MqttCarrier
from station.policies import Policies
from station.settings import Settings
from station.snapshots.loop import Source
from station.sync import Carrier, NoCarrier

if TYPE_CHECKING:
    from station.link import MqttHub


class Reach(msgspec.Struct, frozen=True):
    """The ways to the hub; ``wake`` is set when the hub said something or a row was written, ``stop`` at the end.

    ``session`` is drawn anew whenever the service starts.
    """

    asker: Asker | None
    carrier: Carrier
    wake: threading.Event
    stop: threading.Event
    session: str
    snapshots: Source | None = None
    line: MqttHub | None = None


def reach(settings: Settings, own: tuple[str, ...], policies: Policies, clock: Clock, stack: ExitStack) -> Reach:
    """Opens the ways that are configured; gate and sync loop have an HTTP line each, and share the broker's."""
    wake, stop = threading.Event(), threading.Event()
    hub, kind = settings.hub, settings.station.kind
    state = wire.State(
        station=settings.station.name,
        online=True,
        session=os.urandom(8).hex(),
        since=clock.now(),
        version=__version__,
        policy_version=policies.newest,
    )

    def over_http() -> HttpHub:
        return stack.enter_context(HttpHub(hub.url, hub.token, kind, hub.ca_file))

    snapshots: Source | None = over_http() if settings.holds_snapshot and hub.url else None
    if not settings.has_hub:
        return Reach(None, NoCarrier(), wake, stop, state.session)
    if not settings.uses_mqtt:
        return Reach(over_http(), HttpCarrier(over_http()), wake, stop, state.session, snapshots)
    from station.broker import Broker
    from station.link import MqttHub
    from station.snapshots.line import SnapshotLine

    mqtt, (host, port) = settings.mqtt, settings.mqtt.address
    broker = Broker(host, port, settings.mqtt_username, settings.mqtt_password, mqtt.keepalive, mqtt.tls, mqtt.ca_file)
    line = MqttHub(broker, settings.station.name, kind, hub.sealing_key, own, state, woken=wake.set)
    if settings.holds_snapshot:
        line.hear_of_snapshots()
        snapshots = snapshots or SnapshotLine(line, clock.now, stop)
    stack.enter_context(line)
    asker = line if hub.lookups == "mqtt" else over_http()
    carrier = MqttCarrier(line, state, brings=hub.checkins == "mqtt")
    if hub.checkins == "mqtt":
        return Reach(asker, carrier, wake, stop, state.session, snapshots, line)
    carried = HttpBesideMqtt(HttpCarrier(over_http()), carrier)
    return Reach(asker, carried, wake, stop, state.session, snapshots, line)
