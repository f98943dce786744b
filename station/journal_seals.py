"""What rows are sealed with, made ready before it is needed: a key agreement takes longer than all else about a row.

A thread of its own makes the next one while the disk is waited for, so that nobody at the gate waits for it.  Each
serves once: one row, or the rows of one transaction.
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

    def start(self) -> None:
        """Begins to make them ahead; without it each is made when it is asked for."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="seals", daemon=True)
            self._thread.start()
            self._wanted.put(self._sealer)

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
            return self._sealer.together()
        return ready if sealer is self._sealer else self._sealer.together()

    def make_ready(self) -> None:
        """Has the next one made; to be called when the disk is about to be waited for."""
        if self._thread is not None and self._ready.empty():
            self._wanted.put(self._sealer)

    def _run(self) -> None:
        while (sealer := self._wanted.get()) is not None:
            self._ready.put((sealer, sealer.together()))
