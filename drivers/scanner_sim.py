"""Scanners without a cable: what the demo and the tests type is what the gate reads."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Self

from drivers.keys import DOWN, LOST, Key
from drivers.sources import MOST_BYTES, MOST_KEYS, Source, check_source

ROOM: Final = 65_536
"""Keys or bytes that wait to be read; a real scanner's kernel buffer is smaller still."""


@dataclass
class SimKeys:
    """A simulated keyboard scanner; ``press`` may be called from any thread."""

    source: Source = "hid"
    kind: ClassVar[Literal["keys"]] = "keys"
    away: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_source(self.source)
        self._waiting: list[Key] = []
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def press(self, keys: Iterable[Key]) -> None:
        """Send keys as the scanner would; when nobody reads them, all that wait are lost, as in the kernel."""
        with self._changed:
            for key in keys:
                if len(self._waiting) >= ROOM:
                    self._waiting = [Key(LOST, DOWN, key.at)]
                self._waiting.append(key)
            self._changed.notify_all()

    def read(self, timeout: float) -> tuple[Key, ...]:
        """Return the next keys, or none after ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, timeout)
            taken = tuple(self._waiting[:MOST_KEYS])
            del self._waiting[: len(taken)]
            return taken


@dataclass
class SimBytes:
    """A simulated serial scanner; ``send`` may be called from any thread."""

    source: Source = "serial"
    kind: ClassVar[Literal["bytes"]] = "bytes"
    away: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_source(self.source)
        self._waiting = bytearray()
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send(self, data: bytes) -> None:
        """Send bytes as the scanner would; what does not fit because nobody reads is lost, as in a UART."""
        with self._changed:
            self._waiting += data[: ROOM - len(self._waiting)]
            self._changed.notify_all()

    def read(self, timeout: float) -> bytes:
        """Return the next bytes, or none after ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting, timeout)
            taken = bytes(self._waiting[:MOST_BYTES])
            del self._waiting[: len(taken)]
            return taken
