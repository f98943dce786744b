"""The fleet's health on disk: every station's newest message, and its figures over time, thinned as they grow old."""

from __future__ import annotations

import logging
from array import array
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from core.health import Health
from hub.health import hours
from hub.health.fleet_health import Fleet, Kept, Member
from hub.storage import singly
from hub.storage.health_tables import health_points, healths, watches
from hub.storage.store import Insert, insert

log = logging.getLogger(__name__)

MINUTE, QUARTER = 60, 900
"""Seconds that a point stands for: minutes for a day, quarters of an hour for sixty days."""

KEPT = {MINUTE: timedelta(days=1), QUARTER: timedelta(days=60)}

THINNED_AT_ONCE = 5_000

MOST_A_POINT = 1_000_000
"""So many presentations of a kind at most are believed of one point; a quarter's sum of them fits its column."""

_health = msgspec.json.Decoder(Health)
_former = msgspec.json.Decoder(dict[str, int])
_LOOKED = "fleet"


class Point(msgspec.Struct, frozen=True, gc=False):
    """One station's figures over ``span`` seconds from ``at``; means, but for what waited, which is the most."""

    station: str
    span: int
    at: datetime
    messages: int
    backlog: int
    oldest: float | None
    ahead: float | None
    temperature: float | None
    fps: float | None
    sharpness: float | None
    brightness: float | None
    glare: float | None
    memory_free: int | None
    disk_free: int | None
    dbm: int | None
    passes: int
    warns: int
    others: int
    decode_ms: float | None
    lookup_ms: float | None
    signal_ms: float | None


class _Stood(msgspec.Struct, frozen=True, gc=False):
    """What a station's counters stood at when its last point was written."""

    session: str = ""
    messages: int = 0
    passes: int = 0
    warns: int = 0
    all: int = 0
    times: array[float] = array("d", (0,) * 6)
    """How many, and milliseconds: of decoding, of look-ups, of signals."""


class Recorder:
    """Makes points of what stations said since the last ones."""

    def __init__(self) -> None:
        self._stood: dict[str, _Stood] = {}

    def points(self, members: Iterable[Member], now: datetime) -> list[Point]:
        """A point for each station that was heard since the last call; the first call only begins to count."""
        at = now.replace(second=0, microsecond=0)
        made = []
        for member in members:
            health = member.health
            if health is None:
                continue
            before, stood = self._stood.get(member.gate.name), _stood(health, member.messages)
            if before is None or stood.messages > before.messages:
                self._stood[member.gate.name] = stood
            if before is not None and stood.messages > before.messages:
                made.append(_point(member, health, before, stood, at))
        return made


def _stood(health: Health, messages: int) -> _Stood:
    said, timed = health.outcomes, (health.decode, health.lookup, health.signal)
    return _Stood(
        health.session,
        messages,
        said.get("pass", 0),
        said.get("warn", 0),
        sum(said.values()),
        array("d", [figure for each in timed for figure in (each.count, each.total)]),
    )


def _point(member: Member, health: Health, before: _Stood, now: _Stood, at: datetime) -> Point:
    if before.session != now.session:
        before = msgspec.structs.replace(_Stood(), messages=before.messages)
    camera, board = health.camera, health.board
    passes, warns = now.passes - before.passes, now.warns - before.warns
    return Point(
        station=member.gate.name,
        span=MINUTE,
        at=at,
        messages=now.messages - before.messages,
        backlog=health.journal.backlog,
        oldest=health.journal.oldest,
        ahead=member.ahead,
        temperature=board.temperature,
        fps=camera.fps if camera is not None else None,
        sharpness=camera.sharpness if camera is not None else None,
        brightness=camera.brightness if camera is not None else None,
        glare=camera.glare if camera is not None else None,
        memory_free=board.memory_free,
        disk_free=board.disk_free,
        dbm=health.link.dbm,
        passes=_bounded(passes),
        warns=_bounded(warns),
        others=_bounded(now.all - before.all - passes - warns),
        decode_ms=_mean(before.times, now.times, 0),
        lookup_ms=_mean(before.times, now.times, 2),
        signal_ms=_mean(before.times, now.times, 4),
    )


def _bounded(count: int) -> int:
    return min(max(0, count), MOST_A_POINT)


def _mean(before: array[float], now: array[float], place: int) -> float | None:
    count = now[place] - before[place]
    return round((now[place + 1] - before[place + 1]) / count, 3) if count > 0 else None


def save(connection: sa.Connection, members: Iterable[Member], since: datetime | None) -> int:
    """Writes the newest message of every station that was heard after ``since``; how many."""
    rows = [
        {
            "station": member.gate.name,
            "heard": member.heard,
            "ahead": member.ahead,
            "via": member.via,
            "hour": member.hour,
            "former": msgspec.json.encode(member.former).decode(),
            "message": msgspec.json.encode(member.health),
        }
        for member in members
        if member.health is not None and member.heard is not None and (since is None or member.heard > since)
    ]
    statement = insert(connection, healths)
    new = {name: statement.excluded[name] for name in ("heard", "ahead", "via", "former", "hour", "message")}
    newer = healths.c.heard < statement.excluded.heard
    _keep(connection, statement.on_conflict_do_update(index_elements=["station"], set_=new, where=newer), rows)
    return len(rows)


def _keep(connection: sa.Connection, statement: Insert, rows: Sequence[dict[str, Any]]) -> None:
    """Each station's row is kept, whatever another's holds."""
    for row, why in singly.keep(connection, rows, lambda several: _execute(connection, statement, several)):
        log.error("a station's health cannot be kept", extra={"station": row["station"], "cause": why})


def _execute(connection: sa.Connection, statement: Insert, rows: Sequence[dict[str, Any]]) -> None:
    connection.execute(statement, list(rows))


def load(connection: sa.Connection, fleet: Fleet, since: datetime | None = None) -> None:
    """Gives a fleet what hubs kept after ``since``, this one before its start or another beside it."""
    wanted = sa.select(healths)
    if since is not None:
        wanted = wanted.where(healths.c.heard > since)
    for row in connection.execute(wanted):
        try:
            health, former = _health.decode(row.message), _former.decode(row.former)
        except ValueError:
            continue  # of another version of this program: the next message replaces it
        fleet.restore(row.station, Kept(health, row.heard, row.ahead, row.via, former, hours.read(row.hour)))


def write(connection: sa.Connection, points: Iterable[Point]) -> None:
    """Keeps points; one that another hub wrote stays."""
    rows = [msgspec.structs.asdict(point) for point in points]
    _keep(connection, insert(connection, health_points).on_conflict_do_nothing(), rows)


def condense(connection: sa.Connection, now: datetime) -> None:
    """Makes quarters of an hour of the minutes of the last whole two; done again it changes nothing."""
    quarter = datetime.fromtimestamp(now.timestamp() // QUARTER * QUARTER, UTC)
    for back in (2, 1):
        _condense(connection, quarter - timedelta(seconds=QUARTER * back))


def _condense(connection: sa.Connection, at: datetime) -> None:
    table = health_points.c
    within = sa.and_(table.span == MINUTE, table.at >= at, table.at < at + timedelta(seconds=QUARTER))
    means = [sa.func.avg(table[name]) for name in _MEANS]
    wholes = [sa.cast(sa.func.avg(table[name]), sa.BigInteger) for name in _WHOLE_MEANS]
    sums = [sa.func.sum(table[name]) for name in _SUMS]
    most = [sa.func.max(table[name]) for name in _MOST]
    columns = [sa.literal(QUARTER), sa.literal(at, table.at.type), table.station, *means, *wholes, *sums, *most]
    names = ["span", "at", "station", *_MEANS, *_WHOLE_MEANS, *_SUMS, *_MOST]
    made = sa.select(*columns).where(within).group_by(table.station)
    connection.execute(insert(connection, health_points).from_select(names, made).on_conflict_do_nothing())


_MEANS = ("ahead", "temperature", "fps", "sharpness", "brightness", "glare", "decode_ms", "lookup_ms", "signal_ms")
_WHOLE_MEANS = ("memory_free", "disk_free", "dbm")
_SUMS = ("messages", "passes", "warns", "others")
_MOST = ("backlog", "oldest")


def thin(connection: sa.Connection, now: datetime) -> int:
    """Erases points that are older than their kind is kept, a bounded number a call; how many."""
    table, gone = health_points.c, 0
    for span, kept in KEPT.items():
        due = sa.and_(table.span == span, table.at < now - kept)
        oldest = sa.select(table.at).where(due).order_by(table.at).offset(THINNED_AT_ONCE).limit(1)
        until = connection.scalar(oldest) or now - kept
        gone += connection.execute(sa.delete(health_points).where(due, table.at <= until)).rowcount
    return gone


def points(connection: sa.Connection, station: str, since: datetime, span: int = MINUTE) -> list[Point]:
    """A station's figures over time, oldest first."""
    own = sa.and_(health_points.c.station == station, health_points.c.span == span, health_points.c.at >= since)
    found = connection.execute(sa.select(health_points).where(own).order_by(health_points.c.at))
    return [Point(**row) for row in found.mappings()]


def scans(connection: sa.Connection, since: datetime) -> dict[str, int]:
    """Presentations within the newest minute that each station has a point of, from ``since`` on."""
    table = health_points.c
    wanted = sa.select(table.station, table.passes + table.warns + table.others)
    recent = wanted.where(table.span == MINUTE, table.at >= since).order_by(table.at)
    return {row[0]: row[1] for row in connection.execute(recent)}  # the newest comes last


def looked(connection: sa.Connection) -> datetime | None:
    """When a hub last judged who is silent."""
    return connection.scalar(sa.select(watches.c.looked).where(watches.c.name == _LOOKED))


def note_look(connection: sa.Connection, now: datetime) -> None:
    """Writes down that a hub watches."""
    statement = insert(connection, watches).values(name=_LOOKED, looked=now)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"looked": now}))
