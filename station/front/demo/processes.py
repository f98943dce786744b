"""Programs that the demo starts: each in a process group of its own, watched, and gone when the demo is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from station.errors import StationError

_END_WITHIN: Final = 8.0
_KILLED_WITHIN: Final = 30.0
_LAST_WORDS: Final = 12
_NOT_OURS: Final = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "STATE_DIRECTORY", "RUNTIME_DIRECTORY")


class DemoError(StationError):
    """A part of the demo cannot be had; the words say which and what cures it."""

    exit_code = os.EX_UNAVAILABLE


class Interrupted(StationError):
    """Somebody ended the demo before it was up."""

    exit_code = 128 + signal.SIGINT


def program(name: str, *words: str) -> list[str]:
    """The command line of one of our programs, from the same Python as this one, taking nothing from this folder."""
    return [sys.executable, "-P", "-m", name, *words]


class Part:
    """A program that runs until the demo ends it; a context manager."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name, self.log = name, log
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - one of our own programs
                [*_dies_with_us(), *self._command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(),
                start_new_session=True,  # a terminal's Ctrl-C is for the demo, which ends its parts in order
            )
        return self

    def __exit__(self, *_: object) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_END_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_KILLED_WITHIN)
        _kill_group(process.pid)  # whatever it may have left behind

    @property
    def ended(self) -> int | None:
        """Its exit code when it has ended by itself."""
        return self._process.poll() if self._process is not None else None

    def last_words(self) -> str:
        """The end of what it said."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-_LAST_WORDS:])

    def check(self) -> None:
        """``DemoError`` with its last words when it has ended by itself."""
        if self.ended is not None:
            raise DemoError(f"the {self.name} ended by itself (exit {self.ended}); it said:\n{self.last_words()}")


def await_part(part: Part, is_up: Callable[[], bool], within: float, stop: threading.Event) -> None:
    """Wait until a part is up; ``DemoError`` when it ends before or takes longer, ``Interrupted`` by ``stop``."""
    until = time.monotonic() + within
    while not is_up():
        part.check()
        if time.monotonic() > until:
            raise DemoError(f"the {part.name} was not up within {within:g} s; it said:\n{part.last_words()}")
        if stop.wait(0.05):
            raise Interrupted("ended before it was up")


def run_once(command: Sequence[str], stop: threading.Event, within: float = 120.0, *, typed: str = "") -> str:
    """What a program prints that is given ``typed``; ``DemoError`` with its complaint when it fails.

    ``Interrupted`` by ``stop``.
    """
    with subprocess.Popen(  # noqa: S603 - one of our own programs
        [*_dies_with_us(), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(),
        start_new_session=True,
    ) as process:
        ending = threading.Thread(target=_end_early, args=(process, stop, within), daemon=True)
        ending.start()
        said, complaint = process.communicate(typed)
        ending.join()
    if stop.is_set():
        raise Interrupted("ended before it was up")
    if process.returncode:
        words = " ".join(command[command.index("-m") + 1 :][:3]) if "-m" in command else command[0]
        raise DemoError(f"{words} failed (exit {process.returncode}): {_cure(complaint)}")
    return said


def _end_early(process: subprocess.Popen[str], stop: threading.Event, within: float) -> None:
    until = time.monotonic() + within
    while process.poll() is None:
        if stop.wait(0.1) or time.monotonic() > until:
            _kill_group(process.pid)
            return


def _cure(complaint: str) -> str:
    if "No module named" in complaint:
        return "the hub is not installed beside the station; in a checkout run `make setup`"
    return complaint.strip()[-2000:]


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _dies_with_us() -> list[str]:
    """Where util-linux has it, a demo that is killed takes its parts along."""
    found = shutil.which("setpriv")
    return [found, "--pdeathsig", "TERM"] if found else []


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
