"""A build in a process of its own: settings as JSON on standard input, what was built as JSON on standard output."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import msgspec

from hub import logs
from hub.config import Settings
from hub.errors import HubError
from hub.opening import open_store
from hub.snapshots.building import build
from hub.snapshots.shelf import Shelf

BEHIND = 10
"""How much nicer this is than the hub that answers look-ups."""


def main() -> int:
    """Builds once; the exit code is one of sysexits."""
    logs.set_up()
    os.nice(BEHIND)
    settings = msgspec.json.decode(sys.stdin.buffer.read(), type=Settings)
    try:
        store, ring = open_store(settings)
        built = build(store, ring, Shelf(settings.shelf, ring), datetime.now(UTC), _quiet, whole="--whole" in sys.argv)
    except HubError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    sys.stdout.buffer.write(msgspec.json.encode(built))
    return os.EX_OK


def _quiet(what: str, done: int, of: int) -> None:
    pass


if __name__ == "__main__":
    sys.exit(main())
