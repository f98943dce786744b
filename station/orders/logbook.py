"""The last lines of the log, kept in memory for whoever is to see them from afar.

The log names no person (``station.logs``); numbers as long as an identity are struck out all the same.
"""

from __future__ import annotations

import gzip
import logging
import re
from collections import deque
from types import TracebackType
from typing import Self

from station.logs import JsonFormatter

_LINES = 5_000
_LONGEST_LINE = 4_000
_IDENTITY = re.compile(r"(?<![0-9A-Za-z.:-])[0-9]{9,12}(?![0-9A-Za-z.])")


class Logbook(logging.Handler):
    """Listens to everything that is logged; a context manager."""

    def __init__(self, most: int = _LINES) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self._lines: deque[str] = deque(maxlen=most)

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one line."""
        self._lines.append(_IDENTITY.sub("…", self.format(record))[:_LONGEST_LINE])

    def last(self, lines: int, most_bytes: int) -> tuple[int, bytes]:
        """How many lines those are, and themselves, oldest first, gzip-compressed."""
        self.acquire()
        try:
            kept = list(self._lines)
        finally:
            self.release()
        taken: list[bytes] = []
        room = most_bytes
        for line in reversed(kept[-lines:]):
            raw = line.encode() + b"\n"
            room -= len(raw)
            if room < 0:
                break
            taken.append(raw)
        return len(taken), gzip.compress(b"".join(reversed(taken)), mtime=0)
