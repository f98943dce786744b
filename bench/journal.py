"""Durable rows a second: one by one as at a gate, and at one go as a burst, beside a bare loop of seal and INSERT.

Ours: a station's journal, each row numbered, chained, sealed, its passage remembered, on disk when the call returns;
a burst goes in as the gate records what waits for it, at most ``MOST_TOGETHER`` rows a transaction.  Bare: the
library's HPKE seal of the same identity and one INSERT of a row's bytes, committed with synchronous=FULL, on the same
disk.  They take turns.
"""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from bench.drain import entry
from bench.rows import Row
from core import keys, wire
from station.arrivals import MOST_TOGETHER
from station.journal.record import Entry, Journal
from station.service import TURN_SECONDS

ROWS, ROUNDS = 640, 9


class Bare:
    """Seals and inserts; nothing is chained or remembered."""

    def __init__(self, path: Path, sealing_key: bytes, raw: bytes) -> None:
        self._seal, self._raw = keys.Sealer(sealing_key).seal, raw
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE rows (seq INTEGER PRIMARY KEY, raw BLOB NOT NULL)")
        self._seq = 0

    def close(self) -> None:
        """Closes its file."""
        self._db.close()

    def record(self, entries: list[Entry]) -> None:
        """One commit each."""
        for one in entries:
            self._seq += 1
            self._seal(wire.encode(one.who), b"gate-1\0epoch\0%d" % self._seq)
            self._db.execute("INSERT INTO rows VALUES (?, ?)", (self._seq, self._raw))


def measure(folder: Path, told: Callable[[str], None], count: int = ROWS, rounds: int = ROUNDS) -> list[Row]:
    """A row for each bar."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sys.setswitchinterval(TURN_SECONDS)  # as in a running station
    told(f"{count} rows, {rounds} times")
    found = _alternate(folder, count, rounds)
    for name, taken in found.items():
        told(f"  {name}: {min(taken) * 1e6:.0f} to {max(taken) * 1e6:.0f} µs a row")
    return [
        _row("durable rows a second, seal and chain included", found["one by one"], found["bare"], 0.8, count),
        _row("durable rows a second of a burst, recorded together", found["together"], found["bare"], 5.0, count),
    ]


def _alternate(folder: Path, count: int, rounds: int) -> dict[str, list[float]]:
    """Seconds a row, by who wrote it and round by round."""
    _, public = keys.new_sealing_key()
    found: dict[str, list[float]] = {"bare": [], "one by one": [], "together": []}
    with ExitStack() as stack:
        single = stack.enter_context(Journal(folder / "single.db", "gate-1", public))
        burst = stack.enter_context(Journal(folder / "burst.db", "gate-1", public))
        raw = wire.encode(single.append(entry(0)))
        bare = stack.enter_context(closing(Bare(folder / "bare.db", public, raw)))
        ways: dict[str, Callable[[list[Entry]], object]] = {
            "bare": bare.record,
            "one by one": lambda entries: [single.append(one) for one in entries],
            "together": lambda entries: [burst.append_all(some) for some in _groups(entries)],
        }
        for number in range(rounds):
            entries = [entry(1 + number * count + person) for person in range(count)]
            for name, record in ways.items():
                begun = time.perf_counter()
                record(entries)
                found[name].append((time.perf_counter() - begun) / count)
    return found


def _groups(entries: list[Entry]) -> Iterator[list[Entry]]:
    for first in range(0, len(entries), MOST_TOGETHER):
        yield entries[first : first + MOST_TOGETHER]


def _row(name: str, ours: list[float], against: list[float], bar: float, count: int) -> Row:
    ratio = statistics.median(bare / own for own, bare in zip(ours, against, strict=True))
    return Row(
        name=name,
        unit="rows/s",
        ours=round(1 / statistics.median(ours)),
        against=round(1 / statistics.median(against)),
        ratio=round(ratio, 3),
        bar=bar,
        sense="at_least",
        n=count * len(ours),
        holds=ratio >= bar,
    )
