"""Snapshots over MQTT, on a line and in a thread of their own: neither a look-up nor a row waits for a chunk.

One chunk at a time is on its way to the broker.  The hub that leads says, signed and retained, which version there is.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from core import chunks, keys, wire
from core.chunks import Chunk, ChunkAsk, Newest, OfferAsk
from core.snapshot import Offer
from hub.centre import Centre
from hub.doors import wires
from hub.doors.fetching import Asked, Queue, Room
from hub.doors.handing import Handing, NotHandedOut
from hub.doors.sealed import NOT_OURS, Seals, seal
from hub.doors.wires import CONNECT_SECONDS, ROOT, BrokerAddress
from hub.journals import messages
from hub.journals.messages import BadMessage
from hub.storage.weather import AWAY

log = logging.getLogger(__name__)

ASK_BYTES_AT_MOST = 8_192
TICK_SECONDS = 0.2
LOOK_SECONDS = 2.0
TOO_LARGE = "the answer is larger than the broker takes in one message"
PAUSE, LONGEST_PAUSE = 0.2, 30.0


class SnapshotLine:
    """The loop; ``run`` is its thread's body."""

    def __init__(self, centre: Centre, address: BrokerAddress) -> None:
        self._centre, self._shared = centre, address.shared
        # No session: who asked while the hub was away has given up.
        self._address = replace(address, client_id=f"{address.client_id}-snapshots", shared=True)
        self._handing = Handing(centre, centre.shelf)
        self._seals = Seals(centre.ring)
        self._stop = threading.Event()
        self._asks = {chunks.ASK: Queue(), chunks.WANT: Queue()}
        self._room = Room()
        self._up = False
        self._largest = messages.BYTES_AT_MOST
        self._announced: datetime | None = None
        self._look_next = 0.0  # monotonic
        self._problem = ""

    def stop(self) -> None:
        """Ends the loop."""
        self._stop.set()

    def run(self) -> None:
        """Keeps a line to the broker until stopped."""
        pause = PAUSE
        while not self._stop.is_set():
            pause = PAUSE if self._serve() else min(LONGEST_PAUSE, pause * 2)
            self._stop.wait(random.uniform(pause / 2, pause))  # noqa: S311  # jitter, no secret

    def _serve(self) -> bool:
        """One line from its beginning to its end; whether the broker let us in."""
        client, was_up = self._make(), False
        try:
            wires.connect(client, self._address, messages.RECEIVED_AT_MOST)
        except OSError as error:
            self._note(str(error))
            return False
        until = time.monotonic() + CONNECT_SECONDS
        while not self._stop.is_set() and client.loop(TICK_SECONDS) == mqtt.MQTT_ERR_SUCCESS:
            was_up = was_up or self._up
            if not was_up and time.monotonic() > until:
                self._note(f"does not answer within {CONNECT_SECONDS:g} s")
                break
            self._answer_all(client)
            if self._up and time.monotonic() >= self._look_next:
                self._look_next = time.monotonic() + LOOK_SECONDS
                self._announce(client)
        client.disconnect()
        self._up = False
        return was_up

    # what comes in

    def _take(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        station, _, leaf = message.topic.removeprefix(f"{ROOT}/s/").partition("/")
        if self._centre.tokens.named(station) is None:
            self._centre.tally.add(f"{leaf}: of a station nobody registered")
        elif not (self._shared or self._centre.takes):
            pass  # another hub's to answer
        elif len(message.payload) > ASK_BYTES_AT_MOST:
            self._centre.refuse(leaf, f"longer than {ASK_BYTES_AT_MOST} bytes", station)
        else:
            if leaf == chunks.WANT:
                self._room.arrived(station)
            asked = Asked(bytes(message.payload), message.properties, time.monotonic())
            if not self._asks[leaf].put(station, asked):
                self._centre.tally.add(f"{leaf}: too many wait already")

    def _answer_all(self, client: mqtt.Client) -> None:
        """One after the other, each when the one before is on its way to the broker."""
        while not client.want_write() and (leaf := self._next()):
            self._answer(client, leaf, *self._asks[leaf].take())

    def _next(self) -> str:
        """What is to be answered next, or nothing: offers first, chunks as long as there is room for them."""
        if len(self._asks[chunks.ASK]):
            return chunks.ASK
        has_room = self._room.is_for(chunks.MOST_BYTES, time.monotonic())
        return chunks.WANT if len(self._asks[chunks.WANT]) and has_room else ""

    def _answer(self, client: mqtt.Client, leaf: str, station: str, asked: Asked) -> None:
        with self._dropping(leaf, station):
            said = self._offered(station, asked) if leaf == chunks.ASK else self._chunk(station, asked)
            reply = chunks.OFFER if leaf == chunks.ASK else chunks.CHUNK
            properties = wires.correlation(asked.properties)
            client.publish(f"{ROOT}/s/{station}/{reply}", said, qos=0, properties=properties)

    @contextmanager
    def _dropping(self, leaf: str, station: str) -> Iterator[None]:
        """What cannot be answered now is asked again; what is no ask never is answered."""
        try:
            yield
        except BadMessage as problem:
            self._centre.refuse(leaf, str(problem), station)
        except AWAY:
            self._centre.tally.add(f"{leaf}: the database is busy or away")
        except (OSError, ValueError):
            self._centre.tally.add(f"{leaf}: the folder of snapshots cannot be read")

    def _offered(self, station: str, asked: Asked) -> bytes:
        """The sealed offer: nothing, for whom none are handed out; an error when the seal is not for this hub."""
        ask = messages.sealed_ask(asked.payload, station, chunks.OFFER)
        self._refuse_late(asked, ask.not_after)
        opened = self._seals.opened(ask)
        if opened is None:
            self._centre.tally.add("snapshot: the seal does not open with this hub's key", station=station)
            return wire.encode(wire.SealedAnswer(ask.id, error=NOT_OURS))
        channel, plain = opened
        wanted = messages.decoded(plain, OfferAsk)
        try:
            offer = self._handing.offer(station, wanted.have, wanted.key, need_key=wanted.need_key)
        except NotHandedOut:
            offer = Offer()
        said = wire.encode(seal(channel, wire.encode(offer), ask.id))
        if len(said) <= self._largest - chunks.ROOM_FOR_HEADS:
            return said
        self._centre.tally.add(f"snapshot: {TOO_LARGE}")
        return wire.encode(wire.SealedAnswer(ask.id, error=TOO_LARGE))

    def _chunk(self, station: str, asked: Asked) -> bytes:
        ask = messages.decoded(asked.payload, ChunkAsk)
        self._refuse_late(asked, ask.not_after)
        most = min(ask.most, self._largest - chunks.ROOM_FOR_HEADS)
        if most < 1:
            raise BadMessage(TOO_LARGE)
        try:
            raw = self._handing.piece(station, ask.name, ask.number, ask.offset, most)
        except NotHandedOut:
            raw = None
        self._room.give(station, len(raw or b""), time.monotonic())
        return chunks.write_chunk(Chunk(ask.id, raw or None))

    def _refuse_late(self, asked: Asked, not_after: datetime) -> None:
        if asked.is_over(not_after, datetime.now(UTC), time.monotonic()):
            raise BadMessage("expired")

    # what goes out

    def _announce(self, client: mqtt.Client) -> None:
        """Says which version there is when that has changed, and on every connect, for brokers forget."""
        shelf = self._centre.shelf
        if shelf is None or not self._centre.leads:
            self._announced = None
            return
        try:
            newest = shelf.newest()
        except (OSError, ValueError):
            self._centre.tally.add("snapshot: the folder of snapshots cannot be read")
            return
        if newest is not None and newest.as_of != self._announced:
            said = wire.encode(Newest(newest.group, newest.version, newest.key, newest.as_of))
            document = wire.encode(keys.sign(self._centre.ring.signing, said))
            client.publish(f"{ROOT}/{chunks.NEWEST}", document, qos=1, retain=True)
            self._announced = newest.as_of

    # the line

    def _make(self) -> mqtt.Client:
        for queue in self._asks.values():
            queue.clear()
        self._up, self._announced, self._look_next = False, None, 0.0
        client = wires.make(self._address)
        client.on_connect, client.on_disconnect, client.on_message = self._on_connect, self._on_disconnect, self._take
        return client

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        if reason.is_failure:
            self._note(f"refused: {reason}")
            return
        self._note("")
        self._largest = min(messages.BYTES_AT_MOST, getattr(properties, "MaximumPacketSize", messages.BYTES_AT_MOST))
        client.subscribe(wires.subscriptions(self._shared, wires.SNAPSHOT_LEAVES))
        self._up = True

    def _on_disconnect(
        self, _client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self._up = False
        if not self._stop.is_set():
            self._note(f"the line broke: {reason}")

    def _note(self, problem: str) -> None:
        """Logged once a change."""
        if problem and problem != self._problem:
            where = {"broker": f"{self._address.host}:{self._address.port}", "problem": problem}
            log.warning("no snapshots over the broker now", extra=where)
        elif self._problem and not problem:
            log.info("snapshots over the broker again")
        self._problem = problem
