"""The database: one connection that writes, others that read, the schema brought up to date at start.

SQLite runs in WAL with ``synchronous=FULL``; writing begins ``IMMEDIATE`` so that two writers wait for each other
instead of dying half-way.  PostgreSQL needs neither.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from hub.errors import Away, ConfigError
from hub.storage.weather import AWAY, cause_of

BUSY_SECONDS = 10
_LIVELY = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3}
"""Seconds, and how many times: a line to a machine that is gone is given up within twenty seconds."""

_STEPS = Path(__file__).parents[1] / "migrations" / "versions"


def sqlite_url(path: Path) -> str:
    """The URL of a database file."""
    return f"sqlite:///{path}"


class Store:
    """A database whose schema is the one this program knows.  ``close`` when done."""

    def __init__(self, url: str) -> None:
        self.url = url
        # hide_parameters: an error's words end in the log, and what is written here is about people
        self._writer = _prepare(sa.create_engine(url, hide_parameters=True, pool_size=1, max_overflow=0))
        if self._writer.dialect.name == "sqlite":
            sa.event.listen(self._writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
        self._reader = _prepare(sa.create_engine(url, hide_parameters=True, isolation_level="AUTOCOMMIT"))

    def close(self) -> None:
        """Lets go of every connection."""
        self._writer.dispose()
        self._reader.dispose()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction; committed at the end, rolled back by an exception."""
        with self._writer.begin() as connection:
            yield connection

    def reader(self) -> sa.Connection:
        """A connection of its own for one thread that reads; each statement sees what is committed."""
        return self._reader.connect()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A short look; closed at the end.  Each statement sees what is committed, also a long one that streams."""
        with self.reader() as connection:
            if connection.dialect.name == "postgresql":  # which streams only inside a transaction
                connection.execution_options(isolation_level="READ COMMITTED")
            yield connection

    def settle(self) -> bool:
        """Has SQLite take its log into the file and empty it, so that no erased page lingers there.

        False when a reader still needs an older page: try again later.  PostgreSQL has no such log of ours.
        """
        if self._writer.dialect.name != "sqlite":
            return True
        with self._reader.connect() as connection:
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
        return not busy

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        """One moment of the whole database, while others go on writing; nothing can be written through it."""
        with self.reader() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                yield connection
                return
            connection.exec_driver_sql("BEGIN")  # the first look fixes the moment
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def upgrade(self) -> None:
        """Brings the schema up to this program's; ``ConfigError`` when the database is newer than the program."""
        try:
            with self.reading() as connection:
                if revision_of(connection) == max(step.name[:4] for step in _STEPS.glob("[0-9]*.py")):
                    return
            with self._writer.begin() as connection:
                build(connection)
        except AWAY as error:
            raise not_opened(self.url, error) from error


def not_opened(url: str, error: Exception) -> ConfigError | Away:
    """Why a database cannot be opened, and the cure; never the password in its URL."""
    there = sa.make_url(url)
    if there.get_backend_name() == "sqlite":
        return ConfigError(f"the database cannot be opened: {cause_of(error)}; check its path, space and rights")
    host = there.host or there.query.get("host") or "this machine"
    named = f"{there.database} at {host}" + (f":{there.port}" if there.port else "")
    return Away(
        f"the database {named} cannot be reached: {cause_of(error)}; start its server (systemctl start postgresql), or "
        "mend `database` in the settings file"
    )


def build(connection: sa.Connection, revision: str = "head") -> None:
    """Takes the schema's steps up to one of them, in the caller's transaction; ``ConfigError`` for a newer schema."""
    from alembic import command  # a database that is up to date needs none of it, and it takes its time to come
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "hub:migrations")
    config.attributes["connection"] = connection
    serialize(connection, [b"schema"])
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    for found in filter(None, (revision_of(connection), "" if revision == "head" else revision)):
        if found not in known:
            raise ConfigError(
                f"the database has schema {found}, which is newer than this program's {scripts.get_current_head()}; "
                "install the newer hub, or restore a backup made by this one"
            )
    command.upgrade(config, revision)


def revision_of(connection: sa.Connection) -> str:
    """The schema step that a database is at; empty when there is none of ours."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return connection.scalar(sa.text("SELECT version_num FROM alembic_version")) or ""


def _prepare(engine: sa.Engine) -> sa.Engine:
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _set_up_sqlite)
    elif engine.dialect.driver == "psycopg":
        sa.event.listen(engine, "do_connect", _set_up_line)
    return engine


def _set_up_line(_dialect: object, _record: object, _words: object, options: dict[str, object]) -> None:
    """Has a server that is gone without a word noticed; what the URL says goes before."""
    for name, value in _LIVELY.items():
        options.setdefault(name, value)


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin transactions by itself, and deferred ones
    connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what is erased is overwritten, not only unlinked


def serialize(connection: sa.Connection, names: Iterable[bytes]) -> None:
    """Has whoever else writes about the same things wait until this transaction ends, in any hub on the database.

    SQLite's one writer at a time needs nothing; PostgreSQL locks each name, in one order so that nobody waits in a
    circle.
    """
    if connection.dialect.name != "postgresql":
        return
    for name in sorted({hashlib.sha256(name).digest()[:8] for name in names}):
        number = int.from_bytes(name, "big", signed=True)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def mended(reader: sa.Connection) -> sa.Connection:
    """A reader that is kept for long, its lost line let go of: the next statement opens another."""
    if reader.invalidated:
        reader.rollback()
    return reader


Insert = sqlite.Insert | postgresql.Insert


def insert(connection: sa.Connection, table: sa.Table) -> Insert:
    """An insert that knows ``on_conflict_do_…`` in this connection's database."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)
