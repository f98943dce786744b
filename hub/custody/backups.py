"""The hub's database, keys, policy and list of erasures out into one sealed file, while the hub runs.

One moment of the database is read while others go on writing, and goes out in portable chunks: a few hundred rows are
in memory at any time, and either database takes back what the other gave (``hub.custody.restoring``).
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

import msgspec
import sqlalchemy as sa

from hub.config import Settings
from hub.custody.strongbox import CHUNK, BoxWriter
from hub.erasure import ledger
from hub.errors import MissingFile, Unavailable
from hub.storage import dumps, keyring
from hub.storage.keyring import Keyring
from hub.storage.store import Store, revision_of
from hub.storage.weather import AWAY, cause_of

LABEL = "backup.json"
ROWS = "rows"
"""The folder in the file that the chunks are in, numbered."""

Progress = Callable[[int, int], None]
"""Hears how many rows are done, of how many."""


class Label(msgspec.Struct, frozen=True):
    """What a backup says of itself: when it was made, what is in it, and at which schema step."""

    made: datetime
    rows: int
    people: int
    schema: str
    total: int


def write(settings: Settings, path: Path, passphrase: str, now: datetime, progress: Progress | None = None) -> Label:
    """Writes a backup of a hub, running or not; ``path`` holds it only once it is whole and on disk.

    Raises ``MissingFile`` when there is no hub, ``Unavailable`` for the disk or the database.
    """
    ring = _keys_of(settings)
    beside = path.with_name(path.name + ".new")
    store = Store(settings.database_url)
    try:
        with store.snapshot() as connection, created(beside) as file:
            label, counted = _label(connection, settings, now)
            box = BoxWriter(file, passphrase)
            with tarfile.open(mode="w|", fileobj=cast(BinaryIO, box), bufsize=CHUNK) as tar:
                _add(tar, LABEL, msgspec.json.encode(label))
                for key in sorted((settings.folder / "keys").glob("*.key")):
                    _add(tar, f"keys/{key.name}", key.read_bytes())
                known = ledger.held(connection) if "erased" in counted else {}
                _add(tar, ledger.MEMBER, ledger.encode(ledger.in_order((_listed(settings, ring) | known).values())))
                _add_rows(tar, connection, label.total, progress)
            box.close()
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise Unavailable(f"{error.filename or path}: {error.strerror or error}; nothing was written") from error
    except AWAY as error:
        raise Unavailable(f"the database cannot be read: {cause_of(error)}; nothing was written") from error
    finally:
        store.close()
        beside.unlink(missing_ok=True)
    return label


def _keys_of(settings: Settings) -> Keyring:
    """The keys, which are never drawn here; no database file is made either."""
    url = sa.make_url(settings.database_url)
    database = Path(url.database or "") if url.get_backend_name() == "sqlite" else settings.folder / "keys"
    for needed in (database, settings.folder / "keys"):
        if not needed.exists():
            raise MissingFile(f"{needed}: no hub has run here; see --data")
    return keyring.load(settings.folder / "keys")


def _listed(settings: Settings, ring: Keyring) -> dict[str, ledger.Entry]:
    return ledger.read(settings.erasures, ring) if settings.erasures.exists() else {}


@contextmanager
def created(path: Path) -> Iterator[io.BufferedWriter]:
    """A new file for its owner's eyes."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        yield file


def _label(connection: sa.Connection, settings: Settings, now: datetime) -> tuple[Label, dict[str, int]]:
    schema = revision_of(connection)
    if not schema:
        raise MissingFile(f"{sa.make_url(settings.database_url).database}: no hub has run on this database")
    counted = dumps.count(connection)
    return Label(now, counted["journal_rows"], counted["people"], schema, sum(counted.values())), counted


def _add_rows(tar: tarfile.TarFile, connection: sa.Connection, total: int, progress: Progress | None) -> None:
    done = 0
    for number, chunk in enumerate(dumps.chunks(connection)):
        _add(tar, f"{ROWS}/{number:08}", dumps.encode(chunk))
        done += len(chunk.rows)
        if progress is not None:
            progress(done, total)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    tar.addfile(member, io.BytesIO(content))
