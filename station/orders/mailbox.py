"""Between the loop that talks to the hub and the desk: orders in, results out, each bounded."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Iterable

from core.orders import Result

_ORDERS_AT_ONCE = 64
_RESULTS_AT_MOST = 256


class Mailbox:
    """``listens``: a key is pinned by which orders are believed.  ``waits_for_time``: one waits for the hub's time."""

    def __init__(self) -> None:
        self.listens = False
        self.waits_for_time = False
        self._orders: queue.Queue[bytes] = queue.Queue(_ORDERS_AT_ONCE)
        self._results: deque[Result] = deque(maxlen=_RESULTS_AT_MOST)

    def offer(self, document: bytes) -> None:
        """Hands an order in; what there is no room for the hub sends again."""
        if self.listens and not self._orders.full():
            self._orders.put(document)

    def take(self, timeout: float) -> bytes | None:
        """The next order, or None when ``timeout`` seconds bring none."""
        try:
            return self._orders.get(timeout=timeout)
        except queue.Empty:
            return None

    def answer(self, results: Iterable[Result]) -> None:
        """Hands results out; the oldest are forgotten, for the hub asks again."""
        self._results.extend(results)

    def next_result(self) -> Result | None:
        """The result to send now, or None."""
        return self._results.popleft() if self._results else None

    def give_back(self, result: Result) -> None:
        """It could not be sent: it goes first the next time."""
        self._results.appendleft(result)
