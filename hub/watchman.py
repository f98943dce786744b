"""The loop that watches the fleet: judges it every few seconds, writes alarms down, keeps figures and thins them.

Every hub on a database judges, for its own pages; the one that leads writes down what it found.  What came over HTTP
came to one hub alone, and that one keeps it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from hub.centre import Centre
from hub.health import health_history
from hub.health.fleet_health import Member
from hub.health.health_history import QUARTER, Recorder
from hub.journals import gaps
from hub.stations import alarms
from hub.stations.watch import Change, Watch
from hub.storage import singly
from hub.storage.weather import Weather

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
SAVE_EVERY = timedelta(seconds=15)
POINT_EVERY = timedelta(seconds=60)
GAPS_EVERY = timedelta(seconds=15)
THIN_EVERY = timedelta(hours=1)
ALARMS_KEPT = timedelta(days=60)


class Watchman:
    """One loop; ``run`` is its thread's body.

    ``listening`` says whether the hub's line to the broker stands (always, without one); ``told`` hears every change.
    """

    def __init__(self, centre: Centre, listening: Callable[[], bool] = lambda: True) -> None:
        self._centre, self._listening = centre, listening
        self.told: list[Callable[[Change], None]] = []
        self._stop = threading.Event()
        self._weather = Weather("the fleet's health cannot be kept now")
        self._recorder = Recorder()
        self._untold: list[Change] = []
        self._saved: datetime | None = None
        self._due: dict[str, datetime] = {}
        self._led = False
        self.watch = Watch()

    def stop(self) -> None:
        """Lets the loop save what it knows and end."""
        self._stop.set()

    def run(self) -> None:
        """Watches until stopped; a database that cannot be written is tried again with the next look."""
        while not self._stop.is_set() and not self._guarded(lambda _: self.take_up()):
            self._stop.wait(LOOK_SECONDS)
        while not self._stop.wait(LOOK_SECONDS):
            self._guarded(self.look)
        self._guarded(self._save)

    def take_up(self) -> None:
        """Begins where a hub ended: what it kept of every station, which alarms stood, when it last looked."""
        fleet = self._centre.fleet
        fleet.know(self._centre.tokens.all)
        self._led = self._centre.leads
        with self._centre.store.reading() as connection:
            health_history.load(connection, fleet)
            self.watch = Watch(alarms.standing_matters(connection), health_history.looked(connection))

    def _guarded(self, body: Callable[[datetime], None]) -> bool:
        """Does it unless the database is away; whether it was done."""
        if self._weather.still_lasts(self._centre.store.reading):
            return False
        with self._weather.outlasting():
            try:
                body(datetime.now(UTC))
            except singly.UNKEPT as error:  # what a station says has no bound that was thought of
                log.error("what the fleet says cannot be kept", extra={"cause": singly.cause(error)})
            return True
        return False

    def look(self, now: datetime) -> None:
        """One look at ``now``: what began or ended is written down, and whatever else is due."""
        fleet = self._centre.fleet
        fleet.know(self._centre.tokens.all)
        if self._centre.leads is not self._led:
            self._untold.clear()
            self.take_up()  # from the hub that led, or to go on beside the one that leads now
        if self._is_due("gaps", GAPS_EVERY, now):
            with self._centre.store.reading() as connection:
                fleet.miss(gaps.found(connection, [each.health for each in fleet.members() if each.health is not None]))
        changes = self.watch.step(now, fleet.views(self._centre.version_for), listening=self._listening())
        self._untold += changes if self._led else ()
        for change in changes:
            for listener in self.told:
                listener(change)
        if self._untold:
            self._write_down(self._untold)
            self._untold.clear()
        if self._is_due("save", SAVE_EVERY, now):
            self._save(now)
        if self._is_due("points", POINT_EVERY, now):
            self._record(now)
        if self._led and self._is_due("thin", THIN_EVERY, now):
            self._thin(now)

    def _write_down(self, changes: Sequence[Change]) -> None:
        """Keeps each alarm's change; one that no database can keep is said in the log and not tried again."""
        with self._centre.store.writing() as connection:
            for change, why in singly.keep(connection, changes, lambda several: alarms.keep(connection, several)):
                told = {"alarm": change.matter.kind, "station": change.matter.station, "cause": why}
                log.error("an alarm cannot be kept", extra=told)

    def _save(self, now: datetime) -> None:
        fleet = self._centre.fleet
        with self._centre.store.reading() as connection:
            health_history.load(connection, fleet, now - SAVE_EVERY * 4)  # of another hub on this database
        with self._centre.store.writing() as connection:
            health_history.save(connection, self._own_members(), self._saved)
            if self._led:
                health_history.note_look(connection, now)
        self._saved = now

    def _record(self, now: datetime) -> None:
        made = self._recorder.points(self._own_members(), now - POINT_EVERY)
        with self._centre.store.writing() as connection:
            health_history.write(connection, made)
        if self._led and self._is_due("quarter", timedelta(seconds=QUARTER), now):
            with self._centre.store.writing() as connection:
                health_history.condense(connection, now)

    def _thin(self, now: datetime) -> None:
        while not self._stop.is_set():
            with self._centre.store.writing() as connection:
                alarms.forget(connection, now - ALARMS_KEPT)
                if health_history.thin(connection, now) < health_history.THINNED_AT_ONCE:
                    return

    def _own_members(self) -> tuple[Member, ...]:
        """The stations whose health this hub is to keep: all when it leads, else those that told it over HTTP."""
        members = self._centre.fleet.members()
        return members if self._led else tuple(each for each in members if each.via == "http")

    def _is_due(self, what: str, every: timedelta, now: datetime) -> bool:
        if now < self._due.get(what, now):
            return False
        self._due[what] = now + every
        return True
