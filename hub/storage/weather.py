"""The database's weather: busy, restarted, out of reach.  It ends no loop; its coming and its going are told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import sqlalchemy as sa

log = logging.getLogger(__name__)

AWAY = (sa.exc.OperationalError, sa.exc.TimeoutError)
"""What is raised while the database is busy, restarting or out of reach: it may go well when it is tried again."""


def cause_of(error: BaseException) -> str:
    """The driver's own words for it, in one line."""
    return " ".join(str(getattr(error, "orig", None) or error).split())


class Weather:
    """What one loop cannot do while the database is away, in words for the log: told once, and once that it goes on."""

    def __init__(self, what: str) -> None:
        self._what = what
        self.away = False
        """Whether it was away when it was last tried."""

    @contextmanager
    def outlasting(self) -> Iterator[None]:
        """Lets the block end early while the database is away; whoever calls tries again later."""
        try:
            yield
        except AWAY as error:
            self.struck(error)
        else:
            self.passed()

    def still_lasts(self, reading: Callable[[], AbstractContextManager[sa.Connection]]) -> bool:
        """Whether the database was away and still is: what has nothing to do with it now would not show that."""
        if self.away:
            try:
                with reading() as connection:
                    connection.execute(sa.select(1))
            except AWAY:
                return True
        return False

    def struck(self, error: BaseException) -> None:
        """The database is away."""
        if not self.away:
            log.error(self._what, extra={"cause": cause_of(error)})
        self.away = True

    def passed(self) -> None:
        """It answers."""
        if self.away:
            log.warning("the database is back", extra={"before": self._what})
        self.away = False
