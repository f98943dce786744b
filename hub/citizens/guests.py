"""Visitors whose phone was proven, or whom an official helps: for how long, and on whose computer.

The browser holds 256 random bits, the table their hash.  On a shared computer a visit ends ``SHARED`` after it was last
used and takes its unfinished forms along; on a phone of one's own it lasts, so that a posted place code is one tap.
An official's help ends with the official's own session, and with the right to help.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import ClassVar

import sqlalchemy as sa

from core.discreet import Discreet
from hub.officials import accounts
from hub.officials.rights import Right
from hub.register.relatives import By
from hub.storage.citizen_tables import drafts, guests
from hub.storage.keyring import Keyring

OWN = timedelta(days=7)
SHARED = timedelta(minutes=15)
USED_EVERY = timedelta(seconds=30)
"""A shared visit's last use is written down no more often than this."""

_CONTEXT = b"guest"


class Guest(Discreet, frozen=True):
    """Who is here; ``token`` is for the browser alone, ``phone`` is empty while an official helps."""

    secret: ClassVar = frozenset({"token", "phone"})

    token: str
    phone: str
    account: str
    shared: bool

    @property
    def by(self) -> By:
        """Who acts, as the registry asks for it."""
        return By.staff(self.account, paper=False) if self.account else By.citizen(self.phone)


def welcome(
    connection: sa.Connection, ring: Keyring, now: datetime, *, phone: str = "", account: str = "", shared: bool = False
) -> Guest:
    """Begins a visit; an official's help is always on a shared computer."""
    for table in (guests, drafts):
        connection.execute(sa.delete(table).where(table.c.expires <= now))
    token = secrets.token_urlsafe(32)
    guest = Guest(token, phone, account, shared or bool(account))
    digest = _digest(token)
    row: dict[str, object] = {
        "token": digest,
        "sealed": ring.seal(phone.encode(), _CONTEXT + digest),
        "account": account,
    }
    row |= {"shared": guest.shared, "expires": now + lasts(guest)}
    connection.execute(sa.insert(guests).values(row))
    return guest


def known(connection: sa.Connection, ring: Keyring, token: str, now: datetime) -> Guest | None:
    """Whose visit this is, or None when it has ended or never was."""
    digest = _digest(token)
    row = connection.execute(sa.select(guests).where(guests.c.token == digest, guests.c.expires > now)).first()
    if row is None or (row.account and not _may_help(connection, row.account)):
        return None
    return Guest(token, ring.open(row.sealed, _CONTEXT + digest).decode(), row.account, row.shared)


def _may_help(connection: sa.Connection, name: str) -> bool:
    account = accounts.find(connection, name)
    return account is not None and account.may(Right.PAPER)


def is_stale(connection: sa.Connection, guest: Guest, now: datetime) -> bool:
    """Whether a shared computer's visit was last written down as used long enough ago to be so again."""
    ends = connection.scalar(sa.select(guests.c.expires).where(guests.c.token == _digest(guest.token)))
    return guest.shared and ends is not None and ends < now + SHARED - USED_EVERY


def use(connection: sa.Connection, ring: Keyring, guest: Guest, now: datetime) -> None:
    """Has the visit, and what is unfinished in it, end ``lasts`` from now."""
    ends = {"expires": now + lasts(guest)}
    connection.execute(sa.update(guests).where(guests.c.token == _digest(guest.token)).values(ends))
    connection.execute(sa.update(drafts).where(drafts.c.owner == owner(ring, guest)).values(ends))


def end_help(connection: sa.Connection, account: str) -> None:
    """Ends every visit in which this official helps."""
    connection.execute(sa.delete(guests).where(guests.c.account == account))


def lasts(guest: Guest) -> timedelta:
    """For how long a visit goes on by itself."""
    return SHARED if guest.shared else OWN


def leave(connection: sa.Connection, ring: Keyring, guest: Guest) -> None:
    """Ends a visit; on a shared computer nothing unfinished stays behind."""
    connection.execute(sa.delete(guests).where(guests.c.token == _digest(guest.token)))
    if guest.shared:
        connection.execute(sa.delete(drafts).where(drafts.c.owner == owner(ring, guest)))


def forget(connection: sa.Connection, ring: Keyring, phone: str) -> int:
    """Ends every visit of a phone; they are sealed and few, so all of them are opened."""
    every = connection.execute(sa.select(guests.c.token, guests.c.sealed)).all()
    own = [row.token for row in every if ring.open(row.sealed, _CONTEXT + row.token).decode() == phone]
    connection.execute(sa.delete(guests).where(guests.c.token.in_(own)))
    return len(own)


def owner(ring: Keyring, guest: Guest) -> bytes:
    """Whose unfinished forms are whose: a phone's own, or of one visit alone on a shared computer."""
    return owner_of(ring, guest.token if guest.shared else guest.phone)


def owner_of(ring: Keyring, who: str) -> bytes:
    """The same for a phone, or a visit's token."""
    return hmac.digest(ring.index, b"draft\0" + who.encode(), hashlib.sha256)


def handle(ring: Keyring, guest: Guest, kind: str, number: int) -> str:
    """A name for a record in an address: it means nothing to anybody else, and nothing after this visit."""
    message = f"{kind}\0{number}\0{guest.token}".encode()
    return hmac.digest(ring.index, message, hashlib.sha256)[:15].hex()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
