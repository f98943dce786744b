"""A simulated station's look-ups: sealed asks on its line and what the hub answers, as a real station's are."""

from __future__ import annotations

import base64
import itertools
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from core import keys, wire
from core.model import GateKind
from core.wire import Answer, SealedAnswer, Who
from hub.simulation.line import Line
from hub.simulation.world import Agenda, Tally

PATIENCE = 0.8
"""Seconds that a gate waits for the hub's word, as a station's ``deadline`` is by itself."""

Told = Callable[[Answer | None, float], None]
"""Is given the answer, None when none came in time, and how long it took in milliseconds."""


class Inquiries:
    """What a station has asked and not been told yet; times are monotonic seconds."""

    def __init__(self, hub: bytes, agenda: Agenda, tally: Tally) -> None:
        private, public = keys.new_sealing_key()
        self._channel = keys.AskingChannel.station(private, hub)
        self._key = keys.encode_key(public)
        self._agenda, self._tally = agenda, tally
        self._ids = itertools.count(secrets.randbits(40) << 20)
        self._open: dict[str, tuple[Told, float]] = {}

    def ask(self, line: Line, who: Who, gate: GateKind, at: datetime, mono: float, told: Told) -> None:
        """Asks who somebody is; ``told`` hears of it once, within ``PATIENCE``."""
        name = f"{next(self._ids):016x}"
        box = self._channel.seal_ask(wire.encode(wire.Ask(who, gate, at)), name)
        line.ask(name, partial(self._sealed, name, base64.b64encode(box).decode(), at), PATIENCE)
        self._open[name] = (told, mono)
        self._tally.asked += 1
        self._agenda.at(mono + PATIENCE, partial(self._give_up, name))

    def hear(self, payload: bytes, mono: float) -> None:
        """Takes in an answer; one that is late, or is none of ours, says nothing."""
        try:
            sealed = wire.decode(payload, SealedAnswer)
            told, asked = self._open[sealed.id]
            answer = wire.decode(self._channel.open_answer(base64.b64decode(sealed.box), sealed.id), Answer)
        except (KeyError, ValueError):
            return
        del self._open[sealed.id]
        self._tally.answered += 1
        self._tally.unknown += answer.standing is None
        told(answer, 1_000 * (mono - asked))

    def _sealed(self, name: str, box: str, at: datetime, reply: str) -> bytes:
        return wire.encode(wire.SealedAsk(name, self._key, box, reply, at + timedelta(seconds=PATIENCE)))

    def _give_up(self, name: str, mono: float) -> None:
        if waiting := self._open.pop(name, None):
            told, asked = waiting
            told(None, 1_000 * (mono - asked))
