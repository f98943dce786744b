"""A damaged journal is set aside, never written to; what can still be proven of its chain goes on into a new one.

In three steps, so that a power cut between any two loses nothing: the file gets a waiting name, its rows are copied a
bounded number at a time while the gate works, it gets the name it keeps.  When the new one is damaged meanwhile it
comes first, and the older file waits behind it: what has become of the older one's rows since stands in the newer.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from core import rows

ROWS_AT_ONCE = 500
_SUFFIXES = ("-wal", "-shm", "")
_NEXT_EPOCH = "SELECT epoch, raw FROM rows WHERE epoch > ? ORDER BY epoch, seq LIMIT 1"
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PASSAGES = "INSERT OR IGNORE INTO passages VALUES (?, ?, ?, ?, ?)"
_WHOLE = {
    "refused": ("SELECT epoch, seq, cause, raw FROM refused", "INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?)"),
    "day_keys": ("SELECT day, key FROM day_keys", "INSERT OR IGNORE INTO day_keys VALUES (?, ?)"),
    "goings": ("SELECT tag, day, at, direction, passed FROM goings ORDER BY id DESC", _PASSAGES),
    "passages": ("SELECT tag, day, at, direction, passed FROM passages", _PASSAGES),
    "keeping": ("SELECT id, watch FROM keeping", "INSERT OR IGNORE INTO keeping VALUES (?, ?)"),
}
"""What is copied as it is, as far as it can be read: dead letters, who passed today, since when rows are held.

The newest word of each comes first: what comes after it does not count any more.
"""


class Copied(msgspec.Struct, frozen=True):
    """What one step copied; ``done`` when there is nothing more to be had."""

    rows: int
    done: bool


class CannotRead(Exception):
    """The disk does not give the damaged file, which says nothing of what is in it: to be tried again."""


def aside(path: Path, why: str) -> Path:
    """A name beside ``path`` that nothing has yet."""
    name = f"{path.name}.{why}-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}"
    names = (path.with_name(f"{name}{f'-{again}' if again else ''}") for again in itertools.count())
    return next(each for each in names if not each.exists())


def move(path: Path, to: Path) -> None:
    """Renames a database with its WAL, as far as they are there."""
    for suffix in _SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{to}{suffix}")


def begin(path: Path) -> None:
    """Gives the damaged file its waiting name; one that waits already comes after it."""
    if waiting(path).exists():
        move(waiting(path), aside(path, "salvage"))
    move(path, waiting(path))


def waits(path: Path) -> bool:
    """Whether a damaged file waits to be copied from; not while the disk cannot even say that."""
    return bool(left(path))


def left(path: Path) -> list[Path]:
    """The damaged files that are still to be copied from, the next one last; none while the disk cannot say."""
    try:
        return [*kept(path, "salvage"), *([waiting(path)] if waiting(path).exists() else [])]
    except OSError:
        return []


def waiting(path: Path) -> Path:
    """The name of a damaged file that is still copied from."""
    return path.with_name(path.name + ".salvage")


def finish(path: Path) -> Path:
    """Gives the file that was copied from the name it keeps."""
    kept = aside(path, "damaged")
    move(waiting(path), kept)
    return kept


def _bring_up(path: Path) -> None:
    """Gives the next file that waits behind one that is done its turn."""
    behind = kept(path, "salvage")
    if behind and not waiting(path).exists():
        move(behind[-1], waiting(path))


def step(path: Path, fresh: sqlite3.Connection) -> Copied:
    """Copies the next rows that the waiting file's chain proves; ``CannotRead`` when the disk does not give them.

    Salvaged rows keep their identity (station, epoch, seq) and go to the hub as they are; the new journal begins an
    epoch of its own, because nobody can say what the old one lost at its end.
    """
    _bring_up(path)
    with contextlib.closing(opened(waiting(path))) as old:
        epochs = list(readable(old, "SELECT epoch, station, born, gone, gone_hash, held FROM epochs"))
        known = {epoch for (epoch,) in fresh.execute("SELECT epoch FROM epochs")}
        begun = bool(epochs) and known.issuperset(one[0] for one in epochs)
        whole = {} if begun else {name: list(readable(old, query)) for name, (query, _) in _WHOLE.items()}
        links = {one[0]: _reached(fresh, *one) for one in epochs}
        found: list[tuple[str, int, float, bytes]] = []
        for epoch, station, *_ in epochs:
            found += _proven(old, epoch, station, links[epoch], ROWS_AT_ONCE - len(found))
    fresh.execute("BEGIN IMMEDIATE")
    for name, those in whole.items():
        fresh.executemany(_WHOLE[name][1], those)
    fresh.executemany("INSERT OR IGNORE INTO epochs VALUES (?, ?, ?, 0, ?, ?, ?)", epochs)
    fresh.executemany("INSERT OR IGNORE INTO rows VALUES (?, ?, ?, ?)", found)
    fresh.execute("COMMIT")
    return Copied(len(found), len(found) < ROWS_AT_ONCE)


def named(old: sqlite3.Connection) -> list[tuple[str, str]]:
    """The epochs in a damaged file with their station, by its rows' word where its list of them cannot be read."""
    found = dict(readable(old, "SELECT epoch, station FROM epochs"))
    after = ""
    while first := list(readable(old, _NEXT_EPOCH, after)):
        ((after, raw),) = first
        with contextlib.suppress(ValueError):
            found.setdefault(after, rows.placed(raw).station)
    return list(found.items())


def opened(file: Path) -> sqlite3.Connection:
    """A connection for reading a file that may be damaged; ``CannotRead`` when the disk does not give it."""
    try:
        return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.OperationalError as error:
        raise CannotRead(str(error)) from error


def _reached(
    fresh: sqlite3.Connection, epoch: str, _station: str, _born: float, gone: int, gone_hash: str, _held: int
) -> rows.Link:
    """How far an epoch has been copied; rows that were let go since were copied, too."""
    last = fresh.execute("SELECT seq, raw FROM rows WHERE epoch = ? ORDER BY seq DESC LIMIT 1", (epoch,)).fetchone()
    if last is not None:
        return rows.Link(last[0], rows.hash_of(last[1]))
    known = fresh.execute("SELECT gone, gone_hash FROM epochs WHERE epoch = ?", (epoch,)).fetchone()
    return rows.Link(*known) if known is not None else rows.Link(gone, gone_hash)


def _proven(
    old: sqlite3.Connection, epoch: str, station: str, link: rows.Link, most: int
) -> Iterator[tuple[str, int, float, bytes]]:
    """The next rows of an epoch for as long as each follows the one before it."""
    query = "SELECT seq, at, raw FROM rows WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?"
    for seq, at, raw in readable(old, query, epoch, link.seq, most):
        step = link.follow(raw, station, epoch)
        if isinstance(step, rows.Break):
            return
        link = step
        yield epoch, seq, at, raw


def readable(old: sqlite3.Connection, query: str, *values: str | int) -> Iterator[tuple]:  # type: ignore[type-arg]  # a row of any shape
    """Rows for as long as the file can be read; ``CannotRead`` when it is the disk that does not give them."""
    try:
        yield from old.execute(query, values)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise CannotRead(str(error)) from error


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Whether the file holds what no database does; SQLite says so, or finds a table of ours missing."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return code in _DAMAGE or code == sqlite3.SQLITE_ERROR


def kept(path: Path, *whys: str) -> list[Path]:
    """The files that lie aside, the oldest first; none while the disk cannot say."""
    try:
        found = [one for why in whys for one in path.parent.glob(f"{path.name}.{why}-*")]
    except OSError:
        return []
    return sorted(one for one in found if not one.name.endswith(("-wal", "-shm")))


def discard(file: Path) -> None:
    """Deletes a file that lay aside, with its log."""
    for suffix in _SUFFIXES:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{file}{suffix}")
