"""Orders from a real hub over a real broker, or over HTTP, to a real station on simulated devices."""

from __future__ import annotations

import gzip
import json
import signal
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as mqtt
import pytest
import sqlalchemy as sa
from gates import PLACE, number, wait
from insides import Inside
from lines_end import end
from paho.mqtt.enums import CallbackAPIVersion

from core.model import Direction
from core.orders import Logs, OpenOnce, SetPlace, Snapshot, Task
from core.rules import Policy
from hub.policy import policies
from hub.stations import fleet, orders


class Desk:
    """Orders given beside the running hub, as its commands do, without a process for each."""

    def __init__(self, centre) -> None:
        self.store, self.ring = centre.opened()

    def give(self, task: Task, life: timedelta | None = None) -> str:
        with self.store.writing() as connection:
            return orders.issue(connection, self.ring, "gate-1", task, datetime.now(UTC), "lan", life=life)

    def status(self, order: str, later: timedelta = timedelta()) -> str:
        with self.store.reading() as connection:
            return orders.find(connection, order, datetime.now(UTC) + later).status

    def wait_for(self, order: str, status: str) -> None:
        wait(lambda: self.status(order) not in orders.OPEN)  # what reaches nobody goes out again after 30 s
        assert self.status(order) == status

    def carry_out(self, task: Task, status: str = "succeeded") -> str:
        order = self.give(task)
        self.wait_for(order, status)
        return order


@pytest.fixture
def desk(centre):
    desk = Desk(centre)
    yield desk
    desk.store.close()


@pytest.mark.broker
def test_a_station_does_what_the_hub_orders_and_the_hub_hears_what_became_of_it(centre, desk, open_gate):
    gate = Inside(open_gate("gate-1").config)
    try:
        words = ["identify", "--for", "120s", "--why", "which one is it", "--wait", "150s", "--json"]
        found = json.loads(centre.run("order", "gate-1", *words))
        assert (found["status"], found["why"]) == ("succeeded", "which one is it")
        wait(lambda: gate.station.panel.face.colour == "blue" and gate.station.panel.face.tune != ())
        desk.carry_out(OpenOnce())
        desk.carry_out(Snapshot(), "rejected")
        desk.carry_out(SetPlace("ga-hue"))
        assert gate.station.gate.doorway.place == "ga-hue"
        assert '"message": "order done"' in centre.run("order", "gate-1", "logs", "--wait", "150s")
        log = json.loads(centre.run("orders", "list", "--json"))
        assert [each["kind"] for each in log] == ["logs", "place", "snapshot", "open", "identify"]
        wait(lambda: "command" in [row["cause"] for row in centre.rows("gate-1")])
    finally:
        gate.close()


def scope(gate: Inside) -> str:
    """For whom the policy is that decides at a gate now; empty before it has heard of any."""
    policy = gate.station.policies.current(datetime.now(UTC))
    return policy.scope if policy is not None else ""


@pytest.mark.broker
@pytest.mark.parametrize("transport", ["mqtt", "http"])
def test_a_station_that_was_moved_follows_its_new_districts_policy_and_the_hub_knows_where_it_is(
    centre, desk, open_gate, transport
):
    district, at = "district/63/482", datetime.now(UTC)
    with desk.store.writing() as connection:
        narrow = Policy(version=policies.next_version(connection), issued=at, effective=at, scope=district)
        policies.publish(connection, desk.ring, narrow, at)
    gate = Inside(open_gate("gate-1", transport).config)
    try:
        desk.carry_out(SetPlace("chot", direction=Direction.OUT))
        wait(lambda: scope(gate) == district)
        with desk.store.reading() as connection:
            (known,) = [each for each in fleet.overview(connection) if each.name == "gate-1"]
        assert known.place == "chot"
        desk.carry_out(SetPlace())
        wait(lambda: scope(gate) == "all")
        with desk.store.reading() as connection:
            assert [each.place for each in fleet.overview(connection) if each.name == "gate-1"] == [PLACE]
    finally:
        gate.close()


@pytest.mark.broker
def test_a_station_that_only_speaks_http_hears_its_orders_too(centre, desk, open_gate):
    gate = Inside(open_gate("gate-1", "http").config)
    try:
        desk.carry_out(OpenOnce())
        assert gate.openings == 1
    finally:
        gate.close()


@pytest.mark.broker
def test_an_order_delivered_thrice_is_carried_out_once(desk, open_gate):
    gate = Inside(open_gate("gate-1").config)
    try:
        order = desk.carry_out(OpenOnce())
        for _ in range(2):
            with desk.store.writing() as connection:  # as if no answer had ever come
                connection.execute(sa.update(orders.orders).values(status="queued", sent=None, heard=None))
            desk.wait_for(order, "succeeded")
        assert gate.openings == 1
    finally:
        gate.close()


@pytest.mark.broker
def test_what_expires_while_a_station_is_away_is_never_carried_out(desk, open_gate):
    path = open_gate("gate-1").config
    late = desk.give(OpenOnce(), timedelta(seconds=2))
    stands = desk.give(SetPlace(direction=Direction.OUT))
    wait(lambda: desk.status(late, orders.ANSWERED_WITHIN) == "timed-out")
    gate = Inside(path)
    try:
        desk.wait_for(stands, "succeeded")
        assert gate.openings == 0
        assert desk.status(late, orders.ANSWERED_WITHIN) == "timed-out"
    finally:
        gate.close()


@pytest.mark.broker
def test_an_order_given_while_a_station_is_dead_is_carried_out_when_it_is_back(desk, open_gate):
    gate = open_gate("gate-1").start()
    gate.wait_for_policy()
    gate.show(number(0))
    gate.stop(signal.SIGKILL)
    order = desk.give(Logs())
    gate.start()
    desk.wait_for(order, "succeeded")
    with desk.store.reading() as connection:
        text = gzip.decompress(orders.data(connection, desk.ring, order)).decode()
    assert text
    assert number(0) not in text


@pytest.mark.broker
def test_rubbish_on_the_done_topic_is_counted_and_dropped(centre, open_gate):
    path = open_gate("gate-1").config
    token = path.read_text().split('token = "')[1].split('"')[0]
    station = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="gate-1", protocol=mqtt.MQTTv5)
    station.username_pw_set("gate-1", token)
    station.reconnect_delay_set(1, 1)  # the broker learns of a new station within a second
    station.connect("127.0.0.1", int(centre.mqtt))
    station.loop_start()
    result = {"station": "gate-1", "order": "f" * 16, "status": "succeeded", "at": "2026-01-01T00:00:00Z"}
    for payload in (b"rubbish", json.dumps(result).encode(), json.dumps(result | {"station": "gate-2"}).encode()):
        station.publish("tq/v1/s/gate-1/done", payload, qos=1)
    log = centre.folder / "hub.log"
    for cause in ("done: not what it should be", "done: of an order nobody gave", "done: the result is another"):
        wait(lambda cause=cause: cause in log.read_text())
    end(station)
