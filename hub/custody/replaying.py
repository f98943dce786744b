"""Erasures carried out again in a database that was put back: last night's backup still knows who was erased since.

What the database's own list has, it has gone through; what a list from elsewhere has beyond that, it has forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from hub.custody import erasing, keeping
from hub.erasure import ledger
from hub.erasure.ledger import Entry
from hub.storage.keyring import Keyring
from hub.storage.store import Store
from hub.storage.tables import conflicting_rows, identities, visits

STREAMED = {"yield_per": 5_000}


def repeat(connection: sa.Connection, ring: Keyring, known: Mapping[str, Entry], now: datetime) -> int:
    """Carries out what of ``known`` this database has not gone through, in the caller's transaction; how many people.

    Rows of theirs that stations bring again name nobody either, for the list stays.
    """
    gone_through = ledger.held(connection)
    forgotten = [each for number, each in known.items() if number not in gone_through]
    if not forgotten:
        return 0
    masked = {bytes.fromhex(digest): each for each in ledger.in_order(forgotten) for digest in each.digests}
    people = _registered(connection, ring, masked)
    for person, theirs in people.items():
        erasing.erase(connection, ring, person, "hub", now, repeating=theirs)

    def listed(digest: bytes) -> Entry | None:
        return masked.get(ledger.mask(ring, digest))

    loose = [each for each in _digests(connection, visits.c.identity) if listed(each)]
    loose += erasing.named_in_rows(connection, ring, conflicting_rows, listed)
    for each in forgotten:
        digests = {digest for digest in loose if listed(digest) == each}
        if digests:
            counts = erasing.forget(connection, ring, digests, each, now)
            keeping.record(connection, "repeated", "hub", counts, now)
    ledger.note(connection, forgotten)
    return len(people)


def catch_up(store: Store, ring: Keyring, path: Path, since: datetime, now: datetime) -> int:
    """The same for a database that was put back by other means than ``hub restore``: by the file beside it.

    Entries of before ``since`` are no longer kept and are passed over.
    """
    listed = ledger.read(path, ring) if path.exists() else {}
    recent = {number: each for number, each in listed.items() if each.at >= since}
    with store.writing() as connection:
        return repeat(connection, ring, recent, now)


def _registered(connection: sa.Connection, ring: Keyring, masked: Mapping[bytes, Entry]) -> dict[int, Entry]:
    """Whom the registry still knows of those that are listed."""
    wanted = sa.select(identities.c.digest, identities.c.person)
    found: dict[int, Entry] = {}
    with connection.execute(wanted, execution_options=STREAMED) as every:
        for row in every:
            if (entry := masked.get(ledger.mask(ring, row.digest))) is not None:
                found[row.person] = entry
    return found


def _digests(connection: sa.Connection, column: sa.Column[bytes]) -> Iterable[bytes]:
    with connection.execute(sa.select(column).distinct(), execution_options=STREAMED) as every:
        yield from (digest for digest in every.scalars() if digest is not None)
