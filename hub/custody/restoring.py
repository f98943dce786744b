"""A backup put back: into an empty folder and an empty database, whole or not at all.

Keys and list of erasures first, then the rows at the schema step they were taken at, then the steps since.  Erasures
that the backup has not gone through are carried out again before anybody sees the database.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO, cast

import msgspec
import psycopg
import sqlalchemy as sa

from hub.config import Settings
from hub.custody import replaying
from hub.custody.backups import LABEL, ROWS, Label, Progress, created
from hub.custody.strongbox import CHUNK, MAGIC, BoxReader, Shut
from hub.erasure import ledger
from hub.erasure.ledger import Entry
from hub.errors import ConfigError, DataError, MissingFile, Unavailable
from hub.register import announcing
from hub.storage import dumps, keyring
from hub.storage.account_tables import account_sessions
from hub.storage.dumps import Loader
from hub.storage.keyring import Keyring
from hub.storage.store import Store, build, sqlite_url

_MEMBER = re.compile(rf"{re.escape(LABEL)}|{re.escape(ledger.MEMBER)}|{ROWS}/[0-9]{{8}}|keys/[a-z0-9-]{{1,40}}\.key")
DATABASE = "hub.sqlite"


class Restored(msgspec.Struct, frozen=True):
    """What was put back, and how many people the backup still knew who had been erased since."""

    label: Label
    erased_again: int


def read(
    settings: Settings,
    path: Path,
    passphrase: str,
    now: datetime,
    lists: Sequence[Path] = (),
    progress: Progress | None = None,
) -> Restored:
    """Puts a backup where there is no hub; nothing is put there unless the whole file proves right.

    ``lists`` are more lists of erasures: files, or newer backups under the same passphrase.  The one that the settings
    name is taken too, if it is there.  Raises ``ConfigError`` when a hub is there or the backup is a newer program's,
    ``DataError`` when it does not open.
    """
    folder = settings.folder
    target = _free(settings)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".restore-", dir=folder))
        try:
            (staging / "keys").mkdir(mode=0o700)
            restored = _fill(settings, staging, path, passphrase, now, lists, progress)
            if target is not None:
                (staging / "keys").replace(folder / "keys")
                (staging / DATABASE).replace(target)
        finally:
            shutil.rmtree(staging)
    except FileNotFoundError as error:
        raise MissingFile(f"{error.filename or path}: {error.strerror or error}") from error
    except OSError as error:
        raise Unavailable(f"{folder}: {error.strerror or error}; nothing was restored") from error
    _list_again(settings)
    return restored


def _free(settings: Settings) -> Path | None:
    """The database file to be, None for a server's database; ``ConfigError`` when something is there."""
    url = sa.make_url(settings.database_url)
    target = Path(url.database or "") if url.get_backend_name() == "sqlite" else None
    taken = [each for each in (target, settings.folder / "keys") if each is not None and each.exists()]
    if taken:
        raise ConfigError(f"{taken[0]} is there already; restore into an empty folder, or move the old one away first")
    return target


def _fill(
    settings: Settings,
    staging: Path,
    path: Path,
    passphrase: str,
    now: datetime,
    lists: Sequence[Path],
    progress: Progress | None,
) -> Restored:
    """Into the staging folder's SQLite, or in one transaction into the server's database, keys and all."""
    on_server = sa.make_url(settings.database_url).get_backend_name() != "sqlite"
    store = Store(settings.database_url if on_server else sqlite_url(staging / DATABASE))
    try:
        with ExitStack() as undoing:
            with store.writing() as connection:
                _refuse_filled(connection)
                label = _unpack(connection, path, staging, passphrase, progress)
                build(connection)
                ring = keyring.load(staging / "keys")
                keyring.tie(connection, ring)
                connection.execute(sa.delete(account_sessions))  # no old sign-in lives again
                announcing.forget(connection)  # stations may have heard newer ones
                known = _known(settings, ring, [staging / ledger.MEMBER, *lists], passphrase)
                again = replaying.repeat(connection, ring, known, now)
                if on_server:
                    (staging / "keys").replace(settings.folder / "keys")
                    undoing.callback(shutil.rmtree, settings.folder / "keys")
            undoing.pop_all()
    except (sa.exc.OperationalError, psycopg.OperationalError) as error:
        raise Unavailable(f"the database cannot be written: {error}; nothing was restored") from error
    except (sa.exc.DBAPIError, psycopg.DataError) as error:
        raise DataError([f"{path}: the database does not take its rows: {type(error).__name__}"]) from error
    finally:
        store.close()
    return Restored(label, again)


def _refuse_filled(connection: sa.Connection) -> None:
    if sa.inspect(connection).get_table_names():
        raise ConfigError("the database is not empty; restore into a new one (createdb), and name it in hub.toml")


def _unpack(connection: sa.Connection, path: Path, staging: Path, passphrase: str, progress: Progress | None) -> Label:
    label, done = None, 0
    with ExitStack() as loading:
        loader: Loader | None = None
        try:
            for name, content in _members(path, passphrase):
                if not name.startswith(f"{ROWS}/"):
                    _put(staging / name, content)
                    continue
                if loader is None:
                    label = msgspec.json.decode((staging / LABEL).read_bytes(), type=Label)
                    build(connection, label.schema)
                    loader = loading.enter_context(Loader(connection))
                chunk = dumps.decode(content.read())
                loader.put(chunk)
                done += len(chunk.rows)
                if progress is not None and label is not None:
                    progress(done, label.total)
        except (Shut, tarfile.TarError, msgspec.DecodeError, KeyError) as error:
            raise DataError([f"{path}: {error}"]) from error
    if label is None:
        raise DataError([f"{path}: it holds no hub"])
    return label


def _members(path: Path, passphrase: str) -> Iterator[tuple[str, IO[bytes]]]:
    """What is in a backup, in order; ``Shut`` when it does not open, at the latest behind the last of them."""
    with path.open("rb") as file:
        box = BoxReader(file, passphrase)
        with tarfile.open(mode="r|", fileobj=cast(BinaryIO, box), bufsize=CHUNK) as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() and _MEMBER.fullmatch(member.name) else None
                if content is None:
                    raise Shut("it holds something that is no part of a hub")
                yield member.name, content
        while box.read(CHUNK):
            pass
        if not box.ended:
            raise Shut("the file was cut off")


def _put(path: Path, content: IO[bytes]) -> None:
    with created(path) as file:
        shutil.copyfileobj(content, file, CHUNK)
        file.flush()
        os.fsync(file.fileno())


def _known(settings: Settings, ring: Keyring, lists: Sequence[Path], passphrase: str) -> dict[str, Entry]:
    """Every erasure that any list knows."""
    known: dict[str, Entry] = {}
    for each in [*lists, *([settings.erasures] if settings.erasures.exists() else [])]:
        with each.open("rb") as file:
            is_backup = file.read(len(MAGIC)) == MAGIC
        raw = _list_in(each, passphrase) if is_backup else each.read_bytes()
        known |= ledger.decode(raw, ring, str(each))
    return known


def _list_in(backup: Path, passphrase: str) -> bytes:
    """The list that a backup carries; the rest of it is not read."""
    try:
        for name, content in _members(backup, passphrase):
            if name == ledger.MEMBER:
                return content.read()
    except (Shut, tarfile.TarError) as error:
        raise DataError([f"{backup}: {error}"]) from error
    raise DataError([f"{backup}: it holds no list of erasures"])


def _list_again(settings: Settings) -> None:
    store = Store(settings.database_url)
    try:
        ledger.copy(store, keyring.load(settings.folder / "keys"), settings.erasures)
    finally:
        store.close()
