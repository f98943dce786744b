"""Other systems that bring declarations in (an app, a call centre): each has a name and a bearer token of its own."""

from __future__ import annotations

import re
import secrets
from datetime import datetime

import sqlalchemy as sa

from hub.errors import DataError
from hub.stations.fleet import token_digest
from hub.storage.store import insert
from hub.storage.tables import clients

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def add(connection: sa.Connection, name: str, now: datetime) -> str:
    """Registers a system and gives its token, which is kept nowhere in clear; an existing name gets a new one."""
    if not _NAME.fullmatch(name):
        raise DataError([f"client name {name!r}: lower-case letters, digits and hyphens"])
    token = secrets.token_urlsafe(24)
    values = {"token": token_digest(token), "changed": now}
    statement = insert(connection, clients).values(name=name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
    return token


def named(connection: sa.Connection, authorization: str) -> str | None:
    """The system that a ``Bearer`` header proves to be; what is looked up is the token's hash."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    return connection.scalar(sa.select(clients.c.name).where(clients.c.token == token_digest(token)))
