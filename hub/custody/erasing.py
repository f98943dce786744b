"""Erasing a person: one function that reaches every table that knows something of them, and counts what went.

What stays is said in ``docs/processing.md``: the hashes of emptied journal rows, and in the log of look-ups the random
person key, which from then on leads to nobody.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa

from core import phones
from core.model import Subject
from hub.citizens import guests
from hub.custody import holds, keeping
from hub.custody.keeping import Counts
from hub.erasure import emptying, ledger, station_erasing
from hub.erasure.emptying import RowKey
from hub.erasure.ledger import Entry
from hub.errors import HubError
from hub.journals.unsealing import Unreadable, decode, open_who, subjects
from hub.register import sealing, voices
from hub.register.people import FormDetails
from hub.storage import replies
from hub.storage.citizen_tables import drafts, onetime_codes
from hub.storage.keeping_tables import holds as holds_table
from hub.storage.keyring import Keyring
from hub.storage.store import Store
from hub.storage.tables import (
    conflicting_rows,
    corrections,
    declarations,
    identities,
    journal_rows,
    journals,
    people,
    visits,
    waiting_rows,
)

log = logging.getLogger(__name__)

_details = msgspec.json.Decoder(FormDetails)


class Unknown(Exception):
    """Nobody in the registry is meant."""


def person_by(connection: sa.Connection, ring: Keyring, subject: Subject) -> int:
    """The person behind one of their codes or numbers; ``Unknown`` when there is none, or the code is dead."""
    named = sa.and_(identities.c.digest == ring.digest(subject), identities.c.retired.is_(None))
    found = connection.scalar(sa.select(identities.c.person).where(named))
    if found is None:
        raise Unknown
    return int(found)


def erase(
    connection: sa.Connection, ring: Keyring, person: int, by: str, now: datetime, *, repeating: Entry | None = None
) -> Counts:
    """Erases all that the hub knows of a person, in the caller's transaction; how many of each kind went.

    ``by`` is the account that answers for it, empty when the person themself asked.  ``repeating``: an erasure that
    was carried out before the database was restored; a hold that the backup still has did not stand any more.

    Raises ``holds.OnHold`` with the reason while a legal hold stands, and ``Unknown`` when there is no such person.
    Call ``settle`` after the commit: it brings the list of erasures to its file and empties SQLite's log.
    """
    voices.hold(connection, person)  # before any row, as whoever declares does
    if connection.scalar(sa.select(people.c.id).where(people.c.id == person).with_for_update()) is None:
        raise Unknown
    if repeating is None:
        holds.check(connection, person, now)
    digests = set(connection.scalars(sa.select(identities.c.digest).where(identities.c.person == person)))
    entry = repeating or ledger.entry(ring, digests, now)
    ledger.note(connection, [entry])
    made = set(connection.scalars(sa.select(declarations.c.id).where(declarations.c.person == person)))
    theirs = sa.or_(visits.c.person == person, visits.c.identity.in_(digests))
    counts: Counts = {"rows": _empty_rows(connection, ring, theirs, digests, entry.erasure, now)}
    station_erasing.ask(connection, ring, now, by or "hub")
    counts["check-ins"] = _delete(connection, visits, theirs)
    counts["declarations"] = _delete(connection, declarations, declarations.c.person == person)
    counts["former values"] = _delete(connection, corrections, corrections.c.person == person)
    counts["replies"] = replies.forget(connection, ring, made)
    counts["made for others"] = _forget_proxy(connection, person)
    counts["phone"] = _forget_phone(connection, ring, person, is_own=not by)
    counts["identities"] = _delete(connection, identities, identities.c.person == person)
    counts["holds"] = _delete(connection, holds_table, holds_table.c.person == person)
    counts["people"] = _delete(connection, people, people.c.id == person)
    keeping.record(connection, "repeated" if repeating else "person", by, counts, now)
    return counts


def settle(store: Store, ring: Keyring, path: Path) -> bool:
    """What follows the commit: the list of erasures at ``path`` is brought up to date, and the database's log emptied.

    False when a reader still needs an older page of it.  A list that cannot be written now is logged; a running hub
    tries again every hour.
    """
    try:
        ledger.copy(store, ring, path)
    except HubError as error:
        log.error("the list of erasures is not up to date", extra={"cause": str(error)})
    return store.settle()


def forget(connection: sa.Connection, ring: Keyring, digests: set[bytes], entry: Entry, now: datetime) -> Counts:
    """Erases what names somebody by these identities where no person is registered with them any more."""
    theirs = visits.c.identity.in_(digests)
    counts: Counts = {"rows": _empty_rows(connection, ring, theirs, digests, entry.erasure, now)}
    station_erasing.ask(connection, ring, now, "hub")
    counts["check-ins"] = _delete(connection, visits, theirs)
    return counts


def _delete(connection: sa.Connection, table: sa.Table, which: sa.ColumnElement[bool]) -> int:
    return connection.execute(sa.delete(table).where(which)).rowcount


def _empty_rows(
    connection: sa.Connection,
    ring: Keyring,
    theirs: sa.ColumnElement[bool],
    digests: set[bytes],
    erasure: str,
    now: datetime,
) -> int:
    """Rows already tied to the person by ``theirs``, and those not opened yet, which are opened for it here."""
    tied = sa.select(visits.c.station, visits.c.epoch, visits.c.seq).where(theirs, visits.c.station.is_not(None))
    keys = [RowKey(*row) for row in connection.execute(tied)]
    unread = sa.and_(
        journals.c.station == journal_rows.c.station,
        journals.c.epoch == journal_rows.c.epoch,
        journal_rows.c.seq > journals.c.read_through,
    )
    ahead = _naming(connection, ring, journal_rows.join(journals, unread), journal_rows, digests)
    beside = _naming(connection, ring, waiting_rows, waiting_rows, digests)
    count = emptying.empty(connection, [*keys, *ahead], now) + emptying.empty_waiting(connection, beside, now)
    conflicting = _naming(connection, ring, conflicting_rows, conflicting_rows, digests)
    station_erasing.queue(connection, erasure, [*keys, *ahead, *beside, *conflicting], now)
    for key in conflicting:
        own = [column == value for column, value in zip(_key_columns(conflicting_rows), key, strict=True)]
        count += _delete(connection, conflicting_rows, sa.and_(*own))
    return count


def named_in_rows(
    connection: sa.Connection, ring: Keyring, table: sa.Table, wanted: Callable[[bytes], object]
) -> set[bytes]:
    """The identities named in the sealed rows of a small table, those that are wanted."""
    rows = connection.execute(sa.select(*_key_columns(table), table.c.raw))
    named = (_named_in(ring, row.raw, RowKey(row.station, row.epoch, row.seq)) for row in rows)
    return {digest for digests in named for digest in digests if wanted(digest)}


def _key_columns(table: sa.Table) -> tuple[sa.Column[object], ...]:
    return table.c.station, table.c.epoch, table.c.seq


def _naming(
    connection: sa.Connection, ring: Keyring, source: sa.FromClause, table: sa.Table, digests: set[bytes]
) -> list[RowKey]:
    sealing.refresh(connection, ring)
    wanted = sa.select(*_key_columns(table), table.c.raw).select_from(source)
    found = connection.execute(wanted).all()
    return [
        RowKey(row.station, row.epoch, row.seq)
        for row in found
        if not digests.isdisjoint(_named_in(ring, row.raw, RowKey(row.station, row.epoch, row.seq)))
    ]


def _named_in(ring: Keyring, raw: bytes, key: RowKey) -> Iterator[bytes]:
    try:
        who = open_who(ring, decode(raw, *key))
    except Unreadable:
        return
    if who is not None:
        yield from (ring.digest(subject) for subject in subjects(who))


def _forget_proxy(connection: sa.Connection, person: int) -> int:
    """Takes the person out of what they declared for relatives, whose declarations stay."""
    dependents = sa.select(people.c.id).where(people.c.guardian == person)
    ref, phone = connection.execute(sa.select(people.c.ref, people.c.phone).where(people.c.id == person)).one()
    wanted = sa.select(declarations.c.id, declarations.c.details).where(declarations.c.person.in_(dependents))
    details = {row.id: _details.decode(row.details) for row in connection.execute(wanted)}
    named = {id_: each for id_, each in details.items() if each.declared_by and _is_of(each.declared_by, ref, phone)}
    for id_, each in named.items():
        anonymous = msgspec.json.encode(msgspec.structs.replace(each, declared_by="")).decode()
        connection.execute(sa.update(declarations).where(declarations.c.id == id_).values(details=anonymous))
    connection.execute(sa.update(people).where(people.c.guardian == person).values(guardian=None))
    return len(named)


def _is_of(declared_by: str, ref: str, phone: str) -> bool:
    return declared_by == ref or phones.same(declared_by, phone)


def _forget_phone(connection: sa.Connection, ring: Keyring, person: int, *, is_own: bool) -> int:
    """Takes the phone out of everything it was used for, unless a relative's own record carries it too.

    ``is_own``: the person asks from this very phone, whose visit goes on until it ends by itself.
    """
    phone = connection.scalar(sa.select(people.c.phone).where(people.c.id == person)) or ""
    number = phones.spell(phone)
    sharing = sa.select(people.c.id).where(people.c.phone == phone, people.c.id != person).limit(1)
    if number is None or connection.scalar(sharing) is not None:
        return 0
    digest = ring.phone_digest(number)
    connection.execute(sa.update(declarations).where(declarations.c.phone == digest).values(phone=None, sheet=None))
    gone = _delete(connection, onetime_codes, onetime_codes.c.phone == digest)
    gone += _delete(connection, drafts, drafts.c.owner == guests.owner_of(ring, number))
    return gone + (0 if is_own else guests.forget(connection, ring, number))
