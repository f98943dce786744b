"""The loop that tells people of alarms: what begins together goes in one message, each once, until it is taken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from hub.config import AlarmSettings
from hub.logs import Tally
from hub.stations.alarms import Event
from hub.storage.store import Store
from hub.storage.tables import places, stations
from hub.storage.weather import Weather
from hub.telling import outbox
from hub.telling.composing import Message, compose
from hub.telling.ways import NotTold, Way

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
TOGETHER = timedelta(seconds=8)
"""So long an alarm waits for others that begin with it."""


class Teller:
    """One loop; ``run`` is its thread's body."""

    def __init__(self, store: Store, settings: AlarmSettings, ways: Sequence[Way], tally: Tally) -> None:
        self._store, self._settings, self._ways, self._tally = store, settings, ways, tally
        self._stop = threading.Event()
        self._weather = Weather("alarms cannot be told now")
        self._problems: dict[str, str] = {}

    def stop(self) -> None:
        """Lets the loop end after the message it is at."""
        self._stop.set()

    def run(self) -> None:
        """Tells until stopped; a database that cannot be written is tried again with the next look."""
        while not self._stop.is_set() and not self._has_begun():
            self._stop.wait(LOOK_SECONDS)
        while not self._stop.wait(LOOK_SECONDS):
            self.step(datetime.now(UTC))

    def _has_begun(self) -> bool:
        with self._weather.outlasting():
            self.begin(datetime.now(UTC))
            return True
        return False

    def begin(self, now: datetime) -> None:
        """Notes from when on alarms are told, if that has not begun before."""
        with self._store.writing() as connection:
            for way in self._ways:
                outbox.begin(connection, way.name, now)

    def step(self, now: datetime) -> None:
        """Takes in what has happened and tells what is due."""
        lost = 0
        with self._weather.outlasting():
            with self._store.writing() as connection:
                lost = outbox.give_up(connection, now)
            for way in self._ways:
                self._tell(way, now)
        for _ in range(lost):
            self._tally.add("alarm: could not be told for a day")

    def _tell(self, way: Way, now: datetime) -> None:
        what = ("began", "over") if self._settings.ended else ("began",)
        with self._store.writing() as connection:
            outbox.offer(connection, way.name, self._settings.kinds, what, now, now + TOGETHER)
            due = outbox.claim(connection, way.name, now)
        if not due:
            return
        try:
            way.tell(self._composed(due), now)
        except NotTold as error:
            with self._store.writing() as connection:
                again = outbox.failed(connection, way.name, due, now)
            self._note(way.name, str(error), again=again)
            return
        with self._store.writing() as connection:
            outbox.told(connection, way.name, due, now)
        self._note(way.name, "")

    def _composed(self, events: Sequence[Event]) -> Message:
        with self._store.reading() as connection:
            joined = sa.select(stations.c.name, places.c.code, places.c.name.label("place_name")).join_from(
                stations, places, places.c.code == stations.c.place
            )
            named = joined.where(stations.c.name.in_({each.station for each in events}))
            where = {row.name: (row.code, row.place_name) for row in connection.execute(named)}
            codes = {value for each in events for value in each.facts.values()}
            known = sa.select(places.c.code, places.c.name).where(places.c.code.in_(codes))
            names = {row.code: row.name for row in connection.execute(known)}
        return compose(events, where, names, self._settings.language)

    def _note(self, way: str, problem: str, again: datetime | None = None) -> None:
        if problem == self._problems.get(way, ""):
            return
        self._problems[way] = problem
        if problem:
            log.warning("alarms wait", extra={"way": way, "problem": problem, "again": str(again)})
        else:
            log.info("alarms are told again", extra={"way": way})
