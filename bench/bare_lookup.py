"""The peer of the hub's look-up, as a process of its own: a bare Litestar handler with one indexed SELECT.

``python -m bench.bare_lookup DATABASE KEYS BYTES``: the same server settings, one connection on the loop's own thread,
the table that the hub finds people in, and an answer of as many bytes.  It lets everybody in and joins nothing.
``/nothing`` beside it touches no database and shows what the client can drive.
"""

from __future__ import annotations

import socket
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import uvicorn
from litestar import Litestar, post

from core import wire
from core.model import Subject
from hub.storage import keyring

WANTED = "SELECT person, scheme FROM identities WHERE digest = {mark}"


class Found(msgspec.Struct):
    """What the handler answers: the row, and as much beside it as the hub's answer is longer."""

    person: int
    scheme: str
    rest: str


class Nothing(msgspec.Struct):
    """An empty answer."""


Select = Callable[[bytes], Any]


def _select(database: str) -> Select:
    if database.startswith("postgresql"):
        cursor = psycopg.connect(database, autocommit=True).cursor()
        statement = WANTED.format(mark="%b").encode()
        return lambda digest: cursor.execute(statement, (digest,)).fetchone()
    file = sqlite3.connect(database, isolation_level=None).cursor()
    return lambda digest: file.execute(WANTED.format(mark="?"), (digest,)).fetchone()


def build(database: str, keys: Path, size: int) -> Litestar:
    """The application; ``size`` is that of its answers in bytes."""
    ring, select = keyring.load(keys), _select(database)
    rest = "x" * (size - len(msgspec.json.encode(Found(500_000, "citizen", ""))))

    @post("/v1/lookup", status_code=200)
    async def lookup(data: wire.Ask) -> Found | None:
        row = select(ring.digest(Subject(data.who.scheme, data.who.value)))
        return None if row is None else Found(row[0], row[1], rest)

    @post("/nothing", status_code=200)
    async def nothing() -> Nothing:
        return Nothing()

    return Litestar([lookup, nothing], openapi_config=None, logging_config=None)


def main() -> None:
    """Answers on a free port, which it prints, until killed."""
    database, keys, size = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(listener.getsockname()[1], flush=True)
    settings = uvicorn.Config(
        build(database, keys, size), log_config=None, access_log=False, server_header=False, timeout_keep_alive=75
    )
    uvicorn.Server(settings).run(sockets=[listener])


if __name__ == "__main__":
    main()
