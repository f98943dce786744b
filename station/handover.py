"""What one thread hands to another that waits for it, for a time that ends whatever happens meanwhile.

``queue.SimpleQueue`` would do but for one thing: before Python 3.12 its ``get`` waits for ever when a signal's handler
comes back after the time is up, for the seconds that are left are then below zero.  A station told to stop by systemd
would not.  ``queue.Queue`` has no such fault, but wakes whoever waits and then has it wait for the same lock.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class Handover(Generic[Thing]):
    """Unbounded, in order, from any number of threads to one."""

    def __init__(self) -> None:
        self._things: deque[Thing] = deque()
        self._bell = threading.Lock()
        self._bell.acquire()

    def put(self, thing: Thing) -> None:
        """Hands over; never waits."""
        self._things.append(thing)
        with contextlib.suppress(RuntimeError):  # it rings already
            self._bell.release()

    def get(self, timeout: float) -> Thing:
        """The next; ``queue.Empty`` when none comes within ``timeout`` seconds, none of which are waited if it is 0."""
        until = time.monotonic() + timeout
        while True:
            try:
                return self._things.popleft()
            except IndexError:
                left = until - time.monotonic()
                # It may ring for what has been taken already: then there is nothing, and it is waited for again.
                if left <= 0 or not self._bell.acquire(timeout=left):
                    raise queue.Empty from None

    def __len__(self) -> int:
        """How many wait."""
        return len(self._things)

    def clear(self) -> None:
        """Forgets what waits; by the thread that takes."""
        self._things.clear()
