"""What has come to the gate and waits for its thread: people who are there now first, then what a scanner dumps.

A scanner that was carried about gives all that it has kept at one go.  Those people went through long ago: whoever
stands at the gate waits for no more than one group of them.
"""

from __future__ import annotations

import queue
from collections import deque
from itertools import islice

from core.model import Capture
from station.sources import Burst, Captures, Item

MOST_TOGETHER = 64
"""Captures that the gate is offered at most at one go."""
_IN_LINE = 4


class Arrivals:
    """The queue's other end; used by the gate's thread alone."""

    def __init__(self, captures: Captures) -> None:
        self._captures = captures
        self._line: deque[Item] = deque()
        self._bursts: deque[Burst] = deque()

    @property
    def waiting(self) -> bool:
        """Whether something has come already."""
        return bool(self._line or self._bursts or not self._captures.empty())

    def next(self, timeout: float) -> Item | tuple[Capture, ...] | None:
        """What comes next, or None within ``timeout`` seconds.

        Captures come as many as wait in a row; they wait on until ``took`` says how many of them were taken.
        """
        self._gather(0.0 if self._line or self._bursts else timeout)
        if not self._line:
            return tuple(islice(self._bursts[0].captures, MOST_TOGETHER)) if self._bursts else None
        together = []
        for item in self._line:
            if not isinstance(item, Capture):
                break
            together.append(item)
        return tuple(together) or self._line.popleft()

    def took(self, count: int) -> None:
        """So many of the captures that ``next`` gave have been to the lamp."""
        if self._line:
            _drop(self._line, count)
            return
        burst = self._bursts[0]
        _drop(burst.captures, count)
        if not burst.captures:
            self._bursts.popleft().taken.set()

    def _gather(self, timeout: float) -> None:
        try:
            while len(self._line) < _IN_LINE:
                item = self._captures.get(timeout)
                if isinstance(item, Burst):
                    self._bursts.append(item)
                else:
                    self._line.append(item)
                timeout = 0.0
        except queue.Empty:
            pass


def _drop(line: deque[Item] | deque[Capture], count: int) -> None:
    for _ in range(count):
        line.popleft()
