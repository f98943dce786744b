"""Demos as processes: started in a folder of their own, so that whatever they leave behind can be found."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

UP_WITHIN = 400.0
"""Seconds for a demo to come up on a busy machine."""

ENDED_WITHIN = 120.0

STATION = str(Path(sys.executable).with_name("station"))


@dataclass
class Demo:
    """``station demo`` under a temporary folder; ``url`` is what it printed."""

    folder: Path
    words: tuple[str, ...] = ()
    url: str = ""
    process: subprocess.Popen[str] | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begin; does not wait."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._errors.open("w") as errors:
            self.process = subprocess.Popen(
                [STATION, "demo", *self.words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env=os.environ | {"TMPDIR": str(self.folder)},
                start_new_session=True,
            )

    def await_url(self) -> str:
        """The one address it prints, within its time."""
        assert self.process is not None
        assert self.process.stdout is not None
        late = threading.Timer(UP_WITHIN, self.process.kill)  # which ends the wait for its line
        late.start()
        self.url = self.process.stdout.readline().strip()
        late.cancel()
        late.join()
        assert self.url.startswith("http://127.0.0.1:"), self.said
        return self.url

    def end(self, number: int = signal.SIGINT, within: float = ENDED_WITHIN) -> int:
        """Send a signal and wait for the end; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait(within)

    def wait(self, within: float = ENDED_WITHIN) -> int:
        """Wait for the end; the exit code."""
        assert self.process is not None
        assert self.process.stdout is not None
        try:
            return self.process.wait(within)
        finally:
            self.process.stdout.close()

    @property
    def said(self) -> str:
        """What it told on standard error so far."""
        return self._errors.read_text()

    @property
    def _errors(self) -> Path:
        return self.folder.with_suffix(".err")

    @property
    def processes(self) -> list[psutil.Process]:
        """Every process that names the demo's folder, whoever its parent is now."""
        found = []
        for one in psutil.process_iter():
            try:
                if any(str(self.folder) in word for word in one.cmdline()):
                    found.append(one)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return found

    def process_with(self, word: str) -> psutil.Process:
        """The first of its processes that was started with a word."""
        for one in self.processes:
            with suppress(psutil.NoSuchProcess):
                if word in one.cmdline():
                    return one
        raise AssertionError(f"no process was started with {word}")

    @property
    def commands(self) -> str:
        """All the words that its processes were started with."""
        found = []
        for one in self.processes:
            with suppress(psutil.NoSuchProcess):  # it has just ended
                found += one.cmdline()
        return " ".join(found)

    def await_nobody(self, within: float = ENDED_WITHIN) -> None:
        """Wait until none of its processes is there any more."""
        until = time.monotonic() + within
        while left := self.processes:
            assert time.monotonic() < until, left
            time.sleep(0.1)

    def clear(self) -> None:
        """End whatever a failed test left."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.wait()
        for one in self.processes:
            with suppress(psutil.NoSuchProcess):
                one.kill()
