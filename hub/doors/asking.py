"""Sealed look-ups: opened, answered and sealed again on one thread's own connection.

In one go, unless a province system is asked: then what was opened waits for its word, and is finished by it.
"""

from __future__ import annotations

import base64
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial

from core import answers, keys, wire
from core.model import Subject
from hub.centre import Centre
from hub.journals import messages
from hub.journals.messages import BadMessage
from hub.province.kept import Answered
from hub.province.line import NotAnswered

ASK_BYTES_AT_MOST = 8_192
CHANNELS_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class Waiting:
    """An opened ask whose person the province system is asked for."""

    sealed: wire.SealedAsk
    channel: keys.AskingChannel
    ask: wire.Ask
    told: Future[Answered | None]


class Asks:
    """Answers sealed asks; a key agreement is kept for each station that asks."""

    def __init__(self, centre: Centre) -> None:
        self._tally = centre.tally
        self._standings = centre.standings()
        self._province = centre.province
        self._joined = self._province.joined(centre.store.reader()) if self._province is not None else None
        self._channel = lru_cache(CHANNELS_KEPT)(partial(keys.AskingChannel.hub, centre.ring.sealing))

    def close(self) -> None:
        """Lets go of the connection."""
        self._standings.close()
        if self._joined is not None:
            self._joined.close()

    def answer(self, payload: bytes, station: str, now: datetime, *, may_expire: bool) -> tuple[str, bytes] | Waiting:
        """The topic and payload of the answer to one ask; ``BadMessage`` when there is nothing to say.

        ``may_expire``: hold the ask's own not-after against the hub's clock.  Off when the broker minds the message's
        age itself, which works however wrong the station's clock may be.
        """
        if len(payload) > ASK_BYTES_AT_MOST:
            raise BadMessage(f"longer than {ASK_BYTES_AT_MOST} bytes")
        ask = messages.sealed_ask(payload, station)
        if may_expire and ask.not_after < now:
            raise BadMessage("expired")
        answered = self._answered(ask, station, now)
        return answered if isinstance(answered, Waiting) else (ask.reply, wire.encode(answered))

    def finish(self, waiting: Waiting, now: datetime) -> tuple[str, bytes]:
        """The answer once the province system has said its word."""
        assert self._joined is not None
        try:
            answer = self._joined.answer(waiting.ask, waiting.told.result(), now)
        except NotAnswered:
            return waiting.sealed.reply, wire.encode(wire.SealedAnswer(waiting.sealed.id, error=answers.UNASKED))
        return waiting.sealed.reply, wire.encode(_seal(waiting.channel, wire.encode(answer), waiting.sealed.id))

    def _answered(self, ask: wire.SealedAsk, station: str, now: datetime) -> wire.SealedAnswer | Waiting:
        try:
            channel = self._channel(keys.decode_key(ask.key))
            plain = channel.open_ask(base64.b64decode(ask.box, validate=True), ask.id)
        except ValueError:
            self._tally.add("ask: the seal does not open with this hub's key", station=station)
            return wire.SealedAnswer(ask.id, error="the ask is not sealed to this hub's key")
        try:
            opened = messages.ask(plain)
        except BadMessage as problem:
            self._tally.add(f"ask: {problem}", station=station)
            return wire.SealedAnswer(ask.id, error=str(problem))
        if self._province is not None:
            told = self._province.ask(Subject(opened.who.scheme, opened.who.value))
            return Waiting(ask, channel, opened, told)
        return _seal(channel, wire.encode(self._standings.answer(opened, now)), ask.id)


def _seal(channel: keys.AskingChannel, answer: bytes, ask_id: str) -> wire.SealedAnswer:
    return wire.SealedAnswer(ask_id, box=base64.b64encode(channel.seal_answer(answer, ask_id)).decode())
