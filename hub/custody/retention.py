"""How long records stay: versions of days by kind of record, each with its author and its moment, like a policy's.

They are the hub's own business and no part of the signed policy that stations get: a policy speaks to gates, has
scopes, and a station refuses one with a key it does not know; records lie in one place, whichever gate they came from.
How long a station's own card keeps rows is in its settings.  Until a version is published ``hub.toml`` says the days.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa

from hub.config import KeepingSettings
from hub.errors import DataError
from hub.storage.keeping_tables import retentions
from hub.storage.store import serialize

NOTE_AT_MOST = 500
VERSIONS_END = 1 << 31


class Days(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """After how many days records of each kind are erased.

    ``withdrawn`` counts from a declaration's withdrawal; ``erasures`` is how long an erasure can be repeated after a
    restore.  The log of look-ups has no days: it is chained, and somebody answers for each look-up.
    """

    checkins: int = 21
    declarations: int = 90
    withdrawn: int = 21
    codes: int = 1
    erasures: int = 180

    def before(self, kind: str, now: datetime) -> datetime:
        """What is older than this is due."""
        return now - timedelta(days=int(getattr(self, kind)))


LIMITS: dict[str, tuple[int, int]] = {
    "checkins": (14, 60),
    "declarations": (30, 730),
    "withdrawn": (1, 60),
    "codes": (1, 7),
    "erasures": (30, 730),
}
"""The fewest and the most days of each kind; the pages say why."""


class Version(msgspec.Struct, frozen=True):
    """One version; number 0 is what ``hub.toml`` says."""

    number: int
    days: Days
    note: str
    author: str
    effective: datetime
    published: datetime


def of_settings(settings: KeepingSettings) -> Days:
    """The days in ``hub.toml``."""
    checkins = settings.checkin_days
    return Days(checkins=checkins, declarations=settings.declaration_days, withdrawn=checkins)


def faults(days: Mapping[str, int]) -> list[str]:
    """The kinds whose days are outside their limits, or unknown."""
    return [kind for kind, count in days.items() if not _fits(kind, count)]


def _fits(kind: str, count: int) -> bool:
    low, high = LIMITS.get(kind, (1, 0))
    return low <= count <= high


def publish(
    connection: sa.Connection,
    days: Days,
    author: str,
    now: datetime,
    *,
    effective: datetime | None = None,
    note: str = "",
) -> int:
    """Keeps a new version, in force from ``effective`` on (now at the earliest); its number.

    Raises ``DataError`` for days outside their limits.
    """
    wrong = faults(msgspec.structs.asdict(days))
    if wrong:
        said = ", ".join(f"{kind}: {LIMITS[kind][0]} to {LIMITS[kind][1]} days" for kind in wrong)
        raise DataError([f"how long records stay: {said}"])
    serialize(connection, [b"retentions"])  # or two at once would take the same number
    number = (connection.scalar(sa.select(sa.func.max(retentions.c.version))) or 0) + 1
    row = {
        "version": number,
        "days": msgspec.json.encode(days).decode(),
        "note": note[:NOTE_AT_MOST],
        "author": author,
        "effective": max(effective or now, now),
        "published": now,
    }
    connection.execute(sa.insert(retentions).values(row))
    return number


def history(connection: sa.Connection, at_most: int = 100) -> list[Version]:
    """The versions, newest first."""
    wanted = sa.select(retentions).order_by(retentions.c.version.desc()).limit(at_most)
    return [_version(row) for row in connection.execute(wanted)]


def overtaken(versions: Iterable[Version]) -> set[int]:
    """The versions that never come into force: a later number does, by then."""
    every = list(versions)
    return {old.number for old in every for new in every if new.number > old.number and new.effective <= old.effective}


def version(connection: sa.Connection, number: int) -> Version | None:
    """One version; None when there is none with this number."""
    if not 0 < number < VERSIONS_END:
        return None
    row = connection.execute(sa.select(retentions).where(retentions.c.version == number)).first()
    return None if row is None else _version(row)


def current(connection: sa.Connection, settings: KeepingSettings, now: datetime) -> Version:
    """The newest version whose moment has come, else what ``hub.toml`` says."""
    wanted = sa.select(retentions).where(retentions.c.effective <= now).order_by(retentions.c.version.desc()).limit(1)
    row = connection.execute(wanted).first()
    return Version(0, of_settings(settings), "", "", now, now) if row is None else _version(row)


def _version(row: sa.Row[tuple[object, ...]]) -> Version:
    days = msgspec.json.decode(row.days, type=Days)
    return Version(row.version, days, row.note, row.author, row.effective, row.published)
