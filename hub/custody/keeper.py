"""The loop that carries retention out while the hub runs, has erasures repeated, and orders stations' rows away."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta

from hub.config import Settings
from hub.custody import replaying, retention
from hub.custody.keeping import Counts, keep
from hub.custody.retention import Version
from hub.erasure import ledger, station_erasing
from hub.errors import HubError
from hub.stations import orders
from hub.storage.keyring import Keyring
from hub.storage.store import Store
from hub.storage.weather import Weather

log = logging.getLogger(__name__)

BETWEEN_RUNS = timedelta(hours=1)
AGAIN_AFTER = timedelta(minutes=1)
"""When the database was away."""
SETTLE_SECONDS = 5.0


def carry_out(
    store: Store, ring: Keyring, settings: Settings, now: datetime, stop: threading.Event | None = None
) -> Counts:
    """Erases what is due by the version in force and brings the list of erasures up to date; how much went."""
    days = _in_force(store, settings, now).days
    counts = keep(store, days, now, stop)
    with store.writing() as connection:
        station_erasing.ask(connection, ring, now, "hub")
        orders.forget(connection, now)
    ledger.copy(store, ring, settings.erasures)
    ledger.trim_file(settings.erasures, ring, days.before("erasures", now))
    return counts


def catch_up(store: Store, ring: Keyring, settings: Settings, now: datetime) -> int:
    """Repeats erasures that the database has forgotten because it was put back; how many people.

    Call it before anybody is let in.  A list that cannot be read is logged: gates are to be answered all the same.
    """
    since = _in_force(store, settings, now).days.before("erasures", now)
    try:
        again = replaying.catch_up(store, ring, settings.erasures, since, now)
    except HubError as error:
        log.error("the list of erasures cannot be read", extra={"cause": str(error)})
        return 0
    if again:
        log.warning("people erased before the database was put back were erased again", extra={"people": again})
    return again


def _in_force(store: Store, settings: Settings, now: datetime) -> Version:
    with store.reading() as connection:
        return retention.current(connection, settings.keeping, now)


class Keeper:
    """Carries it out at the start and every hour; ``run`` is its thread's body."""

    def __init__(self, store: Store, ring: Keyring, settings: Settings) -> None:
        self._store = store
        self._ring = ring
        self._settings = settings
        self._stop = threading.Event()
        self._weather = Weather("nothing can be erased now")

    def stop(self) -> None:
        """Lets the loop end after the transaction it is in."""
        self._stop.set()

    def run(self) -> None:
        """Erases what is due until stopped."""
        while not self._stop.is_set():
            pause = AGAIN_AFTER
            with self._weather.outlasting():
                self._step()
                pause = BETWEEN_RUNS
            self._stop.wait(pause.total_seconds())

    def _step(self) -> None:
        try:
            if any(carry_out(self._store, self._ring, self._settings, datetime.now(UTC), self._stop).values()):
                self._settle()
        except HubError as error:
            log.error("the list of erasures is not up to date", extra={"cause": str(error)})

    def _settle(self) -> None:
        while not self._store.settle() and not self._stop.wait(SETTLE_SECONDS):
            pass
