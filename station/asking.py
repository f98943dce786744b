"""Sealed asks over a broker and their answers: look-ups, and what else a station asks its hub where only MQTT passes.

One at a time each way, each answered under a topic of the station's own.
"""

from __future__ import annotations

import base64
import itertools
import queue
import secrets
import struct
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties

from core import answers, keys, wire
from station.errors import HubCannotSay, HubUnreachable
from station.handover import Handover

GLANCE = 1.0
"""Seconds between looks at whether an answer is still waited for."""

_EXPIRY, _TEXT = struct.Struct(">BI"), struct.Struct(">BH")

Said = TypeVar("Said")


class Way(msgspec.Struct, frozen=True):
    """Two topics under the station's own: where something is asked, and where it is answered."""

    ask: str
    answer: str


class Asks:
    """Everything that is asked on one line; a way is heard of before the line is opened."""

    def __init__(self, client: mqtt.Client, own: str, name: str, sealing_key: bytes) -> None:
        self._client, self._own, self._name = client, own, name
        private, public = keys.new_sealing_key()
        self._private = private
        self._line_to_hub = keys.AskingChannel.station(private, sealing_key), ""
        self._asking_key = keys.encode_key(public)
        self._ids = itertools.count(secrets.randbits(32))
        self._inboxes: dict[str, Handover[bytes]] = {}
        self._room: dict[str, int] = {}

    @property
    def topics(self) -> tuple[str, ...]:
        """What is to be listened to."""
        return tuple(f"{self._own}/{leaf}" for leaf in self._inboxes)

    def hear(self, way: Way, most: int) -> Handover[bytes]:
        """Has what the hub answers this way put aside, ``most`` of it before somebody looks."""
        self._room[way.answer] = most
        return self._inboxes.setdefault(way.answer, Handover())

    def take(self, leaf: str, payload: bytes) -> bool:
        """Puts an answer where it is waited for; False for what is none.  By paho's thread: it never waits."""
        inbox = self._inboxes.get(leaf)
        if inbox is not None and len(inbox) < self._room[leaf]:
            inbox.put(payload)
        return inbox is not None

    def seal_to(self, public: bytes, name: str) -> None:
        """Has what is asked sealed to another key of the hub's from now on; one under way goes on as it began."""
        self._line_to_hub = keys.AskingChannel.station(self._private, public), name

    def exchange(
        self,
        way: Way,
        plain: bytes,
        kind: type[Said],
        at: datetime,
        deadline: float,
        broken_off: Callable[[], bool] = lambda: False,
    ) -> Said:
        """Asks something sealed and opens its answer.

        ``HubUnreachable`` when none comes within ``deadline`` seconds or the line is down.
        """
        ask_id, inbox = self.begin(way)
        channel = self._seal(way, ask_id, plain, at, deadline)
        until = time.monotonic() + deadline
        while (left := until - time.monotonic()) > 0 and not broken_off():
            try:
                answer = self._opened(inbox.get(min(left, GLANCE)), ask_id, channel, kind)
            except queue.Empty:
                continue
            if answer is not None:
                return answer
        raise HubUnreachable(self._name, f"no answer within {deadline:g} s")

    def begin(self, way: Way) -> tuple[str, Handover[bytes]]:
        """A fresh id for an ask and where its answer will lie; ``HubUnreachable`` while the line is down."""
        if not self._client.is_connected():
            raise HubUnreachable(self._name, "no connection to the broker")
        inbox = self._inboxes[way.answer]
        inbox.clear()
        return f"{next(self._ids):016x}", inbox

    def put(self, way: Way, ask_id: str, ask: bytes, deadline: float) -> None:
        """Publishes an ask, which the broker forgets when nobody waits for its answer any more."""
        properties = AskProperties(f"{self._own}/{way.answer}", ask_id, max(1, round(deadline + 0.5)))
        self._client.publish(f"{self._own}/{way.ask}", ask, qos=0, properties=properties)

    def _seal(self, way: Way, ask_id: str, plain: bytes, at: datetime, deadline: float) -> keys.AskingChannel:
        channel, sealed_to = self._line_to_hub
        sealed = wire.SealedAsk(
            id=ask_id,
            key=self._asking_key,
            box=base64.b64encode(channel.seal_ask(plain, ask_id)).decode(),
            reply=f"{self._own}/{way.answer}",
            not_after=at + timedelta(seconds=deadline),
            to=sealed_to,
        )
        self.put(way, ask_id, wire.encode(sealed), deadline)
        return channel

    def _opened(self, payload: bytes, ask_id: str, channel: keys.AskingChannel, kind: type[Said]) -> Said | None:
        """The answer to this ask; None for a late one to another."""
        try:
            sealed = wire.decode(payload, wire.SealedAnswer)
            if sealed.id != ask_id:
                return None
            if sealed.error == answers.UNASKED:
                raise HubCannotSay(self._name, "cannot ask the province system")
            if sealed.error:  # not quoted: who knows what a hub says of whom
                raise HubUnreachable(self._name, "refuses to answer; its log says why")
            plain = channel.open_answer(base64.b64decode(sealed.box), ask_id)
            return wire.decode(plain, kind)
        except ValueError as error:
            raise HubUnreachable(self._name, "answers in words that are not a hub's") from error


class AskProperties(Properties):
    """An ask's response topic, correlation data and expiry, as MQTT 5 (2.2.2.2) lays them out.

    paho makes and packs the same three in 70 µs, a fiftieth of the way from a code to the lamp; this in two.
    """

    def __init__(self, reply: str, ask_id: str, seconds: int) -> None:
        topic, correlation = reply.encode(), ask_id.encode()
        object.__setattr__(self, "packed", _EXPIRY.pack(2, seconds) + _text(8, topic) + _text(9, correlation))

    def pack(self) -> bytes:
        """The bytes of all of them behind their length, of at most two bytes."""
        packed: bytes = object.__getattribute__(self, "packed")
        size = len(packed)
        return (bytes((size,)) if size < 128 else bytes((size & 127 | 128, size >> 7))) + packed


def _text(identifier: int, value: bytes) -> bytes:
    return _TEXT.pack(identifier, len(value)) + value
