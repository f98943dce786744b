"""A whole station on simulated devices in the test's own process, so that what its panel shows can be looked at."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pathlib import Path

from gates import wait

from station import config
from station.app import Station
from station.journal.reading import JournalReader

DOOR = '\n[relay]\ndriver = "sim"\n[buzzer]\ndriver = "sim"\n'


class Inside:
    """A station in this process, so that its simulated devices can be looked at."""

    def __init__(self, path: Path) -> None:
        path.write_text(path.read_text().replace('driver = "stdin"', 'driver = "sim-serial"') + DOOR)
        self._stack = ExitStack()
        self.settings = config.load(path, environ={})
        self.station = Station(self.settings, self._stack)
        self._thread = threading.Thread(target=self.station.service.run, daemon=True)
        self._thread.start()
        wait(lambda: not self.station.hub_problem)

    def close(self) -> None:
        self.station.service.stop.set()
        self._thread.join(180)
        self._stack.close()

    @property
    def openings(self) -> int:
        return sum(row.type == "opening" for row in JournalReader(self.settings.journal_path).latest(100))
