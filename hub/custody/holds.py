"""Legal holds: while somebody with the right holds a person's records nothing of them is erased, and it is said why."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from hub.errors import DataError
from hub.storage.keeping_tables import holds

REASON_AT_MOST = 500
LONGEST = timedelta(days=366)
"""A hold ends by itself; whoever still needs it places it again."""


class Hold(msgspec.Struct, frozen=True):
    """One hold on one person: who placed it, why, and until when."""

    id: int
    by: str
    reason: str
    placed: datetime
    until: datetime
    released: datetime | None
    released_by: str

    def stands(self, now: datetime) -> bool:
        """Whether it still blocks erasure."""
        return self.released is None and now < self.until


class OnHold(Exception):
    """Nothing of this person may be erased now; ``hold`` says who decided so, why and until when."""

    def __init__(self, hold: Hold) -> None:
        super().__init__(f"on legal hold by {hold.by} until {hold.until:%Y-%m-%d}: {hold.reason}")
        self.hold = hold


def place(connection: sa.Connection, person: int, by: str, reason: str, until: datetime, now: datetime) -> int:
    """Holds a person's records and gives the hold's number; ``DataError`` without a reason or a fitting end."""
    why = reason.strip()
    if not why or len(why) > REASON_AT_MOST:
        raise DataError([f"a legal hold needs a reason of 1 to {REASON_AT_MOST} characters"])
    if not now < until <= now + LONGEST:
        raise DataError([f"a legal hold ends in the future and within {LONGEST.days} days"])
    row = {"person": person, "by": by, "reason": why, "placed": now, "until": until, "released_by": ""}
    added = connection.execute(sa.insert(holds).values(row)).inserted_primary_key
    assert added is not None
    return int(added[0])


def release(connection: sa.Connection, hold: int, by: str, now: datetime) -> bool:
    """Ends a hold before its time; False when none with this number stands."""
    if not 0 < hold < 1 << 31:
        return False
    standing = sa.and_(holds.c.id == hold, _stands(now))
    return connection.execute(sa.update(holds).where(standing).values(released=now, released_by=by)).rowcount > 0


def of(connection: sa.Connection, person: int) -> list[Hold]:
    """Every hold ever placed on a person, newest first."""
    wanted = sa.select(holds).where(holds.c.person == person).order_by(holds.c.placed.desc(), holds.c.id.desc())
    return [_hold(row) for row in connection.execute(wanted)]


def standing(connection: sa.Connection, now: datetime) -> list[Hold]:
    """Every hold that stands, the first to end first; whose they are is not said."""
    wanted = sa.select(holds).where(_stands(now)).order_by(holds.c.until, holds.c.id)
    return [_hold(row) for row in connection.execute(wanted)]


def check(connection: sa.Connection, person: int, now: datetime) -> None:
    """Raises ``OnHold`` with the hold that lasts longest, if any stands."""
    wanted = sa.select(holds).where(holds.c.person == person, _stands(now)).order_by(holds.c.until.desc()).limit(1)
    found = connection.execute(wanted).first()
    if found is not None:
        raise OnHold(_hold(found))


def held_people(now: datetime) -> sa.Select[tuple[int]]:
    """The people whose records are held, for use inside another statement."""
    return sa.select(holds.c.person).where(_stands(now))


def _stands(now: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(holds.c.released.is_(None), holds.c.until > now)


def _hold(row: sa.Row[tuple[object, ...]]) -> Hold:
    return Hold(row.id, row.by, row.reason, row.placed, row.until, row.released, row.released_by)
