"""One telling, many listeners: each has a short queue of its own, and one that does not keep up is let go."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

MOST_LISTENERS: Final = 6
"""Pages that may watch at once; each holds a thread of the server."""

ROOM: Final = 200
"""Events that may wait for one listener."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, by its name; turned into JSON by whoever sends it."""

    name: str
    said: object


END: Final = Event("end", None)
"""The last event of a listener: it fell behind, or the page is being closed."""

Queue = queue.Queue[Event]


class Crowded(Exception):
    """As many are listening as may."""


class Broadcast:
    """Tells every listener; ``tell`` never waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: list[Queue] = []
        self._ended = False

    @contextmanager
    def listener(self) -> Iterator[Queue]:
        """A queue of events from now on; ``Crowded`` when there are too many listeners."""
        mine: Queue = queue.Queue(ROOM + 1)  # and one for the end
        with self._lock:
            if self._ended or len(self._queues) >= MOST_LISTENERS:
                raise Crowded
            self._queues.append(mine)
        try:
            yield mine
        finally:
            with self._lock:
                if mine in self._queues:
                    self._queues.remove(mine)

    @property
    def count(self) -> int:
        """How many listen."""
        return len(self._queues)

    def tell(self, name: str, said: object) -> None:
        """Pass an event on to everybody."""
        event = Event(name, said)
        with self._lock:
            for one in [one for one in self._queues if one.qsize() >= ROOM]:
                self._queues.remove(one)
                one.put_nowait(END)
            for one in self._queues:
                one.put_nowait(event)

    def end(self) -> None:
        """Send everybody home and take nobody in any more."""
        with self._lock:
            self._ended = True
            for one in self._queues:
                one.put_nowait(END)
            self._queues.clear()
