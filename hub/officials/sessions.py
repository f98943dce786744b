"""Signing in and out: pauses that grow with every failure, and sessions that the server can end.

The browser holds 256 random bits; the table holds their hash.  A session ends after ``IDLE`` without use, after
``ABSOLUTE`` in any case, when its owner signs out, and whenever the account changes.  A screen's goes on for
``ON_SCREEN``: nobody sits before it, and it may only look.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa

from hub.officials import accounts as people
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.storage.account_tables import account_sessions, accounts, sign_in_pauses
from hub.storage.keyring import Keyring
from hub.storage.store import Store, insert, serialize

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
ON_SCREEN = timedelta(days=400)
SEEN_EVERY = timedelta(minutes=1)
"""A session's last use is written down no more often than this."""

FREE_TRIES = {"account": 4, "address": 20, "own": 1 << 31}
"""Failures without a pause: a whole post may share one address; one account's at one address are only counted."""

FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(hours=24)
_LOCK = b"sign-in"


@dataclass(frozen=True)
class SignedIn:
    """``token`` is for the browser alone."""

    account: Account
    token: str = field(repr=False)


@dataclass(frozen=True)
class Refused:
    """Not signed in; ``wait`` says for how long trying again is useless."""

    wait: timedelta = timedelta()


def pause(failures: int, free: int) -> timedelta:
    """How long to wait after so many failures in a row: nothing, then 5 s, 10 s, 20 s … 15 minutes."""
    over = failures - free
    return timedelta() if over <= 0 else min(FIRST_PAUSE * 2 ** min(over - 1, 20), LONGEST_PAUSE)


def sign_in(
    store: Store, ring: Keyring, name: str, password: str, typed: str, address: str, now: datetime
) -> SignedIn | Refused:
    """Opens a session, or says how long to wait.  An attempt counts before it is tried, so that many at once count."""
    account_subject, address_subject = f"account/{name[:63]}", f"address/{address}"
    own = "own/" + hashlib.sha256(f"{name} {address}".encode()).hexdigest()[:32]
    subjects = (account_subject, address_subject, own)
    with store.writing() as connection:
        serialize(connection, [_LOCK])
        wait = max(_waiting(connection, subject, now) for subject in subjects)
        if wait:
            return Refused(wait)
        connection.execute(sa.delete(sign_in_pauses).where(sign_in_pauses.c.last < now - FORGOTTEN_AFTER))
        for subject in subjects:
            _count(connection, subject, now)
    with store.reading() as connection:
        step = people.proves(connection, ring, name, password, typed, now)
    if step is None:
        with store.reading() as connection:
            return Refused(max(_waiting(connection, subject, now) for subject in subjects))
    with store.writing() as connection:
        serialize(connection, [_LOCK])
        if step and not people.use_step(connection, name, step):
            return Refused()
        _take_back(connection, address_subject, own, now)
        _forget(connection, account_subject, own)
        account = people.find(connection, name)
        assert account is not None
        return SignedIn(account, _open(connection, name, address, now))


def _waiting(connection: sa.Connection, subject: str, now: datetime) -> timedelta:
    """Nobody waits for somebody who failed freely a moment later by the clock of another thread or hub."""
    columns = (sign_in_pauses.c.failures, sign_in_pauses.c.until)
    found = connection.execute(sa.select(*columns).where(sign_in_pauses.c.subject == subject)).first()
    if found is None or not pause(found.failures, _free(subject)):
        return timedelta()
    until: datetime = found.until
    return max(timedelta(), until - now)


def _free(subject: str) -> int:
    return FREE_TRIES[subject.partition("/")[0]]


def _count(connection: sa.Connection, subject: str, now: datetime) -> None:
    """The database adds, so that no other hub's count is written over."""
    first = {"subject": subject, "failures": 1, "last": now, "until": now}
    more = {"failures": sign_in_pauses.c.failures + 1, "last": now}
    counted = insert(connection, sign_in_pauses).values(first)
    counted = counted.on_conflict_do_update(index_elements=["subject"], set_=more)
    failures = connection.execute(counted.returning(sign_in_pauses.c.failures)).scalar_one()
    until = now + pause(failures, _free(subject))
    connection.execute(sa.update(sign_in_pauses).where(sign_in_pauses.c.subject == subject).values(until=until))


def _take_back(connection: sa.Connection, address: str, own: str, now: datetime) -> None:
    """Takes one account's failures off its address: nobody's signing in forgives what others' names were tried with."""
    columns = sign_in_pauses.c
    wanted = sa.select(columns.subject, columns.failures).where(columns.subject.in_((address, own)))
    counted = {row.subject: row.failures for row in connection.execute(wanted)}
    left = max(0, counted.get(address, 0) - counted.get(own, 0))
    statement = sa.update(sign_in_pauses).where(columns.subject == address)
    connection.execute(statement.values(failures=left, until=now))


def _forget(connection: sa.Connection, *subjects: str) -> None:
    connection.execute(sa.delete(sign_in_pauses).where(sign_in_pauses.c.subject.in_(subjects)))


def _open(connection: sa.Connection, name: str, address: str, now: datetime) -> str:
    screens = sa.select(accounts.c.name).where(accounts.c.role == Role.SCREEN.value)
    over = sa.or_(account_sessions.c.seen < now - IDLE, account_sessions.c.begun < now - ABSOLUTE)
    gone = sa.or_(sa.and_(over, account_sessions.c.account.not_in(screens)), account_sessions.c.begun < now - ON_SCREEN)
    connection.execute(sa.delete(account_sessions).where(gone))
    token = secrets.token_urlsafe(32)
    row = {"token": _digest(token), "account": name, "begun": now, "seen": now, "address": address[:64]}
    connection.execute(sa.insert(account_sessions).values(row))
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def reopen(store: Store, name: str, address: str, now: datetime) -> str:
    """A fresh session for somebody whose own change has just ended the one they were in."""
    with store.writing() as connection:
        return _open(connection, name, address, now)


def resume(store: Store, token: str, now: datetime) -> Account | None:
    """Whose session this is, or None when it has ended or never was; notes that it was used."""
    own = account_sessions.c.token == _digest(token)
    wanted = sa.select(accounts, account_sessions.c.begun, account_sessions.c.seen).join_from(
        account_sessions, accounts, accounts.c.name == account_sessions.c.account
    )
    with store.reading() as connection:
        found = connection.execute(wanted.where(own)).first()
    if found is None or found.disabled is not None:
        return None
    idle, absolute = (ON_SCREEN, ON_SCREEN) if found.role == Role.SCREEN.value else (IDLE, ABSOLUTE)
    if now - found.seen > idle or now - found.begun > absolute:
        return None
    if now - found.seen > SEEN_EVERY:
        with store.writing() as connection:
            connection.execute(sa.update(account_sessions).where(own).values(seen=now))
    return people.of_row(found)


def sign_out(store: Store, token: str) -> None:
    """Ends a session."""
    with store.writing() as connection:
        connection.execute(sa.delete(account_sessions).where(account_sessions.c.token == _digest(token)))
