"""Who waits for a piece of a snapshot, and whose turn it is: bounded, however many stations fetch at once.

What does not fit is not answered, and asked again: a station asks for one chunk at a time, and waits for it.
"""

from __future__ import annotations

from collections import OrderedDict

from paho.mqtt.properties import Properties

from core.model import Moment

ASKS_AT_MOST = 512
SERVED_AT_MOST = 64
"""Stations that get chunks at the same time; so many chunks may wait at the broker for lines that are slow."""
TURN_SECONDS = 10.0
"""A station that has not asked for so long makes room for another."""


class Asked:
    """One ask as it came, at ``at`` (monotonic seconds)."""

    def __init__(self, payload: bytes, properties: Properties | None, at: float) -> None:
        self.payload, self.properties, self.at = payload, properties, at

    def is_over(self, not_after: Moment, now: Moment, monotonic: float) -> bool:
        """Whether its asker waits no longer: by the age that the broker minds, else by what it says itself."""
        expiry: int | None = getattr(self.properties, "MessageExpiryInterval", None)
        return not_after < now if expiry is None else monotonic > self.at + expiry


class Queue:
    """The newest ask of each station and topic, in the order in which they came."""

    def __init__(self) -> None:
        self._asks: OrderedDict[tuple[str, str], Asked] = OrderedDict()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._asks)

    def put(self, station: str, leaf: str, asked: Asked) -> bool:
        """Takes one, in the place of an earlier one of the same; False when there is no room."""
        if (station, leaf) not in self._asks and len(self._asks) >= ASKS_AT_MOST:
            return False
        self._asks[station, leaf] = asked
        return True

    def take(self) -> tuple[str, str, Asked]:
        """The one that waits longest: station, topic, ask."""
        (station, leaf), asked = self._asks.popitem(last=False)
        return station, leaf, asked

    def clear(self) -> None:
        """Forgets them all."""
        self._asks.clear()


class Turns:
    """Which stations are served now."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}

    def admit(self, station: str, monotonic: float) -> bool:
        """Whether this station gets a chunk now; it is among those who do as long as it goes on asking."""
        if station not in self._last and len(self._last) >= SERVED_AT_MOST:
            self._last = {name: at for name, at in self._last.items() if monotonic - at < TURN_SECONDS}
            if len(self._last) >= SERVED_AT_MOST:
                return False
        self._last[station] = monotonic
        return True
