"""What a snapshot costs the hub: stretching each number once, sealing everybody, and a day's change as a delta.

The hub's own builder on a database of synthetic people with three codes each, one of which is a number that can be
guessed and so is stretched.  Costs are of this process's CPU over all its threads, told a person; the sizes are those
of the contents that stations fetch.  ``TQ_BENCH_BUILT`` says how many people.
"""

from __future__ import annotations

import os
import resource
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from bench import hubs
from bench.rows import Row
from core.snapshot import Manifest
from hub.opening import open_store
from hub.snapshots import secrets as keyed
from hub.snapshots.building import build
from hub.snapshots.shelf import Shelf
from hub.snapshots.stretching import stretch_new
from hub.storage.store import Store
from hub.storage.tables import declarations

PEOPLE = int(os.environ.get("TQ_BENCH_BUILT", "10000"))
EVERY = 20
"""One in so many declares again within a day: 5 %."""
ALIKE = 5
"""One in so many people has a declaration of entry as well: they change as often as others."""
ROUNDS = 3
WHOLE_PROVINCE = 1_200_000


def measure(folder: Path, told: Callable[[str], None]) -> list[Row]:
    """One row; the costs are told."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    hub = hubs.furnish(folder / "hub", "", (), PEOPLE, lambda _said: None)
    store, ring = open_store(hub.settings)
    shelf, begun = Shelf(hub.settings.shelf, ring), datetime.now(UTC)
    _tell(told, "stretching", lambda: stretch_new(store, ring, keyed.how_stretched(ring), _quiet))
    _tell(told, "sealing everybody the first time", lambda: build(store, ring, shelf, begun, _quiet))
    whole = next(one for one in shelf.known() if one.base == 0)
    sizes = []
    for day in range(1, ROUNDS + 1):
        _declare_again(store, day)
        at = begun + timedelta(minutes=day)
        _tell(told, f"day {day}, 5 % changed", lambda at=at: build(store, ring, shelf, at, _quiet))
        sizes.append(_delta(shelf).size)
    told(f"at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB of memory in all")
    store.close()
    shutil.rmtree(folder)
    ratio = max(sizes) / whole.size
    return [
        Row(
            name="a day's change of 5 %, as the hub builds it, part of the whole",
            unit="MB",
            ours=round(max(sizes) / 1e6, 3),
            against=round(whole.size / 1e6, 3),
            ratio=round(ratio, 3),
            bar=0.06,
            sense="at_most",
            n=ROUNDS,
            holds=ratio <= 0.06,
        )
    ]


def _tell(told: Callable[[str], None], what: str, work: Callable[[], object]) -> None:
    """Does it and tells its cost, and what that would be for a province."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    cpu, wall = (time.process_time() - cpu) / PEOPLE, time.perf_counter() - wall
    whole = cpu * WHOLE_PROVINCE / 60
    told(f"{what}: {cpu * 1e6:,.0f} µs of a core a person, {wall:.1f} s; a province {whole:.1f} minutes of a core")


def _declare_again(store: Store, day: int) -> None:
    """Another one in twenty than on the days before: later by an hour."""
    table = declarations.c
    which = sa.and_(table.person // ALIKE % EVERY == day, table.kind == "health")
    with store.writing() as connection:
        found = connection.execute(sa.select(table.id, table.at).where(which)).all()
        statement = sa.update(declarations).where(table.id == sa.bindparam("which"))
        changes = [{"which": row.id, "at": row.at + timedelta(hours=1)} for row in found]
        connection.execute(statement, changes)


def _delta(shelf: Shelf) -> Manifest:
    return max((one for one in shelf.known() if one.base), key=lambda one: one.version)


def _quiet(_what: str, _done: int, _of: int) -> None:
    pass
