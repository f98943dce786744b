"""A gate under load that is killed again and again, and what must be true of its record afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from gates import BIN, WITHIN, Centre, enrol, wait


def asked(name: str, by_itself: int) -> int:
    """How much of something was asked for on the command line of ``make``."""
    return int(os.environ.get(name) or by_itself)


@dataclass
class Battered:
    """One `station run` fed through its standard input; ``lit`` are the rows whose lamp lit: seq → outcome."""

    name: str
    config: Path
    data: Path
    prefix: tuple[str, ...] = ()
    lit: dict[int, str] = field(default_factory=dict)
    told: list[dict] = field(default_factory=list)
    presentations: list[dict] = field(default_factory=list)
    held_up: int = 0

    def start(self) -> Battered:
        """Starts it; what it prints is read until it dies."""
        self.process = subprocess.Popen(
            [*self.prefix, BIN / "station", "run", "--config", self.config],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        return self

    def _read(self, stderr) -> None:
        for line in stderr:
            try:
                told = json.loads(line)
            except ValueError:
                continue  # torn by the kill
            self.told.append(told)
            if told["message"] == "presentation":
                self.presentations.append(told)
                if told["seq"]:
                    assert told["seq"] not in self.lit
                    self.lit[told["seq"]] = told["outcome"]

    def show(self, *texts: str) -> None:
        """Holds a code up, or several at one go, if anybody is there to see it."""
        self.held_up += len(texts)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write("".join(f"{text}\n" for text in texts).encode())
            self.process.stdin.flush()

    def settle(self, seconds: float = WITHIN) -> None:
        """Waits until something has become of every code that was held up to one that was never killed."""
        wait(lambda: len(self.presentations) >= self.held_up, seconds)

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        """Ends it, by default as a pulled plug does, and takes in what it had said."""
        if getattr(self, "process", None) is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(WITHIN)
        self._reader.join(WITHIN)
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stderr.close()
        self.process = None

    def says(self, message: str) -> bool:
        """Whether it ever logged this."""
        return any(message in line["message"] for line in self.told)


class Crowd:
    """Distinct citizen numbers without end; most of them nobody knows, and each leaves a row."""

    def __init__(self, first: int = 100) -> None:
        self._next = first

    def number(self) -> str:
        """The next one."""
        self._next += 1
        return f"046{self._next:09}"


def enrol_battered(centre: Centre, folder: Path, name: str, transport: str, **more: object) -> Battered:
    """A gate that the hub knows, to be killed."""
    gate = enrol(centre, folder, name, transport, **more)
    return Battered(name, gate.config, folder, centre.prefix)


def held_by(centre: Centre, name: str) -> Counter[tuple[str, int]]:
    """Every row of a station that the hub holds: (epoch, seq) → how often."""
    return Counter((row["epoch"], row["seq"]) for row in centre.every(name))


def whole(centre: Centre, gate: Battered) -> None:
    """Every lamp that lit is a row at the hub, once, with the outcome that was shown; no other row is missing."""
    held = {row["seq"]: row for row in centre.every(gate.name)}
    counts = held_by(centre, gate.name)
    assert len({epoch for epoch, _ in counts}) == 1, "the journal was born once"
    assert set(counts.values()) == {1}, "none twice"
    assert sorted(held) == list(range(1, len(held) + 1)), "none lost"
    shown = {seq: held[seq]["outcome"] for seq in gate.lit}
    assert shown == gate.lit, "what the lamp said is what the row says"
    centre.run("journal", "verify", gate.name)


def present(gate: Battered, text: str) -> dict:
    """Holds one code up to a gate that nobody kills meanwhile; what became of it."""
    seen = len(gate.presentations)
    gate.show(text)
    wait(lambda: len(gate.presentations) > seen)
    return gate.presentations[-1]


def drained(centre: Centre, gate: Battered, seconds: float = 300.0) -> None:
    """Waits until the hub holds all that lies in the journal; what is still to be recorded is not waited for."""
    until = time.monotonic() + seconds
    while (left := waiting(gate)) != 0:
        assert time.monotonic() < until, f"{left} rows of {gate.name} are not held yet"
        time.sleep(0.2)


def waiting(gate: Battered) -> int:
    """How many rows of its journal the hub does not hold yet."""
    with contextlib.closing(sqlite3.connect(f"file:{gate.data}/journal.db?mode=ro", timeout=30, uri=True)) as file:
        question = (
            "SELECT coalesce(sum((SELECT max(seq) FROM rows WHERE rows.epoch = e.epoch) - held), 0) FROM epochs e"
        )
        left: int = file.execute(question).fetchone()[0]
        return left
