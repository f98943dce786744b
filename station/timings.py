"""How long something takes, counted into the buckets of ``core.health`` since the start."""

from __future__ import annotations

from core.health import BUCKETS, Histogram, bucket


class Timings:
    """One thread counts, any other may read: a count read a moment late is no fault."""

    def __init__(self) -> None:
        self._counts = [0] * BUCKETS
        self._total = 0.0

    def note(self, ms: float) -> None:
        """Counts one that took so many milliseconds."""
        self._counts[bucket(ms)] += 1
        self._total += ms

    def histogram(self) -> Histogram:
        """What was counted so far."""
        return Histogram(tuple(self._counts), round(self._total, 3))
