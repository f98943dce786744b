"""Looks after the hub's keys while it runs: stations are told of what changed, and erased keys leave the key folder."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from pathlib import Path

from hub.centre import Centre
from hub.register import announcing, sealing
from hub.storage.weather import AWAY, cause_of

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=30)


class KeyWatch:
    """A step every second; the thread that watches owns it."""

    def __init__(self, centre: Centre, folder: Path) -> None:
        self._centre, self._folder = centre, folder
        self._next: datetime | None = None
        self._problem = ""

    def step(self, now: datetime) -> None:
        """Does what is due; weather is told once and tried again."""
        if self._next is not None and now < self._next:
            return
        self._next = now + EVERY
        problem = ""
        try:
            self._look(now)
        except (OSError, *AWAY) as error:
            problem = cause_of(error)
        if problem and problem != self._problem:
            log.error("the keys cannot be looked after now", extra={"cause": problem})
        self._problem = problem

    def _look(self, now: datetime) -> None:
        store, ring = self._centre.store, self._centre.ring
        with store.reading() as connection:
            if sealing.forget_erased(connection, self._folder):
                log.warning("an erased sealing key was overwritten", extra={"folder": str(self._folder)})
            due = announcing.is_due(connection, ring, now)
        if due and self._centre.leads:
            with store.writing() as connection:
                announcing.renew(connection, ring, now)
