"""Plays a run of timed steps: the first at once, the rest on a thread of its own, until a newer run cuts in."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Self, TypeVar

from drivers.errors import DeviceError

Step = TypeVar("Step")


class Player(Generic[Step]):
    """Calls ``act`` with each step and holds it for the step's seconds.

    ``act`` is never called twice at a time, and no step of an older run follows one of a newer.  Its DeviceError
    reaches the caller of ``play`` when it is about the first step; later in a run it ends the run, and the next
    ``play`` finds out whether the device is well again.
    """

    def __init__(self, name: str, act: Callable[[Step], None]) -> None:
        self._act = act
        self._wake = threading.Condition()
        self._steps: Iterator[tuple[Step, float]] = iter(())
        self._due = math.inf
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._wake:
            self._stopped = True
            self._wake.notify()
        self._thread.join()

    def play(self, steps: Iterable[tuple[Step, float]]) -> None:
        """Begin a run, which may be endless; the first step is done when this returns.

        RuntimeError when the thread has died, so that whoever plays notices.
        """
        if not self._thread.is_alive():
            raise RuntimeError(f"the {self._thread.name}'s loop has died")
        with self._wake:
            self._steps = iter(steps)
            self._advance()
            self._wake.notify()

    def _run(self) -> None:
        with self._wake:
            while not self._stopped:
                wait = self._due - time.monotonic()
                if wait > 0:
                    self._wake.wait(None if math.isinf(wait) else wait)
                else:
                    self._advance_alone()

    def _advance_alone(self) -> None:
        try:
            self._advance()
        except DeviceError:
            self._steps = iter(())

    def _advance(self) -> None:
        self._due = math.inf
        for step, seconds in self._steps:
            self._act(step)
            self._due = time.monotonic() + seconds
            break
