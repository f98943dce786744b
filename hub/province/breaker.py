"""The circuit breaker: after so many failures in a row nobody is asked for a while, then one ask tries for all.

Plain arithmetic on the caller's monotonic seconds, for one thread.
"""

from __future__ import annotations

from enum import Enum


class Leave(Enum):
    """What an ask was allowed to do; it says afterwards how that went."""

    ASK = "ask"
    TRY = "try"  # the one that finds out whether the system is back


class Breaker:
    """Closed while all is well; open for ``seconds`` after ``failures`` in a row."""

    def __init__(self, failures: int, seconds: float) -> None:
        self._most = failures
        self._seconds = seconds
        self._failures = 0
        self._until: float | None = None
        self._trying = False

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked, but for the one that tries."""
        return self._until is not None

    def admit(self, now: float) -> Leave | None:
        """Leave to ask; None while the system is let be, or while another is trying it."""
        if self._until is None:
            return Leave.ASK
        if self._trying or now < self._until:
            return None
        self._trying = True
        return Leave.TRY

    def succeeded(self, leave: Leave) -> None:
        """The system answered.  A late answer from before it was let be closes nothing."""
        if leave is Leave.TRY or self._until is None:
            self._failures, self._until, self._trying = 0, None, False

    def failed(self, leave: Leave, now: float) -> None:
        """The system did not answer, or not as one that is well."""
        self._failures += 1
        if leave is Leave.TRY or (self._until is None and self._failures >= self._most):
            self._until, self._trying = now + self._seconds, False

    def abandoned(self, leave: Leave) -> None:
        """It was never asked after all: the next one tries."""
        if leave is Leave.TRY:
            self._trying = False
