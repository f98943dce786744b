"""A small hub on a real broker that hands out snapshots in chunks, and misbehaves when told to."""

from __future__ import annotations

import base64
import queue
from collections.abc import Callable

from mqtt_hub import PRIVATE, SmallHub
from snapshots import Centre

from core import chunks, keys, snapshot, wire
from core.chunks import Chunk, ChunkAsk, OfferAsk, write_chunk
from core.snapshot import Offer

NAME = "0123456789abcdef-00001-00000"


def whole(ask: ChunkAsk, raw: bytes | None) -> list[bytes]:
    """One right answer."""
    return [write_chunk(Chunk(ask.id, raw))]


class ChunkHub(SmallHub):
    """Hands out what a centre offers, and ``content`` by name and number; ``replies`` are what is said to an ask."""

    def __init__(self, port: int, centre: Centre | None = None) -> None:
        self.centre = centre if centre is not None else Centre()
        self.content: dict[tuple[str, int], bytes] = {}
        self.wanted: list[ChunkAsk] = []
        self.offers_asked: queue.Queue[OfferAsk] = queue.Queue()
        self.seen: list[bytes] = []
        self.order: list[str] = []
        self.replies: Callable[[ChunkAsk, bytes | None], list[bytes]] = whole
        self.offered: Callable[[wire.SealedAsk, Offer], bytes] = self.sealed_offer
        super().__init__(port)

    def sealed_offer(self, ask: wire.SealedAsk, offer: Offer) -> bytes:
        channel = keys.AskingChannel.hub(PRIVATE, base64.b64decode(ask.key))
        box = channel.seal_answer(wire.encode(offer), ask.id)
        return wire.encode(wire.SealedAnswer(ask.id, base64.b64encode(box).decode()))

    def _take(self, topic: str, payload: bytes) -> None:
        self.seen.append(payload)
        leaf = topic.split("/", 4)[4]
        self.order.append(leaf)
        if leaf == chunks.WANT:
            self._hand_out(wire.decode(payload, ChunkAsk))
        elif leaf == chunks.ASK:
            self._offer(wire.decode(payload, wire.SealedAsk))
        else:
            super()._take(topic, payload)

    def _hand_out(self, ask: ChunkAsk) -> None:
        self.wanted.append(ask)
        piece = self.content.get((ask.name, ask.number))
        raw = piece[ask.offset : ask.offset + ask.most] if piece is not None else None
        for said in self.replies(ask, raw):
            self.say(chunks.CHUNK, said, qos=0)

    def _offer(self, ask: wire.SealedAsk) -> None:
        channel = keys.AskingChannel.hub(PRIVATE, base64.b64decode(ask.key))
        said = wire.decode(channel.open_ask(base64.b64decode(ask.box), ask.id), OfferAsk)
        self.offers_asked.put(said)
        offer = self.centre.offer(said.have, said.key, need_key=said.need_key, deadline=1)
        if offer.manifest is not None:
            manifest, pieces = self.centre.offers[(said.have, said.key)]
            name = f"{snapshot.key_name(self.centre.key)}-{manifest.version:05d}-{manifest.base:05d}"
            self.content.update({(name, number): raw for number, raw in enumerate(pieces)})
            offer = Offer(offer.manifest, name, offer.key)
        self.say(chunks.OFFER, self.offered(ask, offer), qos=0)
