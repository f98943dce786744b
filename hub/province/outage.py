"""The alarm that stands while the province system is left alone."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Literal

from hub.province.desk import Desk
from hub.stations.alarms import clear_alarm, raise_alarm
from hub.storage.store import Store
from hub.storage.weather import AWAY

KIND: Literal["province"] = "province"


class Outage:
    """Looks at the desk every now and then; writes only when something changed."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self._store = store
        self._desk = desk
        self._stands: bool | None = None  # not known: an earlier hub may have left one

    def step(self, now: datetime) -> None:
        """Begins the alarm, or ends it."""
        problem = self._desk.problem
        if self._stands == bool(problem):
            return
        with contextlib.suppress(*AWAY), self._store.writing() as connection:  # else the next time
            if problem:
                raise_alarm(
                    connection,
                    KIND,
                    "",
                    "",
                    f"the province system is left alone: {problem}",
                    now,
                )
            else:
                clear_alarm(connection, KIND, "", "", now)
            self._stands = bool(problem)
