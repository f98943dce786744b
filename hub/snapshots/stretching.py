"""Stretching identities: once for each, before the first snapshot that they are in.

It is what a snapshot costs: some ten milliseconds of a core for each number, nothing for random identities.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import sqlalchemy as sa

from core import snapshot
from core.model import Scheme, Subject
from core.snapshot import Stretch
from hub.storage.keyring import Keyring
from hub.storage.snapshot_tables import snapshot_codes
from hub.storage.store import Store, insert
from hub.storage.tables import identities

AT_ONCE = 2_000

Told = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and of how much."""


def stretch_new(store: Store, ring: Keyring, how: Stretch, told: Told) -> int:
    """Stretches every live identity that is not yet; how many.  What was done stays done when it is broken off."""
    missing = sa.and_(identities.c.retired.is_(None), snapshot_codes.c.digest.is_(None))
    joined = identities.outerjoin(snapshot_codes, snapshot_codes.c.digest == identities.c.digest)
    wanted = sa.select(identities.c.digest, identities.c.scheme, identities.c.sealed).select_from(joined).where(missing)
    with store.reading() as connection:
        of = connection.scalar(sa.select(sa.func.count()).select_from(joined).where(missing)) or 0
    done = 0
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        while done < of:
            with store.reading() as connection:
                rows = connection.execute(wanted.limit(AT_ONCE)).all()
            if not rows:
                break
            _keep(store, list(pool.map(lambda row: _stretched(row, ring, how), rows)))
            done += len(rows)
            told("stretching", done, of)
    return done


def _stretched(row: sa.Row[Any], ring: Keyring, how: Stretch) -> dict[str, object]:
    """scrypt lets go of the interpreter, so that threads use every core."""
    subject = Subject(Scheme(row.scheme), ring.open_value(row.sealed, row.digest))
    return {"digest": row.digest, "stretched": snapshot.stretch(subject, how), "marked_in": 0}


def _keep(store: Store, values: Sequence[dict[str, object]]) -> None:
    with store.writing() as connection:
        connection.execute(insert(connection, snapshot_codes).on_conflict_do_nothing(), values)
