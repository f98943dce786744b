"""Who looked whom up, why, when and from where: appended to, chained by hashes, never changed.

Each entry carries the hash of the one before it; the newest hash, written down elsewhere, proves the whole log.  An
entry names a person by their key alone: once the registry has erased somebody, the key means nobody.

A list is one entry.  Whom it showed stands beside it, and the entry holds the hash of all their keys: nobody is put on
the list or taken off it afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from hub.officials.accounts import Account
from hub.storage.account_tables import audit, audit_shown

GENESIS = hashlib.sha256(b"tram-quet audit 1").digest()
LONGEST_REASON = 300
LISTED = "listed"
"""The detail that holds the hash of everybody's key on a list."""

HERE = "the hub's own console"
"""The address of what a command did; the machine's user stands behind it."""

AT_ONCE = 500
_LOCK = 0x7471_6175  # one number that every hub on a PostgreSQL database agrees on

Signing = Literal["sign-in", "sign-in-refused", "sign-out", "account", "password", "second-factor"]
Looking = Literal["check", "search", "trace", "place", "contacts", "export", "arrivals", "passages", "audit"]
Helping = Literal["paper", "assist", "assisted", "record"]
Ruling = Literal["policy", "keep", "hold", "release", "erase", "own-data", "link", "replay", "site", "import", "keys"]
Letting = Literal["station", "client", "snapshot", "restore"]
Action = Signing | Looking | Helping | Ruling | Letting


class Entry(msgspec.Struct, frozen=True):
    """One thing that somebody did; ``person`` is a person key in hex, ``detail`` holds no personal data."""

    seq: int
    at: datetime
    account: str
    role: str
    address: str
    action: str
    person: str
    why: str
    detail: dict[str, Any]
    digest: str = ""


class Proof(msgspec.Struct, frozen=True):
    """How far the log holds together; ``broken`` is the first entry that does not fit, 0 when all do.

    ``first`` is the entry that the proof began with: 1 when it went through the whole log.
    """

    entries: int
    head: str
    broken: int = 0
    first: int = 1

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, added between or taken out."""
        return self.broken == 0


def append(
    connection: sa.Connection,
    account: Account | str,
    action: Action,
    now: datetime,
    *,
    address: str,
    person: str = "",
    why: str = "",
    detail: Mapping[str, Any] | None = None,
    shown: Iterable[str] | None = None,
) -> Entry:
    """Writes an entry in the caller's transaction; call it before what was found is shown to anybody.

    ``shown`` are the keys of everybody on a list; those of nobody (empty) are left out.
    """
    members = None if shown is None else sorted({bytes.fromhex(key) for key in shown if key})
    listed = {} if members is None else {LISTED: _sum(members)}
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    last = connection.execute(sa.select(audit.c.seq, audit.c.digest).order_by(audit.c.seq.desc()).limit(1)).first()
    seq, previous = (1, GENESIS) if last is None else (last.seq + 1, last.digest)
    name, role = (account, "") if isinstance(account, str) else (account.name, account.role.value)
    entry = Entry(
        *(seq, now.astimezone(UTC), name[:63], role, address[:64], action, person, why.strip()[:LONGEST_REASON]),
        {**(detail or {}), **listed},
    )
    row = {
        **{key: getattr(entry, key) for key in ("seq", "at", "account", "role", "address", "action", "why")},
        "person": bytes.fromhex(person) if person else None,
        "detail": msgspec.json.encode(entry.detail, order="sorted").decode(),
        "previous": previous,
        "digest": _digest(previous, entry),
    }
    connection.execute(sa.insert(audit).values(row))
    if members:
        connection.execute(sa.insert(audit_shown), [{"person": key, "seq": seq} for key in members])
    return msgspec.structs.replace(entry, digest=row["digest"].hex())


def _digest(previous: bytes, entry: Entry) -> bytes:
    plain = msgspec.structs.replace(entry, digest="")
    return hashlib.sha256(previous + msgspec.json.encode(plain, order="sorted")).digest()


def _sum(members: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(members)).hexdigest()


def shown(connection: sa.Connection, seq: int) -> list[str]:
    """The keys of everybody whom an entry's list showed."""
    wanted = sa.select(audit_shown.c.person).where(audit_shown.c.seq == seq).order_by(audit_shown.c.person)
    return [key.hex() for key in connection.scalars(wanted)]


def entries(
    connection: sa.Connection, *, before: int = 0, at_most: int = 50, account: str = "", person: str = ""
) -> list[Entry]:
    """The newest entries, older than number ``before`` if that is given, of one account or about one person.

    Those about a person are also the lists that they were on.
    """
    wanted = sa.select(audit).order_by(audit.c.seq.desc()).limit(at_most)
    if before:
        wanted = wanted.where(audit.c.seq < before)
    if account:
        wanted = wanted.where(audit.c.account == account)
    if person:
        key = bytes.fromhex(person)
        lists = sa.select(audit_shown.c.seq).where(audit_shown.c.person == key)
        alone = sa.select(audit.c.seq).where(audit.c.person == key)
        wanted = wanted.where(audit.c.seq.in_(sa.union_all(alone, lists)))
    return [_entry(row) for row in connection.execute(wanted)]


def _entry(row: sa.Row[Any]) -> Entry:
    person = row.person.hex() if row.person else ""
    told = (row.seq, row.at, row.account, row.role, row.address, row.action, person, row.why)
    return Entry(*told, msgspec.json.decode(row.detail), row.digest.hex())


def prove(connection: sa.Connection, last: int = 0) -> Proof:
    """Works every hash out again from the beginning, or those of the ``last`` entries if that is given."""
    newest = connection.scalar(sa.select(sa.func.max(audit.c.seq))) or 0
    first = max(1, newest - last + 1) if last else 1
    before = connection.scalar(sa.select(audit.c.previous).where(audit.c.seq == first)) if first > 1 else GENESIS
    chain = walk(_rows(connection, first), first, before or GENESIS)
    return chain if not chain.whole else _with_lists(connection, chain)


def _with_lists(connection: sa.Connection, chain: Proof) -> Proof:
    """The same, unless a list does not hold whom its entry says."""
    seq, last = chain.first, chain.first + chain.entries
    while seq < last:
        within = sa.and_(audit.c.seq >= seq, audit.c.seq < min(seq + AT_ONCE, last))
        beside = sa.select(audit_shown).where(audit_shown.c.seq >= seq, audit_shown.c.seq < min(seq + AT_ONCE, last))
        members: dict[int, list[bytes]] = {}
        for row in connection.execute(beside.order_by(audit_shown.c.seq, audit_shown.c.person)):
            members.setdefault(row.seq, []).append(row.person)
        for row in connection.execute(sa.select(audit.c.seq, audit.c.detail).where(within).order_by(audit.c.seq)):
            said = msgspec.json.decode(row.detail).get(LISTED)
            if (said or row.seq in members) and said != _sum(members.get(row.seq, [])):
                return msgspec.structs.replace(chain, broken=row.seq)
        seq += AT_ONCE
    return chain


def _rows(connection: sa.Connection, first: int) -> Iterator[sa.Row[Any]]:
    """Entries from a number on, a few at a time: a cursor would need a transaction, which a reader does not open."""
    following = sa.select(audit).order_by(audit.c.seq).limit(AT_ONCE)
    while rows := connection.execute(following.where(audit.c.seq >= first)).all():
        yield from rows
        first = rows[-1].seq + 1


def walk(rows: Iterable[sa.Row[Any]], first: int = 1, before: bytes = GENESIS) -> Proof:
    """Proves rows that begin at number ``first``, after an entry with the hash ``before``."""
    seq, head = first - 1, before
    for row in rows:
        seq += 1
        if row.seq != seq or row.previous != head or row.digest != _digest(head, _entry(row)):
            return Proof(seq - first, head.hex(), broken=seq, first=first)
        head = row.digest
    return Proof(seq - first + 1, head.hex(), first=first)
