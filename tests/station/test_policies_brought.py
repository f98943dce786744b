"""Policies and withdrawals as they reach a station: each scope's topic over MQTT, asked for one by one over HTTP."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from loopback_hub import Hub
from mqtt_hub import PUBLIC, SmallHub
from posts import Posts
from test_sync import SIGNING, Running, wait

from core import keys, wire
from core.model import GateKind
from core.rules import Policy
from station.broker import Broker
from station.clock import Clock
from station.http import HttpHub
from station.http_carrier import HttpCarrier
from station.link import MqttHub
from station.mqtt_carrier import MqttCarrier


def signed(version: int, scope: str, **said: object) -> bytes:
    before = Clock().now() - timedelta(days=1)
    return wire.encode(keys.sign(SIGNING, wire.encode(Policy(version, before, before, scope=scope, **said))))


def decides(running: Running) -> int:
    found = running.policies.current(Clock().now())
    return found.version if found is not None else 0


def test_over_mqtt_a_withdrawal_has_the_wider_policy_decide(tmp_path, broker):
    wake, centre = threading.Event(), SmallHub(broker.port)
    state = wire.State(station="gate-1", online=True, session="s", since=Clock().now())
    address = Broker("127.0.0.1", broker.port, "gate-1", "token")
    line = MqttHub(address, "gate-1", GateKind.VENUE, PUBLIC, ["kind/venue", "all"], state, wake.set)
    with line, Running(tmp_path, MqttCarrier(line, state), wake) as running:
        for version, scope, said, decided in (
            (1, "all", {}, 1),
            (2, "kind/venue", {}, 2),
            (3, "kind/venue", {"withdrawn": True}, 1),
        ):
            centre.announce(signed(version, scope, **said), scope)
            wait(lambda decided=decided: decides(running) == decided)
        assert running.policies.held == {"kind/venue": 3, "all": 1}
    centre.close()


def test_over_http_a_station_fetches_every_scopes_document_and_falls_back_when_one_is_withdrawn(tmp_path):
    posts = Posts()
    posts.documents = [("kind/venue", 2, signed(2, "kind/venue")), ("all", 1, signed(1, "all"))]
    hub = Hub(posts.behave)
    line = HttpHub(hub.url, "token", GateKind.VENUE)
    with line, Running(tmp_path, HttpCarrier(line), threading.Event()) as running:
        wait(lambda: running.policies.held == {"kind/venue": 2, "all": 1})
        assert decides(running) == 2
        posts.documents = [posts.documents[1], ("kind/venue", 3, signed(3, "kind/venue", withdrawn=True))]
        wait(lambda: running.sync.carrier._policy_next > time.monotonic() + 30)  # it has heard that there is no more
        running.sync.carrier._policy_next = 0.0  # a minute is over
        wait(lambda: decides(running) == 1)
        wait(lambda: posts.haves[-1] == {"kind/venue": 3, "all": 1})
        assert posts.haves[0] == {}
    hub.close()
