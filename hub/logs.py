"""JSON lines on standard error: what happened, never to whom."""

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter
from contextvars import ContextVar
from datetime import UTC, datetime

import msgspec

of_request: ContextVar[str] = ContextVar("of_request", default="")
"""The id of the HTTP request that is being answered, if one is."""

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, event, and what the caller put in ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its newline."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name,
            "event": record.getMessage(),
        }
        if request := of_request.get():
            line["request"] = request
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line, enc_hook=str).decode()


def set_up(level: str = "INFO") -> None:
    """Sends every log line of this process to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for noisy in ("uvicorn.access", "alembic", "uvicorn.error"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class Tally:
    """Counts of what was dropped, by name; each name's 1st, 10th, 100th … time is logged."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._log = logging.getLogger("hub.tally")

    def add(self, name: str, **context: str) -> None:
        """Counts one more; ``context`` says where it came from, never what it said."""
        with self._lock:
            self._counts[name] += 1
            times = self._counts[name]
        if times == 10 ** (len(str(times)) - 1):
            self._log.warning("dropped", extra={"what": name, "times": times, **context})

    def counts(self) -> dict[str, int]:
        """How often each name was counted since the start."""
        with self._lock:
            return dict(self._counts)
