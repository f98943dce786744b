"""A station that fetches snapshots by its line to the broker."""

import base64
import secrets
from datetime import timedelta

import msgspec
from hub_stand import Line, now

from core import chunks, keys, wire
from core.chunks import MOST_BYTES, ChunkAsk, Newest, OfferAsk, read_chunk
from core.snapshot import Offer


class Fetcher:
    """A station that fetches by its line."""

    def __init__(self, line: Line, sealing_key: str) -> None:
        self.line, self.sealing_key = line, sealing_key
        self.channel = keys.AskingChannel.station(line.private, keys.decode_key(sealing_key))
        line.own(chunks.OFFER).own(chunks.CHUNK).subscribe("tq/v1/snapshot")

    def ask(self, said: OfferAsk | bytes, ask_id: str = "", **changed: object) -> str:
        ask_id = ask_id or secrets.token_hex(8)
        plain = said if isinstance(said, bytes) else wire.encode(said)
        sealed = wire.SealedAsk(
            id=ask_id,
            key=self.line.public,
            box=base64.b64encode(self.channel.seal_ask(plain, ask_id)).decode(),
            reply=f"tq/v1/s/{self.line.name}/{chunks.OFFER}",
            not_after=now() + timedelta(seconds=60),
        )
        self.line.publish(chunks.ASK, wire.encode(msgspec.structs.replace(sealed, **changed)), qos=0)
        return ask_id

    def offer(self, said: OfferAsk) -> Offer:
        return self.opened(self.ask(said))

    def opened(self, ask_id: str) -> Offer:
        sealed = self.answer()
        assert (sealed.id, sealed.error) == (ask_id, "")
        return wire.decode(self.channel.open_answer(base64.b64decode(sealed.box), ask_id), Offer)

    def answer(self) -> wire.SealedAnswer:
        return wire.decode(self.line.next(chunks.OFFER), wire.SealedAnswer)

    def want(self, name: str, number: int, offset: int = 0, most: int = MOST_BYTES) -> ChunkAsk:
        ask = ChunkAsk(secrets.token_hex(8), name, number, offset, most, now() + timedelta(seconds=60))
        self.line.publish(chunks.WANT, wire.encode(ask), qos=0)
        return ask

    def chunk(self, *wanted: object, **bounds: int) -> bytes | None:
        ask = self.want(*wanted, **bounds)
        chunk = read_chunk(self.line.next(chunks.CHUNK))
        assert chunk.id == ask.id
        return chunk.raw

    def newest(self, policy_key: str) -> Newest:
        document = wire.decode(self.line.next("tq/v1/snapshot"), wire.Signed)
        return wire.decode(keys.verify(keys.decode_key(policy_key), document), Newest)
