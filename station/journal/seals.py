"""What rows are sealed with, made ready before it is needed: a key agreement takes longer than all else about a row.

The gate makes the next one when nobody waits.  When rows come faster than that, a thread of its own makes it while the
disk is waited for.  Each serves once: one row, or the rows of one transaction.
"""

from __future__ import annotations

import queue
import threading

from core.keys import RowSeals, Sealer


class Seals:
    """Seals to one key at a time, which may change; the thread runs between ``start`` and ``stop``."""

    def __init__(self, public: bytes) -> None:
        self._sealer = Sealer(public)
        self._wanted: queue.SimpleQueue[Sealer | None] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[tuple[Sealer, RowSeals]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._pressed = False  # rows come without a pause

    def start(self) -> None:
        """Begins to make them ahead; without it each is made when it is asked for."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="seals", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the thread."""
        if self._thread is not None:
            self._wanted.put(None)
            self._thread.join()
            self._thread = None

    def seal_to(self, public: bytes) -> None:
        """Seals to another key from the next one on."""
        self._sealer = Sealer(public)

    def fresh(self) -> RowSeals:
        """One that nobody has used, the one that lies ready if it is for the key that rows are sealed to now."""
        try:
            sealer, ready = self._ready.get_nowait()
        except queue.Empty:
            self._pressed = True
            return self._sealer.together()
        return ready if sealer is self._sealer else self._sealer.together()

    def make_ready(self) -> None:
        """Makes the next one, if there is none; to be called when nobody waits."""
        self._pressed = False
        if self._ready.empty():
            self._ready.put((self._sealer, self._sealer.together()))

    def make_ready_aside(self) -> None:
        """Has the next one made if nobody will have time for it; to be called when the disk is about to be waited for.

        Otherwise not: a disk that is quicker than the thread would wait for it.
        """
        if self._pressed and self._thread is not None and self._ready.empty():
            self._wanted.put(self._sealer)

    def _run(self) -> None:
        while (sealer := self._wanted.get()) is not None:
            self._ready.put((sealer, sealer.together()))
