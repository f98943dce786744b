"""Look-ups over HTTP in a hub that asks the province system: awaited on the server's own loop, joined on it, too."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from core.model import Subject
from core.wire import Answer, Answers, Ask, Asks
from hub.province.desk import Desk
from hub.province.kept import Answered
from hub.storage.store import Store


class Inquiries:
    """Answers with ``NotAnswered`` raised when nobody can say; belongs to the server's thread."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self._store = store
        self._desk = desk
        self._joined = desk.joined(store.reader())

    def close(self) -> None:
        """Lets go of the connection."""
        self._joined.close()

    async def answer(self, ask: Ask) -> Answer:
        """One person's standing."""
        told = await asyncio.wrap_future(self._desk.ask(Subject(ask.who.scheme, ask.who.value)))
        return self._joined.answer(ask, told, datetime.now(UTC))

    async def answer_all(self, asks: Asks) -> Answers:
        """Many people's, joined on a thread and a connection of their own so that gates need not wait."""
        told = await asyncio.wrap_future(self._desk.ask_all([Subject(who.scheme, who.value) for who in asks.who]))
        return await asyncio.to_thread(self._join_all, asks, told)

    def _join_all(self, asks: Asks, told: list[Answered | None]) -> Answers:
        with self._store.reading() as connection:
            return self._desk.joined(connection).answer_all(asks, told, datetime.now(UTC))
