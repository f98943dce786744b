"""Has snapshots built when they are due, in a process of its own, so that no look-up waits for the building."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import msgspec

from hub.config import Settings
from hub.snapshots.building import newest
from hub.snapshots.shelf import Shelf
from hub.storage.store import Store
from hub.storage.weather import Weather

log = logging.getLogger(__name__)

LOOK_SECONDS = 30.0
AGAIN_AFTER = timedelta(minutes=30)
LAST_WORDS = 500


class Nightly:
    """The loop; ``run`` is its thread's body."""

    def __init__(self, store: Store, shelf: Shelf, settings: Settings) -> None:
        self._store, self._shelf, self._all = store, shelf, settings
        self._settings = settings.snapshots
        self._stop = threading.Event()
        self._weather = Weather("nobody can say whether a snapshot is due")
        self._not_before = datetime.min.replace(tzinfo=UTC)

    def stop(self) -> None:
        """Ends the loop; a build under way is broken off and loses nothing."""
        self._stop.set()

    def run(self) -> None:
        """Looks twice a minute whether one is due."""
        while not self._stop.is_set():
            with self._weather.outlasting():
                self._step(datetime.now(UTC))
            self._stop.wait(LOOK_SECONDS)

    def _step(self, now: datetime) -> None:
        if now >= self._not_before and self._is_due(now) and not self._build(whole=self._is_whole_due(now)):
            self._not_before = now + AGAIN_AFTER

    def _is_due(self, now: datetime) -> bool:
        with self._store.reading() as connection:
            last = newest(connection)
        return last is None or last.version == 0 or now - last.built >= timedelta(hours=self._settings.every_hours)

    def _is_whole_due(self, now: datetime) -> bool:
        whole = [one.as_of for one in self._shelf.known() if one.base == 0]
        return not whole or now - max(whole) >= timedelta(days=self._settings.whole_days)

    def _build(self, *, whole: bool) -> bool:
        command = [sys.executable, "-m", "hub.snapshots.child", *(["--whole"] if whole else [])]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as child:  # noqa: S603  # ourselves
            said, complaint = self._wait(child, msgspec.json.encode(self._all))
        if child.returncode == 0:
            log.info("snapshot built", extra=msgspec.json.decode(said))
            return True
        if not self._stop.is_set():
            problem = complaint[-LAST_WORDS:].decode(errors="replace")
            log.error("no snapshot was built", extra={"code": child.returncode, "problem": problem})
        return False

    def _wait(self, child: subprocess.Popen[bytes], settings: bytes) -> tuple[bytes, bytes]:
        """The settings go by a pipe: a command line is for everybody to read, and a database's URL has a password."""
        given: bytes | None = settings
        while True:
            try:
                return child.communicate(given, timeout=0.5)
            except subprocess.TimeoutExpired:
                given = None
                if self._stop.is_set():
                    child.terminate()
