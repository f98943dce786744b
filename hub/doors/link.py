"""The hub over MQTT, in one thread that owns the line: asks answered in it, batches handed to the writer.

paho's callbacks only put things into a queue; this loop takes them out, and only it publishes.  A batch is
acknowledged to the broker after its commit, so that a hub that dies gets it again.
"""

from __future__ import annotations

import contextlib
import logging
import random
import selectors
import socket
import threading
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import paho.mqtt.client as mqtt
import sqlalchemy as sa
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core import wire
from core.orders import Result
from core.shown import LookedOn
from hub.centre import Centre
from hub.doors import wires
from hub.doors.asking import Asks, Waiting
from hub.doors.order_line import OrderLine
from hub.doors.wires import CONNECT_SECONDS, ROOT, BrokerAddress
from hub.journals import intake, messages
from hub.journals.messages import BadMessage
from hub.journals.writer import Delivery, NotKept, Writer
from hub.journals.writer import Result as Written
from hub.policy import policies
from hub.storage.store import mended
from hub.storage.weather import Weather

log = logging.getLogger(__name__)

RETAINED = ("state", "settings")
"""What is taken down with an empty message."""

UNSENT_AT_MOST = 2_000
MESSAGES_A_TURN = 16
TICK_SECONDS = 1.0
LONGEST_PAUSE = 30.0
KEYS = "keys"
"""The topic of the announcement of keys; no policy's scope is called so."""


@dataclass(frozen=True, slots=True)
class _Outcome:
    line: int
    mid: int
    delivery: Delivery | None
    result: Written


class Link:
    """The loop; ``run`` is its thread's body."""

    def __init__(self, centre: Centre, writer: Writer, address: BrokerAddress) -> None:
        self._centre = centre
        self._writer = writer
        self._address = address
        self.subscribed = threading.Event()
        self._stop = threading.Event()
        self._line = 0  # counts connections: an acknowledgement belongs to the one its message came by
        self._inbox: deque[mqtt.MQTTMessage] = deque()
        self._outcomes: deque[_Outcome] = deque()
        self._told: deque[tuple[Waiting, Properties | None]] = deque()
        self._again: list[tuple[float, Delivery]] = []
        self._greeted = False
        self._led = False
        self._states: dict[str, wire.State] = {}
        self._announced: dict[str, int] = {}
        self._unsent: set[int] = set()
        self._orders = OrderLine(writer)
        self._weather = Weather("marks, rules and orders wait for the database")
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)

    def stop(self) -> None:
        """Lets the loop say goodbye and end."""
        self._stop.set()
        self.ring()

    def ring(self) -> None:
        """Wakes the loop from another thread; it looks after policies that are to be announced."""
        with contextlib.suppress(OSError):  # full: it rings already; closed: nobody is left to hear
            self._ringer.send(b"\0")

    def moved(self, mark: wire.HeldMark) -> None:
        """Has a mark published that changed by itself; from any thread."""
        self._outcomes.append(_Outcome(0, 0, None, mark))
        self.ring()

    def run(self) -> None:
        """Keeps a line to the broker until stopped."""
        pause = 0.1
        with self._bell, self._ringer, ExitStack() as opened:
            while not self._stop.is_set() and not self._open(opened):
                self._stop.wait(TICK_SECONDS)
            while not self._stop.is_set():
                served = self._serve_once()
                pause = 0.1 if served else min(LONGEST_PAUSE, pause * 2)
                self._stop.wait(random.uniform(pause / 2, pause))  # noqa: S311  # jitter, no secret

    def _open(self, opened: ExitStack) -> bool:
        """Opens what asks and marks are read by; False while the database is away."""
        with self._weather.outlasting():
            self._kept_reader = opened.enter_context(self._centre.store.reader())
            self._asks = Asks(self._centre)
            opened.callback(self._asks.close)
            return True
        return False

    @property
    def _reader(self) -> sa.Connection:
        return mended(self._kept_reader)

    def _serve_once(self) -> bool:
        """One connection from its beginning to its end; whether the broker let us in."""
        self._line += 1
        self._inbox.clear()
        self._greeted = False
        self._unsent.clear()
        client = self._make()
        try:
            wires.connect(client, self._address, messages.RECEIVED_AT_MOST)
        except OSError as error:
            log.warning("broker cannot be reached", extra={"problem": str(error)})
            return False
        try:
            self._attend(client)
            return self.subscribed.is_set()
        finally:
            self.subscribed.clear()

    def _attend(self, client: mqtt.Client) -> None:
        line = cast(socket.socket, client.socket())
        until = time.monotonic() + CONNECT_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._bell, selectors.EVENT_READ)
            selector.register(line, selectors.EVENT_READ)
            while client.socket() is line and not self._stop.is_set():
                wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if client.want_write() else 0)
                selector.modify(line, wanted)
                self._turn(client, selector.select(TICK_SECONDS))
                if not self.subscribed.is_set() and time.monotonic() > until:
                    log.warning("broker does not answer", extra={"seconds": CONNECT_SECONDS})
                    break
            self._say_goodbye(client)

    def _turn(self, client: mqtt.Client, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        for key, events in ready:
            if key.fileobj is self._bell:
                self._silence()
                continue
            if events & selectors.EVENT_READ:
                self._read(client)
            if events & selectors.EVENT_WRITE:
                client.loop_write()
        while self._inbox:
            self._take(client, self._inbox.popleft())
        while self._told:
            self._finish(client, *self._told.popleft())
        self._deliver_again()
        if not self._weather.still_lasts(self._centre.store.reading):
            with self._weather.outlasting():
                self._tell(client)
        client.loop_misc()

    def _tell(self, client: mqtt.Client) -> None:
        """Says what is on disk and what is due; what the database keeps from it is said by a later turn."""
        while self._outcomes:
            self._settle(client, self._outcomes[0])
            self._outcomes.popleft()  # only now: nothing is acknowledged or told that was not said whole
        if self.subscribed.is_set() and self._leads():
            if not self._greeted:
                self._greet(client)
            self._announce(client)
            self._order(client)
            self._look_on(client)

    def _leads(self) -> bool:
        """Whether this hub speaks for all; one that begins to writes down and says again what another may have left."""
        leads = self._centre.leads
        if leads and not self._led:
            self._greeted = False
            for state in self._states.values():
                self._deliver(Delivery(state, lambda _: None, fresh=False))
        self._led = leads
        return leads

    def _read(self, client: mqtt.Client) -> None:
        """Takes several messages a turn where several are there: paho reads one, and a turn costs as much again."""
        for _ in range(MESSAGES_A_TURN):
            before = len(self._inbox)
            client.loop_read()
            if len(self._inbox) == before:
                return

    def _silence(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._bell.recv(4_096):
                pass

    def _say_goodbye(self, client: mqtt.Client) -> None:
        if client.socket() is not None:
            client.disconnect()
            client.loop_write()

    # what comes in

    def _take(self, client: mqtt.Client, message: mqtt.MQTTMessage) -> None:
        station, _, leaf = message.topic.removeprefix(f"{ROOT}/s/").partition("/")
        if self._centre.tokens.named(station) is None:
            self._centre.tally.add(f"{leaf}: of a station nobody registered")
            client.ack(message.mid, message.qos)
            return
        if leaf in wires.BY_ONE and not (self._address.shared or self._centre.takes):
            client.ack(message.mid, message.qos)  # another hub's to do
            return
        try:
            if len(message.payload) > messages.BYTES_AT_MOST:
                raise BadMessage(f"longer than {messages.BYTES_AT_MOST} bytes")
            if leaf == "ask":
                self._answer(client, station, message)
            elif leaf == "health":
                self._hear(bytes(message.payload), station, fresh=not message.retain)
            elif leaf == "face":
                self._centre.fleet.see(messages.face(bytes(message.payload), station))
            elif message.payload or leaf not in RETAINED:
                said = messages.KEPT[leaf](bytes(message.payload), station)
                if isinstance(said, wire.State):
                    self._centre.fleet.hear(said)
                    self._states[station] = said
                if self._centre.leads or leaf != "state":
                    self._hand_over(said, message)
                    return
        except BadMessage as problem:
            self._centre.refuse(leaf, str(problem), station)
        client.ack(message.mid, message.qos)

    def _hear(self, payload: bytes, station: str, *, fresh: bool) -> None:
        if payload:  # none: a retained one was taken down
            with contextlib.suppress(BadMessage):  # counted there
                self._centre.hear(payload, station, datetime.now(UTC), fresh=fresh)

    def _hand_over(self, said: messages.Kept, message: mqtt.MQTTMessage) -> None:
        line, mid = self._line, message.mid

        def done(result: Written) -> None:
            self._outcomes.append(_Outcome(line, mid, delivery, result))
            self.ring()

        delivery = Delivery(said, done, fresh=not message.retain)
        self._deliver(delivery)

    def _deliver(self, delivery: Delivery) -> None:
        if not self._writer.deliver(delivery):
            self._again.append((time.monotonic() + TICK_SECONDS, delivery))

    def _deliver_again(self) -> None:
        now = time.monotonic()
        due = [delivery for at, delivery in self._again if at <= now]
        if due:
            self._again = [(at, delivery) for at, delivery in self._again if at > now]
            for delivery in due:
                self._deliver(delivery)

    # what goes out

    def _settle(self, client: mqtt.Client, outcome: _Outcome) -> None:
        if isinstance(outcome.result, NotKept) and not outcome.result.poisoned and outcome.delivery is not None:
            self._again.append((time.monotonic() + TICK_SECONDS, outcome.delivery))
            return
        if isinstance(outcome.result, NotKept) and outcome.delivery is not None:
            if isinstance(outcome.delivery.message, Result):
                self._centre.tally.add("done: of an order nobody gave", station=outcome.delivery.message.station)
        elif isinstance(outcome.result, wire.HeldMark):
            self._publish_mark(client, outcome.result)
        if outcome.line == self._line:
            client.ack(outcome.mid, 1)

    def _publish_mark(self, client: mqtt.Client, mark: wire.HeldMark) -> None:
        newest = not mark.refused_before and intake.newest_epoch(self._reader, mark.station) == mark.epoch
        client.publish(f"{ROOT}/s/{mark.station}/held", wire.encode(mark), qos=1, retain=newest)

    def _answer(self, client: mqtt.Client, station: str, message: mqtt.MQTTMessage) -> None:
        properties = message.properties
        minded = properties is not None and hasattr(properties, "MessageExpiryInterval")
        answer = self._asks.answer(bytes(message.payload), station, datetime.now(UTC), may_expire=not minded)
        if isinstance(answer, Waiting):
            answer.told.add_done_callback(lambda _: self._hear_of(answer, properties))
        else:
            self._say(client, *answer, properties)

    def _hear_of(self, waiting: Waiting, properties: Properties | None) -> None:
        self._told.append((waiting, properties))
        self.ring()

    def _finish(self, client: mqtt.Client, waiting: Waiting, properties: Properties | None) -> None:
        try:
            self._say(client, *self._asks.finish(waiting), properties)
        except BadMessage as problem:
            self._centre.tally.add(f"ask: {problem}")

    def _say(self, client: mqtt.Client, reply: str, answer: bytes, properties: Properties | None) -> None:
        if len(self._unsent) >= UNSENT_AT_MOST:
            raise BadMessage("the broker takes answers too slowly")
        sent = client.publish(reply, answer, qos=0, properties=wires.correlation(properties))
        if not sent.is_published():
            self._unsent.add(sent.mid)

    def _greet(self, client: mqtt.Client) -> None:
        """Everything retained is published again on every connect: brokers forget."""
        now = datetime.now(UTC)
        for gate in self._centre.tokens.all:
            if epoch := intake.newest_epoch(self._reader, gate.name):
                mark = intake.mark(self._reader, gate.name, epoch, now)
                client.publish(f"{ROOT}/s/{gate.name}/held", wire.encode(mark), qos=1, retain=True)
        self._announced = dict.fromkeys(policies.scopes(self._reader), 0)
        self._greeted = True

    def _announce(self, client: mqtt.Client) -> None:
        announced = self._centre.announced
        if announced is not None and self._announced.get(KEYS) != announced.version:
            client.publish(f"{ROOT}/{KEYS}", announced.document, qos=1, retain=True)
            self._announced[KEYS] = announced.version
        published = self._centre.published
        for scope, policy in published.items():
            if self._announced.get(scope) != policy.version:
                client.publish(f"{ROOT}/policy/{scope}", policy.document, qos=1, retain=True)
                self._announced[scope] = policy.version
        for scope in [scope for scope in self._announced if scope not in published and scope != KEYS]:
            client.publish(f"{ROOT}/policy/{scope}", b"", qos=1, retain=True)  # no longer in force: take it down
            del self._announced[scope]

    def _order(self, client: mqtt.Client) -> None:
        """Publishes orders that are due; the broker forgets each at its end, and so does its station."""
        for due, seconds in self._orders.due(self._reader):
            properties = wires.properties(PacketTypes.PUBLISH, MessageExpiryInterval=seconds)
            client.publish(f"{ROOT}/s/{due.station}/do", due.document, qos=1, properties=properties)

    def _look_on(self, client: mqtt.Client) -> None:
        """Tells stations whose page somebody has open, so that they show what their gate shows."""
        for station in self._centre.fleet.watched():
            client.publish(f"{ROOT}/s/{station}/watched", wire.encode(LookedOn()), qos=0)

    # the line

    def _make(self) -> mqtt.Client:
        client = wires.make(self._address)
        client.on_connect = self._on_connect
        client.on_subscribe = lambda *_: self._begin(client)
        client.on_message = lambda _client, _data, message: self._inbox.append(message)
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            log.error("broker refuses the hub", extra={"problem": str(reason)})
            return
        client.subscribe(wires.subscriptions(self._address.shared))

    def _begin(self, client: mqtt.Client) -> None:
        told = {"broker": f"{self._address.host}:{self._address.port}", "client": self._address.client_id}
        log.info("broker connected", extra=told)
        self.subscribed.set()

    def _on_publish(
        self, _client: mqtt.Client, _data: object, mid: int, reason: ReasonCode, _properties: object
    ) -> None:
        self._unsent.discard(mid)
        if reason.is_failure:
            self._centre.tally.add(f"publish refused by the broker: {reason}")

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if not self._stop.is_set():
            log.warning("broker lost", extra={"problem": str(reason)})
