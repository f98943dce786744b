"""What the station knows of itself: counters and states, without a word about people; kept in RAM, shown on request.

``status.json`` is written to ``/run`` when systemd gives the service a folder there (``RUNTIME_DIRECTORY``), else
beside the journal, so that a healthy card is not worn down by it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import msgspec

from core.health import Health
from core.model import Outcome
from station.orders.overriding import Override
from station.orders.state import OrderState
from station.timings import Timings


class DeviceState(msgspec.Struct, frozen=True, omit_defaults=True):
    """One device: what keeps it from working, or nothing."""

    name: str
    problem: str = ""


class HeldSnapshot(msgspec.Struct, frozen=True):
    """The province's standings that this station holds; ``usable`` when their key is here."""

    version: int
    as_of: datetime
    usable: bool


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one moment; times in seconds, latencies in milliseconds."""

    station: str
    place: str
    version: str
    pid: int
    at: datetime
    up: float
    clock: str
    clock_error: float | None
    hub_offset: float | None
    policy_version: int
    hub_problem: str
    last_contact: float | None  # seconds ago
    backlog: int
    oldest: datetime | None
    journal_problem: str
    journal_set_aside: str
    named_twice: bool
    devices: tuple[DeviceState, ...]
    outcomes: dict[str, int]
    presentation_ms: dict[str, float]  # median, p95
    front: str
    figures: Health | None = None
    orders: OrderState | None = None
    refused: int = 0  # dead letters on this card
    snapshot: HeldSnapshot | None = None
    snapshot_problem: str = ""  # it is damaged, or does not answer
    believed_keys: tuple[str, ...] = ()  # ids of the signers of declaration codes
    keys_version: int = 0  # of the hub's announcement of its keys
    ordered: Override | None = None  # what the hub has ordered otherwise than the configuration says


class Figures:
    """Counters of presentations; written by the gate, read by whoever asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._outcomes: Counter[str] = Counter()
        self._ms: list[float] = []
        self.timings = Timings()  # from capture to lamp
        self.begun = time.monotonic()

    def note(self, outcome: Outcome, ms: float) -> None:
        """Counts one presentation."""
        with self._lock:
            self._outcomes[outcome.value] += 1
            self._ms = [*self._ms[-499:], ms]
            self.timings.note(ms)

    def outcomes(self) -> dict[str, int]:
        """How many presentations ended how, since the start."""
        with self._lock:
            return dict(self._outcomes)

    def latency(self) -> Mapping[str, float]:
        """Median and 95th percentile of the last 500 presentations, in milliseconds."""
        with self._lock:
            taken = sorted(self._ms)
        if not taken:
            return {}
        return {"median": taken[len(taken) // 2], "p95": taken[int(len(taken) * 0.95)]}


def status_path(data: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the running service writes its status."""
    run = environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(run or data) / "status.json"


def write_status(path: Path, status: Status) -> None:
    """Replaces the status file whole; a disk that refuses it is no reason to stop."""
    fresh = path.with_name(path.name + ".new")
    with contextlib.suppress(OSError):
        fresh.write_bytes(msgspec.json.encode(status))
        os.replace(fresh, path)


def read_status(path: Path) -> Status | None:
    """The last status written there, or None."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Status)
    except (OSError, msgspec.MsgspecError):
        return None
