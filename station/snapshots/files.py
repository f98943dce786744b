"""The files of the held snapshot: one is in use, one may be on its way; a damaged one has a mark beside it.

The mark outlives a restart: a file that has one is changed by no delta and loaded into by no whole snapshot, and goes
once a whole one is in use.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from core.snapshot import Manifest
from station.errors import SnapshotDamaged, SnapshotError
from station.journal.book import is_damage as says_damaged

log = logging.getLogger(__name__)

IN_USE: Final = "in-use"
_PREFIX: Final = "standings-"
_MARK: Final = ".damaged"
_UNTOLD: Final = "a page of the snapshot is damaged"


class Found(NamedTuple):
    """A file that is whole, open for looking only."""

    path: Path
    db: sqlite3.Connection
    manifest: Manifest


def fresh(folder: Path, manifest: Manifest) -> Path:
    """Where a whole snapshot is loaded, never a damaged file; names rise with the manifest's moment."""
    name = f"{_PREFIX}{int(manifest.as_of.timestamp()):011d}-{manifest.key}-{manifest.version:05d}"
    names = (f"{name}.{again}.db" if again else f"{name}.db" for again in count())
    return next(path for path in map(folder.joinpath, names) if not damage_of(path))


def readable(folder: Path) -> Iterator[Found]:
    """Every whole file of the folder, the undamaged first, newest first; one that cannot be read is told and marked."""
    for path in sorted(folder.glob(f"{_PREFIX}*.db"), key=lambda path: (not damage_of(path), path.name), reverse=True):
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        manifest = None
        try:
            db.execute("PRAGMA query_only = ON")
            manifest = fact(db, IN_USE)
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            log.error("snapshot cannot be read", extra={"file": path.name, "problem": str(error)})
            if is_damage(error):
                with contextlib.suppress(OSError):  # it is found out again
                    mark(path, str(error))
        if manifest is None:
            db.close()
        else:
            yield Found(path, db, manifest)


def base(folder: Path) -> Path:
    """The file that a delta changes; ``SnapshotDamaged`` when it is a damaged one."""
    for path, db, _ in readable(folder):
        db.close()
        if damage := damage_of(path):
            raise SnapshotDamaged(damage)
        return path
    raise SnapshotError("there is no snapshot that the delta could change")


def fact(db: sqlite3.Connection, name: str) -> Manifest | None:
    """One of the two manifests that a file may hold."""
    row = db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return None if row is None else msgspec.json.decode(row[0], type=Manifest)


def is_damage(error: BaseException) -> bool:
    """Whether a file holds what it should not, or the card does not give a page of it back."""
    unread = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_READ
    return unread or isinstance(error, TypeError | msgspec.MsgspecError) or says_damaged(error)


def mark(path: Path, problem: str) -> None:
    """Has everybody know that this file is damaged, also after a restart."""
    _mark_of(path).write_text(problem, "utf-8")


def damage_of(path: Path) -> str:
    """What is wrong with a file, or nothing."""
    try:
        return _mark_of(path).read_text("utf-8") or _UNTOLD
    except FileNotFoundError:
        return ""
    except (OSError, ValueError):
        return _UNTOLD


def damage_in(folder: Path) -> str:
    """What is wrong with a file of the folder, or nothing."""
    return next(filter(None, map(damage_of, sorted(folder.glob(f"{_PREFIX}*.db")))), "")


def clear(folder: Path, but: Path) -> None:
    """Removes every file but one, and the marks last, so that a power cut leaves no damaged file without its mark."""
    for path in folder.glob(f"{_PREFIX}*.db"):
        if path != but:
            remove(path)
    for left in folder.glob(f"{_PREFIX}*.db{_MARK}"):
        left.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """A snapshot's file with what SQLite keeps beside it."""
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)


@contextlib.contextmanager
def telling() -> Iterator[None]:
    """Weather as ``SnapshotError``, damage as ``SnapshotDamaged``."""
    try:
        yield
    except SnapshotError:
        raise
    except (sqlite3.Error, OSError, ValueError) as error:
        if isinstance(error, sqlite3.Error) and is_damage(error):
            raise SnapshotDamaged(f"the snapshot is damaged: {error}") from error
        raise SnapshotError(f"the snapshot cannot be kept: {error}") from error


def _mark_of(path: Path) -> Path:
    return path.with_name(path.name + _MARK)
