"""A damaged journal is set aside, never deleted; what can still be proven of its chain goes on into a new one.

In three steps, so that a power cut between any two loses nothing: the file gets a waiting name, its rows are copied in
one transaction, it gets the name it keeps.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from core import rows

_SUFFIXES = ("-wal", "-shm", "")


def aside(path: Path, why: str) -> Path:
    """A name beside ``path`` that nothing has yet."""
    return path.with_name(f"{path.name}.{why}-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}")


def move(path: Path, to: Path) -> None:
    """Renames a database with its WAL, as far as they are there."""
    for suffix in _SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{to}{suffix}")


def begin(path: Path) -> None:
    """Gives the damaged file its waiting name; one that waits already keeps it, and this one goes aside unread."""
    move(path, aside(path, "damaged") if waits(path) else _waiting(path))


def waits(path: Path) -> bool:
    """Whether a damaged file waits to be copied from."""
    return _waiting(path).exists()


def finish(path: Path, fresh: sqlite3.Connection) -> tuple[Path, int]:
    """Salvages the rows of the waiting file; where it is kept, and how many rows were saved.

    Salvaged rows keep their identity (station, epoch, seq) and go to the hub as they are; the new journal begins an
    epoch of its own, because nobody can say what the old one lost at its end.
    """
    kept, saved = aside(path, "damaged"), _copy(_waiting(path), fresh)
    move(_waiting(path), kept)
    return kept, saved


def _waiting(path: Path) -> Path:
    return path.with_name(path.name + ".salvage")


def _copy(damaged: Path, fresh: sqlite3.Connection) -> int:
    saved = 0
    with contextlib.closing(sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)) as old:
        fresh.execute("BEGIN IMMEDIATE")
        for epoch, station, born, gone, gone_hash, held in _readable(
            old, "SELECT epoch, station, born, gone, gone_hash, held FROM epochs"
        ):
            fresh.execute(
                "INSERT OR IGNORE INTO epochs VALUES (?, ?, ?, 0, ?, ?, ?)",
                (epoch, station, born, gone, gone_hash, held),
            )
            link = rows.Link(gone, gone_hash)
            for seq, at, raw in _readable(old, "SELECT seq, at, raw FROM rows WHERE epoch = ? ORDER BY seq", epoch):
                step = link.follow(raw, station, epoch)
                if isinstance(step, rows.Break):
                    break
                link = step
                fresh.execute("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)", (epoch, seq, at, raw))
                saved += 1
        fresh.execute("COMMIT")
    return saved


def _readable(old: sqlite3.Connection, query: str, *values: str) -> Iterator[tuple]:  # type: ignore[type-arg]  # a row of any shape
    """Rows for as long as the file can be read."""
    with contextlib.suppress(sqlite3.DatabaseError):
        yield from old.execute(query, values)
