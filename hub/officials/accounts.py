"""Officers' accounts: argon2id passwords, one role each, an optional second factor; names no official may share."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Any

import argon2
import msgspec
import sqlalchemy as sa
from argon2.exceptions import InvalidHashError, VerificationError

from core.model import Area, GateKind
from hub.errors import DataError
from hub.officials import totp
from hub.officials.rights import RIGHTS, Right, Role, gate_of
from hub.register import areas
from hub.storage.account_tables import account_sessions, accounts
from hub.storage.keyring import Keyring
from hub.storage.tables import places

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,62}")
_COMMUNE = re.compile(r"(63|34)/[0-9]{2,5}")
_hasher = argon2.PasswordHasher()  # RFC 9106, the choice for machines with little memory: 64 MiB, three passes
_NOBODYS = _hasher.hash(secrets.token_urlsafe(16))
_texts = msgspec.json.Decoder(tuple[str, ...])


class Account(msgspec.Struct, frozen=True):
    """One official; ``communes`` are ``edition/code`` of communes, districts or provinces they answer for."""

    name: str
    shown: str
    role: Role
    place: str = ""
    communes: tuple[str, ...] = ()
    second_factor: bool = False
    must_change: bool = False
    disabled: bool = False

    def may(self, right: Right) -> bool:
        """Whether the table of rights lets this account do it."""
        return not self.disabled and right in RIGHTS[self.role]

    @property
    def gate(self) -> GateKind:
        """The gate kind whose rules this official checks by."""
        return gate_of(self.role)

    def answers_for(self, area: Area | None) -> bool:
        """Whether an address lies in one of this official's communes.

        Within one edition codes are compared as they are; across the merger by what either became.
        Two old communes that became one are still two: neither's official sees the other's people.
        """
        if area is None:
            return False
        codes = {f"{area.edition}/{code}" for code in (area.commune, area.district, area.province) if code}
        later = {f"{each.edition}/{each.commune}" for each in areas.converted(area)[:1] if area.edition == "63"}
        merged = {f"34/{code}" for own in self.communes if area.edition == "34" for code in _became(own)}
        return not (codes | later).isdisjoint(self.communes) or not codes.isdisjoint(merged)


class Password:
    """A password that somebody chose.  Hashing takes a tenth of a second and more: make one before a transaction."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kept = _hasher.hash(text) if len(text) <= LONGEST_PASSWORD else ""

    def __repr__(self) -> str:
        return "Password()"

    def faults(self, name: str) -> list[str]:
        """Why it will not do for this account; empty when it will."""
        return password_faults(self.text, name)


def _became(commune: str) -> tuple[str, ...]:
    edition, _, code = commune.partition("/")
    unit = areas.find(edition, code)
    return () if unit is None else unit.became


def add(
    connection: sa.Connection,
    account: Account,
    password: Password,
    now: datetime,
) -> None:
    """Opens an account; ``DataError`` when anything about it cannot be.  Its owner must choose another password."""
    faults = [*_faults(connection, account), *password.faults(account.name)]
    if connection.scalar(sa.select(accounts.c.name).where(accounts.c.name == account.name)) is not None:
        faults.append(f"account {account.name}: exists already")
    if faults:
        raise DataError(faults)
    row = {
        "name": account.name,
        "shown": account.shown.strip(),
        "role": account.role.value,
        "password": password.kept,
        "totp_step": 0,
        "place": account.place,
        "communes": msgspec.json.encode(account.communes).decode(),
        "must_change": account.must_change,
        "created": now,
    }
    connection.execute(sa.insert(accounts).values(row))


def _faults(connection: sa.Connection, account: Account) -> list[str]:
    faults = []
    if not _NAME.fullmatch(account.name):
        faults.append("account name: 2 to 63 lower-case letters, digits, dots, hyphens")
    if not 0 < len(account.shown.strip()) <= 120:
        faults.append("shown name: 1 to 120 characters")
    if account.place and connection.scalar(sa.select(places.c.code).where(places.c.code == account.place)) is None:
        faults.append(f"place {account.place!r}: not registered")
    faults += [f"commune {each!r}: edition/code, such as 63/19768" for each in account.communes if not _is_code(each)]
    if account.role is Role.COMMUNE_OFFICER and not account.communes:
        faults.append("communes: this role needs at least one")
    return faults


def _is_code(text: str) -> bool:
    return _COMMUNE.fullmatch(text) is not None


def password_faults(password: str, name: str) -> list[str]:
    """Why a password will not do; empty when it will.  Length is what counts (NIST SP 800-63B)."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return [f"password: {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"]
    if name in password.casefold() or len(set(password)) < 5:
        return ["password: too easy to guess; a few words that do not belong together are good"]
    return []


def find(connection: sa.Connection, name: str) -> Account | None:
    """An account by its name."""
    found = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()
    return None if found is None else of_row(found)


def listed(connection: sa.Connection) -> list[Account]:
    """Every account, by name."""
    return [of_row(row) for row in connection.execute(sa.select(accounts).order_by(accounts.c.name))]


def of_row(row: sa.Row[Any]) -> Account:
    """The account in a row of its table."""
    return Account(
        name=row.name,
        shown=row.shown,
        role=Role(row.role),
        place=row.place,
        communes=_texts.decode(row.communes),
        second_factor=row.totp is not None,
        must_change=row.must_change,
        disabled=row.disabled is not None,
    )


def proves(connection: sa.Connection, ring: Keyring, name: str, password: str, typed: str, now: datetime) -> int | None:
    """Whether password and, if the account has a second factor, its code are right.

    Gives the time step that was used (0 without a second factor), None when anything is wrong.  An account that does
    not exist, or is disabled, takes as long as one that does.
    """
    row = connection.execute(sa.select(accounts).where(accounts.c.name == name)).first()
    known = row is not None and row.disabled is None
    if not _matches(row.password if row is not None and known else _NOBODYS, password) or row is None or not known:
        return None
    if row.totp is None:
        return 0
    return totp.accept(ring.open(row.totp, _context(name)), typed, now, row.totp_step)


def knows(connection: sa.Connection, name: str, password: str) -> bool:
    """Whether this is the account's password; for somebody who is signed in and changes it."""
    kept = connection.scalar(sa.select(accounts.c.password).where(accounts.c.name == name))
    return kept is not None and _matches(kept, password)


def _context(name: str) -> bytes:
    return f"second factor of {name}".encode()


def _matches(kept: str, password: str) -> bool:
    if len(password) > LONGEST_PASSWORD:
        return False
    try:
        return _hasher.verify(kept, password)
    except (VerificationError, InvalidHashError):
        return False


def use_step(connection: sa.Connection, name: str, step: int) -> bool:
    """Marks a code as used; False when somebody else has just used it."""
    own = sa.and_(accounts.c.name == name, accounts.c.totp_step < step)
    return connection.execute(sa.update(accounts).where(own).values(totp_step=step)).rowcount == 1


def set_password(connection: sa.Connection, name: str, password: Password, *, must_change: bool) -> None:
    """Gives an account another password and ends all its sessions; ``DataError`` when it will not do."""
    if faults := password.faults(name):
        raise DataError(faults)
    _change(connection, name, password=password.kept, must_change=must_change)


def set_second_factor(connection: sa.Connection, ring: Keyring, name: str, secret: bytes | None, step: int = 0) -> None:
    """Asks for codes of this secret from now on, or for none; ``step`` is the one that proved the app has it."""
    sealed = None if secret is None else ring.seal(secret, _context(name))
    changed = {"totp": sealed, "totp_step": step}
    connection.execute(sa.update(accounts).where(accounts.c.name == name).values(changed))


def reset(connection: sa.Connection, ring: Keyring, name: str, password: Password) -> None:
    """Lets somebody in again who lost password or phone: a new password to be changed, no second factor."""
    set_password(connection, name, password, must_change=True)
    set_second_factor(connection, ring, name, None)


def disable(connection: sa.Connection, name: str, now: datetime) -> None:
    """Shuts an account and ends its sessions; its name stays in the audit log."""
    _change(connection, name, disabled=now)


def enable(connection: sa.Connection, name: str) -> None:
    """Opens a disabled account again."""
    _change(connection, name, disabled=None)


def correct(connection: sa.Connection, account: Account) -> None:
    """Changes what an account is for; its sessions end, so that no page goes on under the old rights."""
    if faults := _faults(connection, account):
        raise DataError(faults)
    _change(
        connection,
        account.name,
        shown=account.shown.strip(),
        role=account.role.value,
        place=account.place,
        communes=msgspec.json.encode(account.communes).decode(),
    )


def _change(connection: sa.Connection, name: str, **values: object) -> None:
    if not connection.execute(sa.update(accounts).where(accounts.c.name == name).values(values)).rowcount:
        raise DataError([f"account {name}: there is none of that name"])
    connection.execute(sa.delete(account_sessions).where(account_sessions.c.account == name))


def communes_of(text: str) -> tuple[str, ...]:
    """The communes that somebody typed, separated by commas or blanks."""
    return tuple(dict.fromkeys(re.split(r"[\s,;]+", text.strip()))) if text.strip() else ()
