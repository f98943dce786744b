"""The keys that stations seal to, one a period: they seal to the newest, the hub opens with every one it still holds.

The first is the key folder's ``sealing``.  Those drawn later rest in the database, sealed under the registry key, so
that every hub on it opens with them at once.  Erasing a key destroys its private half: what was sealed to it, in rows,
in backups of rows and on stations' cards, can be read by nobody any more.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa

from core import keys
from hub.errors import DataError
from hub.storage.keyring import Keyring
from hub.storage.store import serialize
from hub.storage.tables import marks, sealing_keys

_CONTEXT = b"sealing key "


class SealingKey(msgspec.Struct, frozen=True):
    """One key: ``begins`` is None for the one the hub began with; an erased one opens nothing any more."""

    id: str
    public: bytes
    begins: datetime | None = None
    erased: datetime | None = None


def listed(connection: sa.Connection, ring: Keyring) -> list[SealingKey]:
    """Every key there ever was, oldest first."""
    table = sealing_keys.c
    rows = connection.execute(sa.select(sealing_keys).order_by(table.begins.is_not(None), table.begins))
    found = [SealingKey(row.id, row.public, row.begins, row.erased) for row in rows]
    return found or [SealingKey(keys.key_id(ring.sealing_public), ring.sealing_public)]


def current(connection: sa.Connection, ring: Keyring) -> SealingKey:
    """The key that stations are to seal to now."""
    return [each for each in listed(connection, ring) if each.erased is None][-1]


def rotate(connection: sa.Connection, ring: Keyring, now: datetime) -> str:
    """Draws the next key and gives its id; the ones before go on opening what was sealed to them."""
    serialize(connection, [_CONTEXT])
    if connection.scalar(sa.select(sealing_keys.c.id).limit(1)) is None:
        first = {"id": keys.key_id(ring.sealing_public), "public": ring.sealing_public}
        connection.execute(sa.insert(sealing_keys).values(first))
    private, public = keys.new_sealing_key()
    name = keys.key_id(public)
    sealed = ring.seal(private, _CONTEXT + name.encode())
    connection.execute(sa.insert(sealing_keys).values(id=name, public=public, sealed=sealed, begins=now))
    refresh(connection, ring)
    return name


def erase(connection: sa.Connection, ring: Keyring, name: str, now: datetime) -> None:
    """Destroys a key's private half in the database; ``DataError`` for one that is unknown, erased or in use.

    The first one's lies in the key folders: ``forget_erased`` of every hub overwrites it there.
    """
    serialize(connection, [_CONTEXT])
    known = {each.id: each for each in listed(connection, ring)}
    if name not in known:
        raise DataError([f"{name}: no sealing key has this id; `hub keys show` lists them"])
    if known[name].erased is not None:
        raise DataError([f"{name}: is erased already"])
    if name == current(connection, ring).id:
        raise DataError([f"{name}: stations seal to it now; draw the next one first: hub keys rotate --sealing"])
    connection.execute(sa.update(sealing_keys).where(sealing_keys.c.id == name).values(sealed=None, erased=now))
    refresh(connection, ring)


def refresh(connection: sa.Connection, ring: Keyring) -> None:
    """Has a running hub open with what the database holds now, and with nothing that was erased."""
    later, erased = {}, set()
    for row in connection.execute(sa.select(sealing_keys)):
        if row.erased is not None:
            erased.add(row.id)
        elif row.sealed is not None:
            later[row.id] = ring.open(row.sealed, _CONTEXT + row.id.encode())
    ring.seals.put(later, frozenset(erased), _first(connection) if erased else "")


def _first(connection: sa.Connection) -> str:
    return str(connection.scalar(sa.select(marks.c.value).where(marks.c.name == "sealing")) or "")


def forget_erased(connection: sa.Connection, folder: Path) -> bool:
    """Overwrites the key folder's first key once it is erased; whether it did.

    Another key takes its place, to which nobody seals.  ``OSError`` when the file cannot be written.
    """
    path = folder / "sealing.key"
    own = keys.key_id(keys.sealing_public(keys.decode_key(path.read_text())))
    erased = sa.and_(sealing_keys.c.id == own, sealing_keys.c.erased.is_not(None))
    if connection.scalar(sa.select(sealing_keys.c.id).where(erased)) is None:
        return False
    with path.open("r+") as file:  # the same blocks, as far as the file system lets anybody choose
        file.write(keys.encode_key(keys.new_sealing_key()[0]) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return True
