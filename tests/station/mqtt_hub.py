"""A small hub of a test's own on a real broker: answers asks, holds rows, keeps quiet or talks rubbish when told to."""

from __future__ import annotations

import base64
import itertools
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import paho.mqtt.client as mqtt
from lines_end import end
from paho.mqtt.enums import CallbackAPIVersion

from core import keys, wire
from core.model import Standing

PRIVATE, PUBLIC = keys.new_sealing_key()


def now() -> datetime:
    return datetime.now(UTC)


def page_of(refused: list[wire.Refused], batch: wire.Batch) -> tuple[tuple[wire.Refused, ...], int]:
    """The newest refused rows below what was asked for, as many as a mark names, and how many there are below those."""
    below = [each for each in refused if not batch.refused_before or each.seq < batch.refused_before]
    return tuple(below[-PAGE:]), len(below[:-PAGE])


PAGE = 4


class SmallHub:
    """Counts every row it is brought; ``held`` says how far, unless ``silent``."""

    def __init__(self, port: int, station: str = "gate-1", *, username: str = "", password: str = "") -> None:
        self.station = station
        self.people: dict[str, Standing] = {}
        self.asked: queue.Queue[wire.SealedAsk] = queue.Queue()
        self.batches: queue.Queue[wire.Batch] = queue.Queue()
        self.states: queue.Queue[wire.State] = queue.Queue()
        self.rows: dict[str, list[bytes]] = {}  # epoch/seq → every copy that came
        self.refused: list[wire.Refused] = []
        self.silent = False
        self.answers = True
        self.before_answer: Callable[[wire.SealedAsk], None] = lambda _: None
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="hub", protocol=mqtt.MQTTv5)
        self._client.username_pw_set(username, password)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda client, *_: client.subscribe("tq/v1/s/#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = lambda _client, _data, message: self._take(message.topic, message.payload)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._subscribed.wait(60)

    @property
    def connected(self) -> bool:
        """Whether the broker holds its line, and has brought all that there was when it does not."""
        return self._client.is_connected()

    def say(self, leaf: str, payload: bytes, *, retain: bool = False, qos: int = 1) -> None:
        self._client.publish(f"tq/v1/s/{self.station}/{leaf}", payload, qos=qos, retain=retain)

    def hold(self, epoch: str, through: int, *refused: wire.Refused, station: str = "") -> None:
        mark = wire.HeldMark(station or self.station, epoch, through, now(), refused)
        self.say("held", wire.encode(mark), retain=True)

    def tell(self, batch: wire.Batch) -> None:
        """Says how far it holds a journal, and some of the rows that it refuses."""
        told, older = page_of(self.refused, batch)
        mark = wire.HeldMark(self.station, batch.epoch, self.through(batch.epoch), now(), told)
        mark = msgspec.structs.replace(mark, refused_older=older, refused_before=batch.refused_before)
        self.say("held", wire.encode(mark), retain=not batch.refused_before)

    def announce(self, document: bytes, scope: str = "all") -> None:
        self._client.publish(f"tq/v1/policy/{scope}", document, qos=1, retain=True)

    def sealed(self, ask: wire.SealedAsk, answer: wire.Answer) -> bytes:
        channel = keys.AskingChannel.hub(PRIVATE, base64.b64decode(ask.key))
        box = channel.seal_answer(wire.encode(answer), ask.id)
        return wire.encode(wire.SealedAnswer(ask.id, base64.b64encode(box).decode()))

    def opened(self, ask: wire.SealedAsk) -> wire.Ask:
        channel = keys.AskingChannel.hub(PRIVATE, base64.b64decode(ask.key))
        return msgspec.json.decode(channel.open_ask(base64.b64decode(ask.box), ask.id), type=wire.Ask)

    def _take(self, topic: str, payload: bytes) -> None:
        leaf = topic.split("/", 4)[4]
        if leaf == "ask":
            ask = msgspec.json.decode(payload, type=wire.SealedAsk)
            self.before_answer(ask)
            self.asked.put(ask)
            if self.answers:
                who = self.opened(ask).who
                self.say("answer", self.sealed(ask, wire.Answer(self.people.get(who.value), now())), qos=0)
        elif leaf == "checkins":
            self._hold(msgspec.json.decode(payload, type=wire.Batch))
        elif leaf == "state" and payload:
            self.states.put(msgspec.json.decode(payload, type=wire.State))

    def _hold(self, batch: wire.Batch) -> None:
        for seq, raw in enumerate(batch.rows, start=batch.first):
            self.rows.setdefault(f"{batch.epoch}/{seq}", []).append(bytes(raw))
        if batch.rows:
            self.batches.put(batch)
        if not self.silent:
            self.tell(batch)

    def through(self, epoch: str) -> int:
        """How far it has the rows of a journal without a gap."""
        return next(seq for seq in itertools.count() if f"{epoch}/{seq + 1}" not in self.rows)

    def close(self) -> None:
        end(self._client)
