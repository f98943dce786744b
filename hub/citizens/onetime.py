"""One-time codes: what proves that a phone number is its visitor's, and how often it may be tried.

The table holds a keyed hash of each code, bound to the handle that only the asking browser has.  A code lives for
``LIVES``, is tried ``TRIES`` times at most and used once.  Codes asked for are limited by phone and by address.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar

import sqlalchemy as sa

from core.discreet import Discreet
from hub.storage.citizen_tables import onetime_codes
from hub.storage.keyring import Keyring
from hub.storage.store import serialize

DIGITS = 6
TRIES = 5
LIVES = timedelta(minutes=5)
BETWEEN = timedelta(seconds=45)
HOUR = timedelta(hours=1)
DAY = timedelta(hours=24)
PHONE_AN_HOUR = 4
PHONE_A_DAY = 10
ADDRESS_AN_HOUR = 60
"""Whole neighbourhoods share one address behind their provider, and a post's computer serves a queue."""

_CONTEXT = b"one-time code"


class Asked(Discreet, frozen=True):
    """A code to be sent: ``handle`` goes to the browser, ``code`` to the phone, neither anywhere else."""

    secret: ClassVar = frozenset({"handle", "code"})

    handle: str
    code: str


class Proven(Discreet, frozen=True):
    """A phone number whose code was given back."""

    secret: ClassVar = frozenset({"phone"})

    phone: str


class TooOften(StrEnum):
    """Why no code is sent now; the words of the page's catalogue follow it."""

    WAIT = "wait"  # the last one is only just sent
    PHONE = "phone"
    ADDRESS = "address"


class Unproven(StrEnum):
    """Why a code proves nothing."""

    WRONG = "wrong"
    OVER = "over"  # expired, used, tried too often or never sent


def ask(connection: sa.Connection, ring: Keyring, phone: str, address: str, now: datetime) -> Asked | TooOften:
    """Draws a code for a phone (as ``phones.spell`` writes it), or says why not; the caller sends it."""
    digest, asker = ring.phone_digest(phone), _address(ring, address)
    serialize(connection, [_CONTEXT + digest, _CONTEXT + asker])
    connection.execute(sa.delete(onetime_codes).where(onetime_codes.c.sent < now - DAY))
    if refused := _refused(connection, digest, asker, now):
        return refused
    asked = Asked(secrets.token_urlsafe(24), f"{secrets.randbelow(10**DIGITS):0{DIGITS}}")
    handle = _handle(asked.handle)
    row: dict[str, object] = {"handle": handle, "phone": digest, "sealed": ring.seal(phone.encode(), _CONTEXT + handle)}
    row |= {"code": _hash(ring, handle, asked.code), "address": asker, "sent": now, "expires": now + LIVES, "tries": 0}
    connection.execute(sa.insert(onetime_codes).values(row))
    return asked


def prove(connection: sa.Connection, ring: Keyring, handle: str, code: str, now: datetime) -> Proven | Unproven:
    """The phone behind a handle when the code is its own.  Commit whatever it answers: a wrong try counts."""
    row_of = onetime_codes.c.handle == _handle(handle)
    live = sa.and_(row_of, onetime_codes.c.tries < TRIES, onetime_codes.c.expires > now)
    tried = (
        sa.update(onetime_codes)
        .where(live, onetime_codes.c.sealed.is_not(None))
        .values(tries=onetime_codes.c.tries + 1)
        .returning(onetime_codes.c.code, onetime_codes.c.sealed, onetime_codes.c.tries)
    )
    row = connection.execute(tried).first()
    if row is None:
        return Unproven.OVER
    if not hmac.compare_digest(row.code, _hash(ring, _handle(handle), code)):
        return Unproven.WRONG if row.tries < TRIES else Unproven.OVER
    connection.execute(sa.update(onetime_codes).where(row_of).values(sealed=None))
    return Proven(ring.open(row.sealed, _CONTEXT + _handle(handle)).decode())


def _refused(connection: sa.Connection, phone: bytes, address: bytes, now: datetime) -> TooOften | None:
    def sent(column: sa.ColumnElement[bool], within: timedelta) -> int:
        counted = sa.select(sa.func.count()).select_from(onetime_codes)
        return int(connection.scalar(counted.where(column, onetime_codes.c.sent > now - within)) or 0)

    of_phone = onetime_codes.c.phone == phone
    if sent(of_phone, BETWEEN):
        return TooOften.WAIT
    if sent(of_phone, HOUR) >= PHONE_AN_HOUR or sent(of_phone, DAY) >= PHONE_A_DAY:
        return TooOften.PHONE
    return TooOften.ADDRESS if sent(onetime_codes.c.address == address, HOUR) >= ADDRESS_AN_HOUR else None


def _handle(handle: str) -> bytes:
    return hashlib.sha256(handle.encode()).digest()


def _hash(ring: Keyring, handle: bytes, code: str) -> bytes:
    return hmac.digest(ring.index, _CONTEXT + handle + code.encode(), hashlib.sha256)


def _address(ring: Keyring, address: str) -> bytes:
    return hmac.digest(ring.index, b"address\0" + address.encode(), hashlib.sha256)[:16]
