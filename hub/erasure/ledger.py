"""Who must stay erased: a short keyed list in the database, in a file beside it, and in every backup.

An entry is one erasure: its moment, and for each code or number the person had a hash, under a key of its own, of the
hash by which the registry found it.  It names nobody; only the hub's keys tell that a code shown again is among them.
What the file knows and a database does not is what a restored database has forgotten.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import msgspec
import sqlalchemy as sa

from hub.errors import DataError, MissingFile, Unavailable
from hub.storage.keeping_tables import erased
from hub.storage.keyring import Keyring
from hub.storage.store import Store, insert

HEAD = b'{"erasures":1}\n'
MEMBER = "erasures.jsonl"
"""The list's name in a backup."""
_AT_ONCE = 500  # digests in one statement


class Entry(msgspec.Struct, frozen=True):
    """One erasure; ``erasure`` is keyed over the rest, so that a line that was changed is seen."""

    erasure: str
    at: datetime
    digests: tuple[str, ...]


_entry = msgspec.json.Decoder(Entry)


@lru_cache(maxsize=2)
def _key(index: bytes) -> bytes:
    return hmac.digest(index, b"tram-quet erasures 1", hashlib.sha256)


def mask(ring: Keyring, digest: bytes) -> bytes:
    """What the list holds of an identity's digest."""
    return hmac.digest(_key(ring.index), digest, hashlib.sha256)[:16]


def entry(ring: Keyring, digests: Iterable[bytes], at: datetime) -> Entry:
    """The erasure of whoever had these identities."""
    masked = tuple(sorted(mask(ring, digest).hex() for digest in digests))
    return Entry(_number(ring, at, masked), at.astimezone(UTC), masked)


def _number(ring: Keyring, at: datetime, masked: tuple[str, ...]) -> str:
    message = "\0".join((at.astimezone(UTC).isoformat(timespec="microseconds"), *masked)).encode()
    return hmac.digest(_key(ring.index), message, hashlib.sha256)[:8].hex()


# in the database


def note(connection: sa.Connection, entries: Iterable[Entry]) -> None:
    """Writes erasures into the database's list; those it has stay as they are."""
    values = [
        {"erasure": each.erasure, "digest": bytes.fromhex(digest), "at": each.at}
        for each in entries
        for digest in each.digests
    ]
    if values:
        connection.execute(insert(connection, erased).on_conflict_do_nothing(), values)


def held(connection: sa.Connection) -> dict[str, Entry]:
    """Every erasure the database knows, by its number."""
    digests: dict[str, list[str]] = {}
    at: dict[str, datetime] = {}
    for row in connection.execute(sa.select(erased).order_by(erased.c.erasure, erased.c.digest)):
        digests.setdefault(row.erasure, []).append(row.digest.hex())
        at[row.erasure] = row.at
    return {number: Entry(number, at[number], tuple(several)) for number, several in digests.items()}


def erased_among(
    connection: sa.Connection, ring: Keyring, digests: Iterable[bytes]
) -> dict[bytes, tuple[datetime, str]]:
    """Of these identities those that belonged to somebody erased: when that happened last, and the erasure's number."""
    masked = {mask(ring, digest): digest for digest in digests}
    given = list(masked)
    found: dict[bytes, tuple[datetime, str]] = {}
    for start in range(0, len(given), _AT_ONCE):
        wanted = sa.select(erased).where(erased.c.digest.in_(given[start : start + _AT_ONCE]))
        for row in connection.execute(wanted.order_by(erased.c.at)):
            found[masked[row.digest]] = (row.at, row.erasure)
    return found


# in a file


def encode(entries: Iterable[Entry]) -> bytes:
    """The list as a file holds it: a head, then a line an erasure."""
    return HEAD + b"".join(msgspec.json.encode(each) + b"\n" for each in entries)


def decode(raw: bytes, ring: Keyring, name: str) -> dict[str, Entry]:
    """The erasures in a file's bytes; a last line without its end was being written when the power went.

    Raises ``DataError`` for another file, a line that was changed, or the list of a hub with other keys.
    """
    if not raw.startswith(HEAD):
        raise DataError([f"{name}: this is no list of erasures"])
    entries = {}
    for number, line in enumerate(raw[len(HEAD) :].split(b"\n")[:-1], 2):
        try:
            each = _entry.decode(line)
        except (ValueError, RecursionError) as error:
            raise DataError([f"{name}: line {number}: no erasure; take an older copy of the file"]) from error
        if each.erasure != _number(ring, each.at, each.digests):
            raise DataError([f"{name}: line {number}: was changed, or is of a hub with other keys"])
        entries[each.erasure] = each
    return entries


def read(path: Path, ring: Keyring) -> dict[str, Entry]:
    """The erasures in a file; ``MissingFile`` when it cannot be read, ``DataError`` when it is not this hub's."""
    try:
        return decode(path.read_bytes(), ring, str(path))
    except OSError as error:
        raise MissingFile(f"{path}: {error.strerror or error}") from error


def copy(store: Store, ring: Keyring, path: Path) -> None:
    """Writes into the file what the database's list has and the file lacks.

    Call it after every erasure; whatever a crash kept from the file is brought at the next start.  ``Unavailable``
    when it cannot be written.
    """
    with store.reading() as connection:
        known = held(connection)
    there = read(path, ring) if path.exists() else {}
    lacking = [each for number, each in known.items() if number not in there]
    try:
        if not there:
            _write(path, encode(in_order(lacking)))
        elif lacking:
            _append(path, in_order(lacking))
    except OSError as error:
        raise Unavailable(f"{path}: {error.strerror or error}; the list of erasures is not written there") from error


def trim(connection: sa.Connection, before: datetime) -> int:
    """Takes erasures of before a moment off the database's list; how many."""
    numbers = sa.select(erased.c.erasure).where(erased.c.at < before).distinct()
    gone = list(connection.scalars(numbers))
    connection.execute(sa.delete(erased).where(erased.c.at < before))
    return len(gone)


def trim_file(path: Path, ring: Keyring, before: datetime) -> None:
    """The same for the file."""
    there = read(path, ring) if path.exists() else {}
    kept = [each for each in there.values() if each.at >= before]
    if len(kept) < len(there):
        _write(path, encode(in_order(kept)))


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The oldest first."""
    return sorted(entries, key=lambda each: (each.at, each.erasure))


def _write(path: Path, raw: bytes) -> None:
    beside = path.with_name(path.name + ".new")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _append(path: Path, entries: list[Entry]) -> None:
    with path.open("r+b") as file:
        whole = file.read().rfind(b"\n") + 1  # behind the last line that was written to its end
        file.seek(whole)
        file.truncate()
        file.write(b"".join(msgspec.json.encode(each) + b"\n" for each in entries))
        file.flush()
        os.fsync(file.fileno())
