"""How many bytes of rows to bring at once, and how long to wait for the hub's word: by what the line has carried.

A live look-up shares the line with the rows.  So few are brought at once that it is theirs for a moment only.
"""

from __future__ import annotations

LEAST = 1024
_FIRST = 2 * 1024
_TARGET = 1.0
"""Seconds for which a batch may keep the line from a look-up, beyond what any message takes on it."""
_SLOWEST = 512.0
"""Bytes a second of a line that nothing is known of yet."""
_SLOWER = 4.0
"""By how much a line may suddenly be slower than it was without a batch counting as lost."""
_LONGEST = 6.0
"""Times its patience, and no longer: a hub that says nothing must be told from a slow line some time."""
_ALIKE = (0.8, 1.25)
_FASTEST = 1e-7
_SOONEST = 1e-3
_BOLDEST = 64.0
"""By how much a batch may grow at most; by less when so many bytes could last longer than half the target."""
_AMISS = (0.5, 0.5)  # seconds, share
_Sample = tuple[int, float]


class Pace:
    """The size of the next batch: smaller after one in vain, larger when they go well; ``most`` bytes at most.

    Two batches of different size tell a line that is slow from one that is only long.  ``patience`` is what the hub
    itself may take, in seconds.
    """

    def __init__(self, most: int, patience: float) -> None:
        self._most, self.patience = most, patience
        self._size = min(most, _FIRST)
        self._last: _Sample | None = None  # bytes, seconds
        self._a_byte: float | None = None  # seconds

    @property
    def size(self) -> int:
        """Bytes to bring at once; a single row may be larger."""
        return self._size

    def deadline(self, sent: int) -> float:
        """Seconds to wait for the hub's word on so many bytes."""
        a_byte = 1 / _SLOWEST if self._last is None else _SLOWER * self._last[1] / self._last[0]
        return min(self.patience + sent * a_byte, _LONGEST * self.patience)

    def arrived(self, sent: int, seconds: float) -> None:
        """So many bytes took so long, the hub's word included."""
        self._learn(sent, seconds)
        if sent < self._size / 2:
            return
        step = min(_BOLDEST, max(2.0, _TARGET / 2 / max(seconds, _SOONEST)))
        if self._a_byte is None:
            wanted = step * sent if seconds < 2 * _TARGET else sent / 2
        else:
            wanted = min(_TARGET / self._a_byte, step * self._size)
        self._size = int(min(self._most, max(LEAST, wanted)))

    def lost(self, sent: int, seconds: float) -> None:
        """No word came of so many bytes though it was waited for so long."""
        self._last, self._a_byte = (max(1, sent), seconds), None
        self._size = max(LEAST, min(self._size, sent) // 2)

    def _learn(self, sent: int, seconds: float) -> None:
        if self._last is not None:
            before, took = self._last
            if self._a_byte is not None:
                expected = took + (sent - before) * self._a_byte
                if abs(seconds - expected) > _AMISS[0] + _AMISS[1] * expected:
                    self._a_byte = None  # another line than it was
            if _ALIKE[0] < sent / before < _ALIKE[1]:
                self._last = (sent, seconds) if self._a_byte is None else self._last
                return
            self._a_byte = max(_FASTEST, (seconds - took) / (sent - before))
        self._last = (sent, seconds)
