"""``hub fleet`` and ``hub alarms``: how the stations are, the worst first, and what somebody must look at."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from core.health import Health
from core.model import Verdict
from hub.commands.opening import opened, settings_of
from hub.errors import ConfigError
from hub.health import health_history
from hub.health.fleet_health import Fleet
from hub.journals import second_look
from hub.policy import policies
from hub.stations import alarms
from hub.stations.fleet import Tokens
from hub.stations.trouble import Trouble, View, age, rank, spoken, trouble
from hub.telling.composing import trial
from hub.telling.ways import NotTold, ways


class Standing(msgspec.Struct, frozen=True):
    """One station with everything that is wrong with it."""

    station: str
    kind: str
    place: str
    district: str
    heard: datetime | None
    ahead: float | None
    policy: int
    troubles: tuple[Trouble, ...]
    health: Health | None


def fleet(given: argparse.Namespace) -> int:
    """``hub fleet``."""
    now = datetime.now(UTC)
    with opened(given) as (store, _), store.reading() as connection:
        views = known(connection, now)
    judged = sorted(((view, trouble(view, now)) for view in views), key=lambda each: rank(*each))
    if given.json:
        print(msgspec.json.encode([_standing(*each) for each in judged]).decode())
        return os.EX_OK
    wrong = [each for each in judged if each[1]]
    shown = judged if given.all else wrong
    print("\n".join(_lines(shown, now)) if shown else "")
    print(f"{len(judged)} stations, {len(wrong)} in trouble")
    return os.EX_OK


def known(connection: sa.Connection, now: datetime) -> tuple[View, ...]:
    """Every registered station as the hubs on this database last kept it, some seconds ago."""
    tokens, members = Tokens(), Fleet()
    tokens.reload(connection)
    members.know(tokens.all)
    health_history.load(connection, members)
    published = policies.in_force(connection, now)
    return members.views(lambda gate: policies.newest(published, gate.scopes))


def _standing(view: View, troubles: tuple[Trouble, ...]) -> Standing:
    own = (view.station, view.kind, view.place, view.district)
    return Standing(*own, view.heard, view.ahead, view.policy, troubles, view.health)


def _lines(judged: list[tuple[View, tuple[Trouble, ...]]], now: datetime) -> Iterator[str]:
    rows = [("station", "place", "heard", "backlog", "clock", "°C", "trouble")]
    for view, troubles in judged:
        health, quiet = view.health, age(view, now)
        heat = health.board.temperature if health is not None else None
        rows.append(
            (
                view.station,
                view.place_name or view.place,
                "never" if quiet is None else f"{spoken(max(0.0, quiet.total_seconds()))} ago",
                "-" if health is None else str(health.journal.backlog),
                "-" if view.ahead is None else f"{view.ahead:+.1f} s",
                "-" if heat is None else f"{heat:.0f}",
                "; ".join(each.detail for each in troubles) or "well",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])


def list_alarms(given: argparse.Namespace) -> int:
    """``hub alarms``."""
    if given.do == "test":
        return _try_ways(given)
    with opened(given) as (store, _), store.reading() as connection:
        found = alarms.listed(connection, given.since, standing=given.standing)
    if given.json:
        print(msgspec.json.encode(found).decode())
    for each in [] if given.json else found:
        over = f"  over {each.cleared:%Y-%m-%d %H:%M:%S}" if each.cleared is not None else ""
        seen = f"  seen by {each.acknowledged_by}" if each.acknowledged is not None else ""
        which = each.station or each.subject
        print(f"{each.last:%Y-%m-%d %H:%M:%S}  {each.kind}  {which}  {each.detail}  ({each.times}×){over}{seen}")
    return os.EX_OK


def _try_ways(given: argparse.Namespace) -> int:
    """Sends a trial by every way and says how each went."""
    settings, now = settings_of(given).alarms, datetime.now(UTC)
    found = ways(settings)
    if not found:
        raise ConfigError("[alarms]: neither url nor smtp_host is set, so nobody is told; see hub/hub.example.toml")
    failed = 0
    for way in found:
        try:
            way.tell(trial(settings.language, now), now)
            print(f"{way.name}: sent")
        except NotTold as error:
            failed += 1
            print(f"{way.name}: {error}", file=sys.stderr)
    return os.EX_UNAVAILABLE if failed else os.EX_OK


def list_other_verdicts(given: argparse.Namespace) -> int:
    """``hub other-verdicts``."""
    with opened(given) as (store, _), store.reading() as connection:
        found = second_look.listed(connection, given.station or "", given.since)
    if given.json:
        print(msgspec.json.encode(found).decode())
    for each in [] if given.json else found:
        print(f"{each.at:%Y-%m-%d %H:%M:%S}  {each.station}  row {each.seq}  {_said(each.shown)} → {_said(each.known)}")
    return os.EX_OK


def _said(verdict: Verdict) -> str:
    return " ".join([verdict.outcome, *(f"({reason})" for reason in verdict.reasons)])
