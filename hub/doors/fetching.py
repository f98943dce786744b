"""Who waits for a piece of a snapshot, and for how much there is room: bounded, however many stations fetch at once.

What does not fit is not answered, and asked again: a station asks for one chunk at a time, and waits for it.
"""

from __future__ import annotations

from collections import OrderedDict

from paho.mqtt.properties import Properties

from core.model import Moment

ASKS_AT_MOST = 1_024
ROOM_BYTES = 16 << 20
"""Bytes of chunks on their way to stations at the same time, which may all lie at the broker when lines are slow."""
LOST_SECONDS = 10.0
"""What a station was given so long ago has arrived, or never will, though it has not asked for more."""


class Asked:
    """One ask as it came, at ``at`` (monotonic seconds)."""

    def __init__(self, payload: bytes, properties: Properties | None, at: float) -> None:
        self.payload, self.properties, self.at = payload, properties, at

    def is_over(self, not_after: Moment, now: Moment, monotonic: float) -> bool:
        """Whether its asker waits no longer: by the age that the broker minds, else by what it says itself."""
        expiry: int | None = getattr(self.properties, "MessageExpiryInterval", None)
        return not_after < now if expiry is None else monotonic > self.at + expiry


class Queue:
    """The newest ask of each station, in the order in which they came."""

    def __init__(self) -> None:
        self._asks: OrderedDict[str, Asked] = OrderedDict()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._asks)

    def put(self, station: str, asked: Asked) -> bool:
        """Takes one, in the place of an earlier one of the same station; False when there is no room."""
        if station not in self._asks and len(self._asks) >= ASKS_AT_MOST:
            return False
        self._asks[station] = asked
        return True

    def take(self) -> tuple[str, Asked]:
        """Whoever waits longest, and what for."""
        return self._asks.popitem(last=False)

    def clear(self) -> None:
        """Forgets them all."""
        self._asks.clear()


class Room:
    """How much is on its way: slow lines take small chunks, so few bytes wait for them, and nobody for their end."""

    def __init__(self) -> None:
        self._given: OrderedDict[str, tuple[int, float]] = OrderedDict()  # bytes, since when
        self._bytes = 0

    def is_for(self, size: int, monotonic: float) -> bool:
        """Whether so many bytes more may go now."""
        while self._given and monotonic - next(iter(self._given.values()))[1] >= LOST_SECONDS:
            self.arrived(next(iter(self._given)))
        return self._bytes + size <= ROOM_BYTES

    def give(self, station: str, size: int, monotonic: float) -> None:
        """So many bytes go to a station."""
        self.arrived(station)
        self._given[station] = (size, monotonic)
        self._bytes += size

    def arrived(self, station: str) -> None:
        """What a station was given is there: it asks for more."""
        self._bytes -= self._given.pop(station, (0, 0.0))[0]
