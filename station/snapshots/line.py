"""Snapshots over the broker, for a station whose only way to its hub that is: sealed offers, pieces in chunks.

One chunk is asked for at a time, no larger than what the line carries within about a second, and none while a look-up
is under way.  What has come of a piece is kept in memory until it is whole: a line that is cut goes on where it was.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from core import chunks, wire
from core.chunks import Chunk, ChunkAsk, OfferAsk
from core.snapshot import Offer
from station.asking import GLANCE, Way
from station.errors import HubUnreachable
from station.link import MqttHub
from station.pace import Pace

_OFFERS: Final = Way(chunks.ASK, chunks.OFFER)
_CHUNKS: Final = Way(chunks.WANT, chunks.CHUNK)
_PATIENCE: Final = 10.0
"""Seconds that a hub may take for a chunk whose queue is long; what it has no room for it does not answer."""
_LOOK: Final = 0.1
_MOST_WAITING: Final = 4
_IN_VAIN: Final = 3
"""Chunks that did not come, one after the other, before the piece is left for later."""


class SnapshotLine:
    """Where snapshots come from over MQTT; used by one thread, which waits for nothing once ``stop`` is set."""

    def __init__(
        self, line: MqttHub, now: Callable[[], datetime], stop: threading.Event, patience: float = _PATIENCE
    ) -> None:
        self._line, self._now, self._stop = line, now, stop
        self._pace = Pace(chunks.MOST_BYTES, patience)
        self._which = ("", 0)
        self._part = bytearray()
        line.asks.hear(_OFFERS, _MOST_WAITING)
        self._inbox = line.asks.hear(_CHUNKS, _MOST_WAITING)

    def offer(self, have: int, key: str, *, need_key: bool, deadline: float) -> Offer:
        """On ``snapshot/ask``, sealed as look-ups are."""
        ask, until = wire.encode(OfferAsk(have, key, need_key)), time.monotonic() + deadline
        self._await_line(until)
        left = max(GLANCE, until - time.monotonic())
        return self._line.asks.exchange(_OFFERS, ask, Offer, self._now(), left, self._stop.is_set)

    def piece(self, name: str, number: int, size: int, deadline: float) -> bytes:
        """On ``snapshot/want``, chunk by chunk; what came stays for the next time when the rest does not."""
        if self._which != (name, number) or len(self._part) > size:
            self._which, self._part = (name, number), bytearray()
        until, in_vain = time.monotonic() + deadline, 0
        while len(self._part) < size:
            self._await_line(until)
            left = until - time.monotonic()
            if left <= 0 or in_vain == _IN_VAIN or self._stop.is_set():
                raise HubUnreachable(self._line.name, "the rest of a piece of the snapshot did not come in time")
            raw = self._chunk(size - len(self._part), left)
            in_vain = in_vain + 1 if raw is None else 0
            self._part += raw or b""
        whole, self._part = bytes(self._part), bytearray()
        self._inbox.clear()  # what came twice
        return whole

    def _await_line(self, until: float) -> None:
        """Until the broker holds the line, or it is not to be waited for any longer."""
        while not self._line.connected and time.monotonic() < until and not self._stop.is_set():
            self._stop.wait(_LOOK)

    def _chunk(self, missing: int, left: float) -> bytes | None:
        """The next bytes, None when they did not come in time; asks for as many as the line carries."""
        self._line.quiet.wait(GLANCE)
        most = max(1, min(self._pace.size, missing, self._line.largest - chunks.ROOM_FOR_HEADS))
        deadline, begun = min(left, self._pace.deadline(most)), time.monotonic()
        ask_id, _ = self._line.asks.begin(_CHUNKS)
        (name, number), not_after = self._which, self._now() + timedelta(seconds=deadline)
        ask = ChunkAsk(ask_id, name, number, len(self._part), most, not_after)
        self._line.asks.put(_CHUNKS, ask_id, wire.encode(ask), deadline)
        chunk = self._answer(ask_id, begun + deadline)
        if chunk is None:
            self._pace.lost(most, deadline)
            return None
        if chunk.raw is None or len(chunk.raw) > most:
            self._part = bytearray()
            told = "has no such piece of a snapshot any more" if chunk.raw is None else "sends more than was asked for"
            raise HubUnreachable(self._line.name, told)
        self._pace.arrived(len(chunk.raw), time.monotonic() - begun)
        return chunk.raw

    def _answer(self, ask_id: str, until: float) -> Chunk | None:
        """The chunk for this ask; those for others, late or doubled, and what is none count for nothing."""
        while (left := until - time.monotonic()) > 0 and not self._stop.is_set():
            if not self._line.connected:
                return None
            try:
                chunk = chunks.read_chunk(self._inbox.get(min(left, GLANCE)))
            except (queue.Empty, ValueError):
                continue
            if chunk.id == ask_id:
                return chunk
        return None
