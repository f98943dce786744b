"""Who answers for what a command does: an account that there is, or the operator at the hub's own console."""

from __future__ import annotations

import argparse
import os
import pwd
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from hub.errors import DataError
from hub.officials import accounts, audit
from hub.officials.accounts import Account
from hub.officials.audit import HERE, Action
from hub.storage.tables import people

OPERATOR = "operator"


def who(connection: sa.Connection, given: argparse.Namespace) -> Account | str:
    """The account that ``--by`` names, the operator without it; ``DataError`` when none of that name is open."""
    if not given.by:
        return OPERATOR
    account = accounts.find(connection, given.by)
    if account is None or account.disabled:
        raise DataError([f"--by {given.by}: no account of this name is open; hub account list shows them"])
    return account


def here() -> str:
    """From where: the console, and as which user of the machine; who became root by sudo is named, too."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's number without a name
        user = str(os.getuid())
    asked = os.environ.get("SUDO_USER", "")
    return f"{HERE} ({f'{asked} as {user}' if asked and asked != user else user})"


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
    audit.append(connection, account, action, datetime.now(UTC), address=here(), person=whom, why=why, detail=detail)
