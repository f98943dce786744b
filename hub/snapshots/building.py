"""One snapshot built: everybody's standing packed and sealed, what changed since the last one as a delta.

A version that was broken off was never published and is built again under the same number.  A shelf that does not
agree with the database (either was restored, or lost) begins a new generation with a new key and version 1, so that
no version of a key is ever sealed twice with different contents out in the field.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from core import packing, snapshot
from core.model import Scheme, Standing
from core.snapshot import LAST_VERSION, Manifest, Record
from hub.register import standings
from hub.snapshots import secrets as keyed
from hub.snapshots.shelf import Shelf, name_of, write_content
from hub.snapshots.sorting import Heaps
from hub.snapshots.stretching import Told, stretch_new
from hub.snapshots.words import Words
from hub.storage.keyring import Keyring
from hub.storage.snapshot_tables import snapshot_codes, snapshot_versions
from hub.storage.store import Store
from hub.storage.tables import identities, people

GROUP: Final = "all"
PEOPLE_AT_ONCE: Final = 1_000

_Values = dict[str, object]
_Code = sa.Row[*tuple[Any, ...]]


@dataclass(frozen=True)
class Edition:
    """Which version is being built: of which generation, by which key, after which one."""

    generation: bytes
    key: bytes
    version: int
    words: int  # those numbered up to here came with the version before


class Built(msgspec.Struct, frozen=True):
    """What was built; ``changed`` counts entries that are new, other than before, or gone."""

    version: int
    entries: int
    changed: int
    stretched: int
    names: tuple[str, ...]


def build(store: Store, ring: Keyring, shelf: Shelf, now: datetime, told: Told, *, whole: bool = False) -> Built:
    """Builds the next version; the first of a generation, or when ``whole`` is asked for, also as a whole.

    ``Unavailable`` while another process builds on the same shelf.
    """
    with shelf.building():
        edition = _next_edition(store, ring, shelf)
        how = keyed.how_stretched(ring)
        stretched = stretch_new(store, ring, how, told)
        with Heaps(shelf.folder) as everything, Heaps(shelf.folder) as changes:
            work = _Work(store, ring, edition, everything if whole or edition.version == 1 else None, changes)
            entries = work.gather(now, told)
            made = _publish(shelf, edition, work, Manifest(GROUP, edition.version, 0, now, "", how, entries, 0, ()))
        with store.writing() as connection:
            values = {"generation": edition.generation, "version": edition.version, "built": now}
            connection.execute(sa.insert(snapshot_versions).values(words=work.words.last, **values))
        for manifest in made:
            shelf.put(manifest)
        shelf.prune()
        return Built(edition.version, entries, changes.count, stretched, tuple(name_of(one) for one in made))


def fresh(now: datetime) -> _Values:
    """The line that has the next version be a whole one under a new key: what was handed out opens nothing newer."""
    return {"generation": secrets.token_bytes(16), "version": 0, "built": now, "words": 0}


def newest(connection: sa.Connection) -> _Code | None:
    """The newest version; number 0 asks for a first one under a new key."""
    table = snapshot_versions.c
    return connection.execute(sa.select(snapshot_versions).order_by(table.built.desc(), table.version.desc())).first()


def _next_edition(store: Store, ring: Keyring, shelf: Shelf) -> Edition:
    with store.reading() as connection:
        last = newest(connection)
    if last is not None and last.version < LAST_VERSION:
        key = keyed.group_key(ring, last.generation)
        there = [one.version for one in shelf.known() if one.key == snapshot.key_name(key)]
        if last.version == max(there, default=0):
            return Edition(last.generation, key, last.version + 1, last.words)
    generation = secrets.token_bytes(16)
    return Edition(generation, keyed.group_key(ring, generation), 1, 0)


class _Work:
    """Everybody, a thousand people at a time."""

    def __init__(self, store: Store, ring: Keyring, edition: Edition, everything: Heaps | None, changes: Heaps) -> None:
        self.words = Words(store)
        self.everything, self.changes = everything, changes
        self._store, self._ring, self._edition = store, ring, edition

    def gather(self, now: datetime, told: Told) -> int:
        """Packs and seals; how many entries there are."""
        with self._store.reading() as connection:
            last = connection.scalar(sa.select(sa.func.max(people.c.id))) or 0
        entries = 0
        for first in range(0, last + 1, PEOPLE_AT_ONCE):
            until = min(last, first + PEOPLE_AT_ONCE - 1)
            with self._store.reading() as connection:
                known = dict(standings.of_people(connection, first, until, now))
                codes = connection.execute(_codes_of(first, until)).all()
            entries += sum(code.digest in known for code in codes)
            self._note([change for code in codes for change in self._entry(code, known.get(code.digest))])
            told("sealing", until, last)
        self._take_away()
        self.words.keep()
        return entries

    def _entry(self, code: _Code, known: Standing | None) -> Iterator[_Values]:
        if known is None:  # retired or erased since its line was read
            return
        if code.scheme != Scheme.TOKEN:
            known = msgspec.structs.replace(known, name_masked="")
        plain = packing.pack(known, self.words.number)
        mark = keyed.mark(self._ring, plain)
        has_changed = mark != self._former(code)
        if has_changed or self.everything is not None:
            place = snapshot.slot(code.stretched, self._edition.key)
            record = Record(place.index, snapshot.seal(place, self._edition.version, plain))
            if self.everything is not None:
                self.everything.add(record)
            if has_changed:
                self.changes.add(record)
        if has_changed:
            yield {"which": code.digest, "mark": mark, "before": self._former(code)}

    def _former(self, code: _Code) -> bytes | None:
        """The mark in the version before: a newer one is of an attempt that was broken off."""
        if self._edition.version == 1:
            return None
        former: bytes | None = code.mark if code.marked_in < self._edition.version else code.before
        return former

    def _note(self, changes: list[_Values]) -> None:
        if not changes:
            return
        statement = sa.update(snapshot_codes).where(snapshot_codes.c.digest == sa.bindparam("which"))
        with self._store.writing() as connection:
            connection.execute(statement.values(marked_in=self._edition.version), changes)

    def _take_away(self) -> None:
        """Entries whose identity is no longer one; their line goes once a version without them is out."""
        joined = snapshot_codes.outerjoin(identities, identities.c.digest == snapshot_codes.c.digest)
        dead = sa.or_(identities.c.digest.is_(None), identities.c.retired.is_not(None))
        table = snapshot_codes.c
        columns = (table.digest, table.stretched, table.mark, table.marked_in, table.before)
        with self._store.reading() as connection:
            rows = connection.execute(sa.select(*columns).select_from(joined).where(dead)).all()
        gone: list[_Values] = []
        over = []
        for row in rows:
            former = self._former(row)
            if former is None:
                over.append({"which": row.digest})
                continue
            self.changes.add(Record(snapshot.slot(row.stretched, self._edition.key).index, b""))
            gone.append({"which": row.digest, "mark": None, "before": former})
        self._note(gone)
        if over:
            statement = sa.delete(snapshot_codes).where(snapshot_codes.c.digest == sa.bindparam("which"))
            with self._store.writing() as connection:
                connection.execute(statement, over)


def _codes_of(first: int, last: int) -> sa.Select[Any]:
    table = snapshot_codes.c
    live = sa.and_(identities.c.person.between(first, last), identities.c.retired.is_(None))
    joined = identities.join(snapshot_codes, table.digest == identities.c.digest)
    columns = (identities.c.digest, identities.c.scheme, table.stretched, table.mark, table.marked_in, table.before)
    return sa.select(*columns).select_from(joined).where(live)


def _publish(shelf: Shelf, edition: Edition, work: _Work, draft: Manifest) -> list[Manifest]:
    """Writes the contents; their manifests, not yet on the shelf."""
    made = []
    key = snapshot.key_name(edition.key)
    for heaps, base, words in ((work.everything, 0, 0), (work.changes, edition.version - 1, edition.words)):
        if heaps is None or (heaps is work.changes and base == 0):
            continue
        manifest = msgspec.structs.replace(draft, base=base, key=key)
        word_pieces = list(work.words.pieces(words))
        path = shelf.folder / f"{name_of(manifest)}.bin"
        pieces = write_content(path, chain(word_pieces, heaps.pieces()))
        made.append(msgspec.structs.replace(manifest, words=len(word_pieces), pieces=pieces))
    return made
