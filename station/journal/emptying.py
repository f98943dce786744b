"""Rows emptied for somebody's sake: bytes, dead letter and today's tag go, the row's place in the chain stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from core import rows
from station.journal import salvage


def empty(db: sqlite3.Connection, epoch: str, seqs: Sequence[int]) -> int:
    """Empties these rows in the caller's transaction; how many had anything left."""
    return sum(_empty(db, epoch, seq) for seq in seqs)


def _empty(db: sqlite3.Connection, epoch: str, seq: int) -> bool:
    db.execute("UPDATE refused SET raw = NULL WHERE epoch = ? AND seq = ?", (epoch, seq))
    found = db.execute("SELECT at, raw FROM rows WHERE epoch = ? AND seq = ?", (epoch, seq)).fetchone()
    if found is None or rows.is_emptied(found[1]):
        return False
    at, raw = found
    try:
        tag, marker = rows.decode(raw).tag, rows.emptied(raw)
    except ValueError:
        return False  # no row of ours, so nobody's
    db.execute("UPDATE rows SET raw = ? WHERE epoch = ? AND seq = ?", (marker, epoch, seq))
    # The tag of the person behind the code is not in the row; it was noted with the same moment.
    for table in ("passages", "goings"):
        db.execute(f"DELETE FROM {table} WHERE tag = ? OR at = ?", (tag, at))  # noqa: S608  # names of ours
    return True


def kept_aside(journal: Path) -> int:
    """How many damaged journals lie beside this one, copied from or not yet: none of them is emptied."""
    return len(salvage.kept(journal, "damaged")) + len(salvage.left(journal))
