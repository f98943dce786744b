"""Rows of a boot dated by a clock that nobody had set, put right when the station learns what time it is.

An amendment row of cause ``clock`` says what time it is at its place in the boot.  Every row of that boot before it, of
whichever journal of the station's, was written the counted seconds earlier.  A row goes by the first amendment after
it, so that neither the order in which journals arrive nor how often they are read changes anything.

A row whose clock was sure says nothing new, but vouches for those before it whose clock ran with it: a hardware clock
that was right is never amended.

However many rows such a word dates, it is only noted when it is heard.  ``date_held`` goes through them, a few in each
transaction, and keeps its place.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa

from core.wire import Row, RowClock
from hub.register.standings import moment
from hub.storage.boot_tables import boots
from hub.storage.store import insert, serialize
from hub.storage.tables import Instant, journal_rows, visits

CAUSE = "clock"
BOOT_AT_MOST = 64
AGREES_WITHIN = timedelta(seconds=10)
"""A station amends what was off by five seconds; a row's moment is its capture's, which may have waited for a while."""
_LONGEST = timedelta(days=3650).total_seconds()
_MILLI = 1000
_LOCK = b"boots"

_OF_BOOT = (boots.c.station == sa.bindparam("of"), boots.c.boot == sa.bindparam("in"))
_WORDS = sa.select(boots.c.uptime, boots.c.at, boots.c.amends).where(*_OF_BOOT).order_by(boots.c.uptime)
_BEFORE = sa.select(sa.func.coalesce(sa.func.max(boots.c.uptime), 0)).where(
    *_OF_BOOT,
    boots.c.uptime < sa.bindparam("to", type_=sa.BigInteger),
    sa.or_(boots.c.amends, ~sa.bindparam("amend", type_=sa.Boolean)),
)
_NEWEST = sa.select(sa.func.coalesce(sa.func.max(boots.c.uptime), 0)).where(*_OF_BOOT).scalar_subquery()
_UNVOUCHED = (
    sa.select(visits.c.id)
    .where(visits.c.station == sa.bindparam("of"), visits.c.boot == sa.bindparam("in"))
    .where(visits.c.uptime < sa.bindparam("to", type_=sa.BigInteger))
    .where(visits.c.uptime >= _NEWEST)
    .limit(1)
)
_WAITING = (
    sa.select(boots)
    .where(boots.c.passed.is_not(None))
    .order_by(boots.c.station, boots.c.boot, boots.c.uptime)
    .limit(1)
    .with_for_update(skip_locked=True)  # another hub goes on with that one
)
_ONE_BY_ONE = "UPDATE visits SET at = ?, dated = 1 WHERE id = ?"
_ALL_AT_ONCE = """
    UPDATE visits SET at = moved.at, dated = true
    FROM unnest(%s::bigint[], %s::bigint[]) AS moved (at, id) WHERE visits.id = moved.id
"""


def unsure(clock: RowClock) -> bool:
    """Whether a row's clock was nobody's word, and the hub had not said by how much it was off."""
    return clock.source in ("guess", "rtc") and clock.offset is None


def own_time(row: Row) -> datetime:
    """A row's time by its own clock, moved by what the hub had said of that clock when it wrote the row."""
    offset = row.clock.offset
    if row.clock.source != "guess" or offset is None or not abs(offset) < _LONGEST * 10:
        return row.at
    try:
        return row.at + timedelta(seconds=offset)
    except OverflowError:
        return row.at


def place_in_boot(clock: RowClock) -> dict[str, Any]:
    """What a visit keeps of its row's clock, to be dated by; nothing where no word of the boot can ever be found."""
    if not unsure(clock):
        return {"boot": None, "uptime": None, "dated": True}
    counted = _is_counted(clock)
    return {
        "boot": clock.boot if counted else None,
        "uptime": _uptime(clock) if counted else None,
        "dated": False,
    }


def is_of_boot(row: Row) -> bool:
    """Whether a row is an amendment of everything before it in its boot."""
    return (
        row.type == "amendment"
        and not row.speaks_of[1]
        and row.cause == CAUSE
        and row.clock.source in ("ntp", "hub")
        and _is_counted(row.clock)
    )


def _is_counted(clock: RowClock) -> bool:
    return 0 <= clock.monotonic < _LONGEST and len(clock.boot) <= BOOT_AT_MOST and "\0" not in clock.boot


def _uptime(clock: RowClock) -> int:
    return round(clock.monotonic * _MILLI)


class _Word(NamedTuple):
    """What time it was at a moment of a boot."""

    uptime: int
    at: datetime


class _Words:
    """All that is known of one boot."""

    def __init__(self, connection: sa.Connection, station: str, boot: str) -> None:
        found = connection.execute(_WORDS, {"of": station, "in": boot}).all()
        self._amending = [_Word(each.uptime, each.at) for each in found if each.amends]
        self._vouching = [_Word(each.uptime, each.at) for each in found if not each.amends]

    def time_of(self, uptime: int, at: datetime, arrived: datetime) -> datetime | None:
        """When a row was written that says ``at``; None while nobody knows."""
        word = _first_after(self._amending, uptime)
        if word is not None:
            try:
                return moment(word.at - timedelta(milliseconds=word.uptime - uptime), arrived)
            except OverflowError:
                return None  # no board counts such seconds
        word = _first_after(self._vouching, uptime)
        if word is None or abs(word.at - at - timedelta(milliseconds=word.uptime - uptime)) > AGREES_WITHIN:
            return None
        return at


def _first_after(words: Sequence[_Word], uptime: int) -> _Word | None:
    after = bisect_right(words, uptime, key=lambda word: word.uptime)
    return words[after] if after < len(words) else None


def date(connection: sa.Connection, station: str, seen: Iterable[tuple[dict[str, Any], datetime]]) -> None:
    """Dates visits that are about to be kept, each with its arrival, where their boot has been spoken of already."""
    by_boot: dict[str, list[tuple[dict[str, Any], datetime]]] = {}
    for columns, arrived in seen:
        if columns["boot"] is not None:
            by_boot.setdefault(columns["boot"], []).append((columns, arrived))
    if by_boot:
        serialize(connection, [_LOCK])  # a word that is heard beside finds them kept, or is found here
    for boot, those in by_boot.items():
        words = _Words(connection, station, boot)
        for columns, arrived in those:
            if (true := words.time_of(columns["uptime"], columns["at"], arrived)) is not None:
                columns.update(at=true, dated=True)


def learn(connection: sa.Connection, amendments: Iterable[Row]) -> None:
    """Notes what time it was in these rows' boots; ``date_held`` dates what is held."""
    for row in amendments:
        _note(connection, row, row.at, amends=True)


def vouch(connection: sa.Connection, sure: Iterable[Row]) -> None:
    """Notes rows with a sure clock behind visits of their boot that nobody has vouched for."""
    for row in sure:
        if _is_counted(row.clock):
            at = {"of": row.station, "in": row.clock.boot, "to": _uptime(row.clock)}
            if connection.scalar(_UNVOUCHED, at) is not None:
                _note(connection, row, own_time(row), amends=False)


def _note(connection: sa.Connection, row: Row, at: datetime, *, amends: bool) -> None:
    serialize(connection, [_LOCK])
    key = {"station": row.station, "boot": row.clock.boot, "uptime": _uptime(row.clock)}
    before = {"of": row.station, "in": row.clock.boot, "to": key["uptime"], "amend": amends}
    said = {"at": at, "amends": amends, "passed": connection.scalar(_BEFORE, before), "passed_id": 0}
    statement = insert(connection, boots).values({**key, **said})
    if amends:
        overrules = statement.on_conflict_do_update(index_elements=list(key), set_=said, where=~boots.c.amends)
        connection.execute(overrules)
    else:
        connection.execute(statement.on_conflict_do_nothing())


def date_held(connection: sa.Connection, at_most: int, dated: list[int] | None = None) -> bool:
    """Dates up to ``at_most`` held visits by words that were noted; whether there may be more.

    Their ids are put into ``dated``.
    """
    left = at_most
    while left > 0:
        word = connection.execute(_WAITING).first()
        if word is None:
            return False
        left -= max(1, _date_some(connection, word, left, [] if dated is None else dated))
    return True


def _date_some(connection: sa.Connection, word: sa.Row[Any], at_most: int, dated: list[int]) -> int:
    row = visits.c
    same = sa.and_(*(journal_rows.c[name] == row[name] for name in ("station", "epoch", "seq")))
    behind = sa.tuple_(row.uptime, row.id) > sa.tuple_(word.passed, word.passed_id)
    wanted = sa.select(row.id, row.uptime, row.at, row.dated, journal_rows.c.arrived).select_from(
        visits.outerjoin(journal_rows, same)
    )
    of_boot = sa.and_(row.station == word.station, row.boot == word.boot, row.uptime < word.uptime, behind)
    found = connection.execute(wanted.where(of_boot).order_by(row.uptime, row.id).limit(at_most)).all()
    words = _Words(connection, word.station, word.boot)
    moved = []
    for each in found:
        true = None if each.arrived is None else words.time_of(each.uptime, each.at, each.arrived)
        if true is not None and not (each.dated and true == each.at):
            moved.append((true, each.id))
    _move(connection, moved)
    dated += [which for _, which in moved]
    through = (found[-1].uptime, found[-1].id) if len(found) == at_most else (None, None)
    this = sa.and_(boots.c.station == word.station, boots.c.boot == word.boot, boots.c.uptime == word.uptime)
    connection.execute(sa.update(boots).where(this).values(passed=through[0], passed_id=through[1]))
    return len(found)


def _move(connection: sa.Connection, moved: Sequence[tuple[datetime, int]]) -> None:
    """Hands the driver what it takes fastest: SQLite one visit after another, PostgreSQL whole columns."""
    if not moved:
        return
    kept = [(Instant().process_bind_param(at, connection.dialect), which) for at, which in moved]
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_ALL_AT_ONCE, tuple(map(list, zip(*kept, strict=True))))
    else:
        connection.exec_driver_sql(_ONE_BY_ONE, kept)
