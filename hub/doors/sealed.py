"""Sealed asks, opened and answered: the hub's end of what broker and network must not see."""

from __future__ import annotations

import base64
from functools import lru_cache

from core import keys, wire
from hub.storage.keyring import Keyring

CHANNELS_KEPT = 4_096
NOT_OURS = "the ask is not sealed to this hub's key"


class Seals:
    """Opens sealed asks; a key agreement is kept for each station that asks."""

    def __init__(self, ring: Keyring) -> None:
        self._ring = ring
        self._channel = lru_cache(CHANNELS_KEPT)(keys.AskingChannel.hub)

    def opened(self, ask: wire.SealedAsk) -> tuple[keys.AskingChannel, bytes] | None:
        """The channel and what came by it, by whichever sealing key of the hub's it was sealed to; None: by none."""
        try:
            asking, box = keys.decode_key(ask.key), base64.b64decode(ask.box, validate=True)
        except ValueError:
            return None
        for private in self._ring.seals.candidates(ask.to):
            try:
                channel = self._channel(private, asking)
                return channel, channel.open_ask(box, ask.id)
            except ValueError:
                continue
        return None


def seal(channel: keys.AskingChannel, answer: bytes, ask_id: str) -> wire.SealedAnswer:
    """The answer in its box."""
    return wire.SealedAnswer(ask_id, box=base64.b64encode(channel.seal_answer(answer, ask_id)).decode())
