"""The log: one JSON object a line on standard error, for journald and for people with jq.

Names scan outcomes, devices and reasons; never a person, never what a code says.  An exception nobody foresaw may
quote anything, so a traceback tells where and what kind, and the words only of errors whose words are ours.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime

from drivers.errors import DeviceError
from station.errors import StationError

_PLAIN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Time, level, module, message, and the fields given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; a traceback keeps its lines inside one field."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "message": record.getMessage(),
        }
        line.update({name: value for name, value in record.__dict__.items() if name not in _PLAIN})
        if record.exc_info and record.exc_info[1] is not None:
            line["traceback"] = _told(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)


def _told(error: BaseException) -> str:
    """Where an exception and those before it came from, innermost cause first."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    words = f": {error}" if isinstance(error, StationError | DeviceError) else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    own = f"{frames}{type(error).__module__}.{type(error).__qualname__}{words}"
    return f"{_told(before)}\n\n{own}" if before is not None else own


def begin(level: str) -> None:
    """Sends everything from ``level`` up to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
