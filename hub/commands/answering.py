"""Who answers for what a command does: an account that there is, or the operator at the hub's own console."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from hub.errors import DataError
from hub.officials import accounts, audit
from hub.officials.accounts import Account
from hub.officials.audit import Action
from hub.storage.tables import people

HERE = "the hub's own console"
OPERATOR = "operator"


def who(connection: sa.Connection, given: argparse.Namespace) -> Account | str:
    """The account that ``--by`` names, the operator without it; ``DataError`` when none of that name is open."""
    if not given.by:
        return OPERATOR
    account = accounts.find(connection, given.by)
    if account is None or account.disabled:
        raise DataError([f"--by {given.by}: no account of this name is open; hub account list shows them"])
    return account


def name_of(account: Account | str) -> str:
    """How records beside the log name whoever answers."""
    return account if isinstance(account, str) else account.name


def note(
    connection: sa.Connection,
    account: Account | str,
    action: Action,
    *,
    person: int = 0,
    why: str = "",
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Writes what a command did into the log of look-ups, in the caller's transaction."""
    key = connection.scalar(sa.select(people.c.key).where(people.c.id == person)) if person else None
    whom = key.hex() if key is not None else ""
    audit.append(connection, account, action, datetime.now(UTC), address=HERE, person=whom, why=why, detail=detail)
