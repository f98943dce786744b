"""Of several hubs on one database one leads: it gives orders out, announces, watches, writes down what all hear.

On PostgreSQL the leader is who holds an advisory lock, on a connection of its own: a hub that dies lets go of it with
its connection, and another leads within about a second.  SQLite has one hub, which leads.
"""

from __future__ import annotations

import logging
import time

import sqlalchemy as sa

from hub.storage.store import Store
from hub.storage.weather import AWAY

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
_LOCK = 0x7471_6C64  # one number that every hub on a PostgreSQL database agrees on
_LIVELY = ("tcp_keepalives_idle = 5", "tcp_keepalives_interval = 2", "tcp_keepalives_count = 3")
"""So that the server notices within a quarter of a minute when a leader's machine is gone without a word."""


class Lead:
    """Whether this hub leads; ``look`` belongs to one thread, anybody may read ``held``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._connection: sa.Connection | None = None
        self._next = 0.0  # monotonic
        self.held = False
        self.away = False
        """Whether nobody can say who leads: the database is away."""
        self.look()

    def look(self) -> bool:
        """Takes the lead when nobody has it, at most once a second; whether this hub leads now."""
        if time.monotonic() < self._next:
            return self.held
        self._next = time.monotonic() + LOOK_SECONDS
        before = self.held
        try:
            self.held = self._try()
            self.away = False
        except AWAY:
            self.away = True  # first: between the two this hub would take itself for one that does not lead
            self._let_go()
        if self.held is not before:
            log.info("this hub leads" if self.held else "this hub leads no more")
        return self.held

    def close(self) -> None:
        """Lets another hub lead."""
        self._let_go()

    def _try(self) -> bool:
        connection = self._connection
        if connection is None:
            connection = self._connection = self._store.reader()
            if connection.dialect.name != "postgresql":
                return True
            for setting in _LIVELY:
                connection.exec_driver_sql(f"SET {setting}")
        if connection.dialect.name != "postgresql":
            return True
        if self.held:  # the lock lasts as long as its connection
            connection.execute(sa.select(1))
            return True
        return bool(connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK))))

    def _let_go(self) -> None:
        self.held = False
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()
