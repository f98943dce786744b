"""``hub snapshot``: what stations hold for days without a network."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from hub.commands.answering import name_of, note, who
from hub.commands.opening import opened, settings_of
from hub.errors import DataError
from hub.snapshots import building
from hub.snapshots.shelf import Shelf, told
from hub.storage.snapshot_tables import snapshot_versions, snapshot_withheld
from hub.storage.store import insert
from hub.storage.tables import stations

_TOLD_EVERY = 2.0


def build_now(given: argparse.Namespace) -> int:
    """``hub snapshot build``."""
    with opened(given) as (store, ring):
        shelf = Shelf(settings_of(given).shelf, ring)
        built = building.build(store, ring, shelf, datetime.now(UTC), _Progress(), whole=given.whole)
    if given.json:
        print(msgspec.json.encode(built).decode())
    else:
        print(f"version {built.version}: {built.entries} entries, {built.changed} of them new, changed or gone")
    return os.EX_OK


def list_all(given: argparse.Namespace) -> int:
    """``hub snapshot list``."""
    with opened(given) as (_, ring):
        known = [told(manifest) for manifest in Shelf(settings_of(given).shelf, ring).known()]
    if given.json:
        print(msgspec.json.encode(known).decode())
    for each in [] if given.json else known:
        kind = f"from {each.base}" if each.base else "whole"
        print(
            f"{each.as_of:%Y-%m-%d %H:%M}  version {each.version}  {kind}  {each.entries} entries  {each.bytes} bytes"
        )
    return os.EX_OK


def withhold(given: argparse.Namespace) -> int:
    """``hub snapshot withhold``."""
    with opened(given) as (store, _), store.writing() as connection:
        if connection.scalar(sa.select(stations.c.name).where(stations.c.name == given.station)) is None:
            raise DataError([f"station {given.station!r} is not registered"])
        account = who(connection, given)
        values = {"station": given.station, "since": datetime.now(UTC), "by": name_of(account)}
        connection.execute(insert(connection, snapshot_withheld).values(values).on_conflict_do_nothing())
        if given.renew:
            connection.execute(sa.insert(snapshot_versions).values(building.fresh(datetime.now(UTC))))
        detail = {"station": given.station, "what": "withheld-new-key" if given.renew else "withheld"}
        note(connection, account, "snapshot", detail=detail)
    more = "; the next snapshot has a new key" if given.renew else ""
    print(
        json.dumps({"withheld": given.station}) if given.json else f"{given.station} gets no snapshots any more{more}"
    )
    return os.EX_OK


def hand_out(given: argparse.Namespace) -> int:
    """``hub snapshot hand-out``."""
    with opened(given) as (store, _), store.writing() as connection:
        account = who(connection, given)
        gone = connection.execute(sa.delete(snapshot_withheld).where(snapshot_withheld.c.station == given.station))
        if not gone.rowcount:
            raise DataError([f"nothing is withheld from {given.station!r}"])
        note(connection, account, "snapshot", detail={"station": given.station, "what": "handed-out"})
    print(json.dumps({"handed_out": given.station}) if given.json else f"{given.station} gets snapshots again")
    return os.EX_OK


class _Progress:
    """A line on a terminal every two seconds."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _TOLD_EVERY

    def __call__(self, what: str, done: int, of: int) -> None:
        if time.monotonic() >= self._next and sys.stderr.isatty():
            self._next = time.monotonic() + _TOLD_EVERY
            print(f"{what}: {done} of {of}", file=sys.stderr, flush=True)
