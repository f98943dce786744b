"""Sealed look-ups: opened, answered and sealed again on one thread's own connection.

In one go, unless a province system is asked: then what was opened waits for its word, and is finished by it.  Many at
once are answered on a thread and a connection of their own, a bounded number of batches at a time, so that gates need
not wait.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core import answers, keys, wire
from core.model import Subject
from core.wire import SealedAnswer
from hub.centre import Centre
from hub.doors.sealed import NOT_OURS, Seals, seal
from hub.journals import messages
from hub.journals.messages import BadMessage
from hub.province.line import NotAnswered
from hub.register.standings import Standings
from hub.storage.weather import AWAY

ASK_BYTES_AT_MOST = 8_192
ASKS_BYTES_AT_MOST = 131_072
BATCHES_AT_MOST = 8
"""Batches opened and not answered yet, of all stations together; the next one is told to come again."""
BUSY = "too many look-ups wait already; ask again later"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An opened ask whose answer is not there yet: ``told`` is done when ``finish`` can give it at once."""

    sealed: wire.SealedAsk
    channel: keys.AskingChannel
    told: Future[Any]
    answer: Callable[[], wire.Answer | wire.Answers]


class Asks:
    """Answers sealed asks; a key agreement is kept for each station that asks."""

    def __init__(self, centre: Centre) -> None:
        self._centre = centre
        self._tally = centre.tally
        self._standings = centre.standings()
        self._province = centre.province
        self._joined = self._province.joined(centre.store.reader()) if self._province is not None else None
        self._seals = Seals(centre.ring)
        self._batches = ThreadPoolExecutor(1, "look-ups")
        self._under_way = 0

    def close(self) -> None:
        """Lets go of the connection, once the batches under way are answered."""
        self._batches.shutdown()
        self._standings.close()
        if self._joined is not None:
            self._joined.close()

    def answer(self, payload: bytes, station: str, now: datetime, *, may_expire: bool) -> tuple[str, bytes] | Waiting:
        """The topic and payload of the answer to one ask; ``BadMessage`` when there is nothing to say.

        ``may_expire``: hold the ask's own not-after against the hub's clock.  Off when the broker minds the message's
        age itself, which works however wrong the station's clock may be.
        """
        ask = messages.sealed_ask(payload, station)
        most = ASKS_BYTES_AT_MOST if ask.many else ASK_BYTES_AT_MOST
        if len(payload) > most:
            raise BadMessage(f"longer than {most} bytes")
        if may_expire and ask.not_after < now:
            raise BadMessage("expired")
        answered = self._answered(ask, station, now)
        return answered if isinstance(answered, Waiting) else (ask.reply, wire.encode(answered))

    def finish(self, waiting: Waiting) -> tuple[str, bytes]:
        """The answer once whoever was asked has said its word."""
        if waiting.sealed.many:
            self._under_way -= 1
        try:
            answer = wire.encode(waiting.answer())
        except (NotAnswered, *AWAY) as problem:
            return waiting.sealed.reply, wire.encode(self._unasked(waiting.sealed, problem))
        return waiting.sealed.reply, wire.encode(seal(waiting.channel, answer, waiting.sealed.id))

    def _answered(self, ask: wire.SealedAsk, station: str, now: datetime) -> SealedAnswer | Waiting:
        opened = self._seals.opened(ask)
        if opened is None:
            self._tally.add("ask: the seal does not open with this hub's key", station=station)
            return SealedAnswer(ask.id, error=NOT_OURS)
        channel, plain = opened
        try:
            if ask.many:
                return self._answer_many(ask, channel, messages.asks(plain))
            return self._answer_one(ask, channel, messages.ask(plain), now)
        except BadMessage as problem:
            self._tally.add(f"ask: {problem}", station=station)
            return SealedAnswer(ask.id, error=str(problem))
        except AWAY as problem:
            return self._unasked(ask, problem)

    def _unasked(self, ask: wire.SealedAsk, problem: Exception) -> SealedAnswer:
        """The station goes on with what it holds itself, at once."""
        if isinstance(problem, AWAY):
            self._tally.add("ask: the database is busy or away")
        return SealedAnswer(ask.id, error=answers.UNASKED)

    def _answer_one(
        self, sealed: wire.SealedAsk, channel: keys.AskingChannel, ask: wire.Ask, now: datetime
    ) -> SealedAnswer | Waiting:
        if self._province is None:
            return seal(channel, wire.encode(self._standings.answer(ask, now)), sealed.id)
        joined, told = self._joined, self._province.ask(Subject(ask.who.scheme, ask.who.value))
        assert joined is not None
        return Waiting(sealed, channel, told, lambda: joined.answer(ask, told.result(), datetime.now(UTC)))

    def _answer_many(
        self, sealed: wire.SealedAsk, channel: keys.AskingChannel, asks: wire.Asks
    ) -> SealedAnswer | Waiting:
        if self._under_way >= BATCHES_AT_MOST:
            return SealedAnswer(sealed.id, error=BUSY)
        self._under_way += 1
        told = self._batches.submit(self._look_up, asks)
        return Waiting(sealed, channel, told, told.result)

    def _look_up(self, asks: wire.Asks) -> wire.Answers:
        """On the batches' own thread, which may wait for a province system."""
        with self._centre.store.reading() as connection:
            if self._province is None:
                return Standings(connection, self._centre.ring).answer_all(asks, datetime.now(UTC))
            told = self._province.ask_all([Subject(who.scheme, who.value) for who in asks.who]).result()
            return self._province.joined(connection).answer_all(asks, told, datetime.now(UTC))
