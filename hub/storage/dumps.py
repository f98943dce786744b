"""A database's rows out in chunks that any database takes, and back in: what a backup carries.

Values go as the columns' own types say (integers, texts, bytes, floats, booleans), so that what SQLite gave PostgreSQL
takes, and the other way about.  The shape is the database's own, at whatever schema step it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import msgspec
import psycopg
import sqlalchemy as sa

A_CHUNK = 500
"""Rows held in memory at once; none is longer than some 20 KB."""
_STEPS = "alembic_version"


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """Some rows of one table, each with a value a column."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


_chunk = msgspec.msgpack.Decoder(Chunk)


def encode(chunk: Chunk) -> bytes:
    """A chunk as bytes."""
    return msgspec.msgpack.encode(chunk)


def decode(raw: bytes) -> Chunk:
    """The same back; ``msgspec.DecodeError`` when it is none."""
    return _chunk.decode(raw)


def tables(connection: sa.Connection) -> list[sa.Table]:
    """The database's tables as they are there, those first that others point at."""
    shape = sa.MetaData()
    shape.reflect(connection)
    return [table for table in shape.sorted_tables if table.name != _STEPS]


def count(connection: sa.Connection) -> dict[str, int]:
    """How many rows each table has."""
    every = {table.name: sa.select(sa.func.count()).select_from(table) for table in tables(connection)}
    return {name: connection.scalar(wanted) or 0 for name, wanted in every.items()}


def chunks(connection: sa.Connection) -> Iterator[Chunk]:
    """Every row of every table, a few at a time; ``connection`` shows one moment (``Store.snapshot``)."""
    for table in tables(connection):
        columns = tuple(str(column.name) for column in table.columns)
        with connection.execute(sa.select(table), execution_options={"yield_per": A_CHUNK}) as found:
            for rows in found.partitions():
                yield Chunk(str(table.name), columns, [tuple(row) for row in rows])


class Loader:
    """Takes chunks into an empty database of the same schema step, inside ``with`` and the caller's transaction.

    ``KeyError`` for a table or column that is not there.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._tables = {table.name: table for table in tables(connection)}
        self._copying = ExitStack()
        self._copy: psycopg.Copy | None = None
        self._into = ""
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")  # some rows point at later ones

    def put(self, chunk: Chunk) -> None:
        """Writes one chunk; chunks of one table follow each other."""
        table = self._tables[chunk.table]
        names = ", ".join(self._quote(table.columns[column].name) for column in chunk.columns)
        if self._connection.dialect.name == "sqlite":
            marks = ", ".join("?" * len(chunk.columns))
            statement = f"INSERT INTO {self._quote(table.name)} ({names}) VALUES ({marks})"  # noqa: S608  # our names
            self._connection.exec_driver_sql(statement, chunk.rows)
            return
        if self._copy is None or self._into != chunk.table:
            self._begin(f"COPY {self._quote(table.name)} ({names}) FROM STDIN")
            self._into = chunk.table
        assert self._copy is not None
        for row in chunk.rows:
            self._copy.write_row(row)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends what was begun, or breaks it off; new rows are numbered behind the old ones."""
        self._copying.__exit__(kind, error, trace)
        if error is None and self._connection.dialect.name == "postgresql":
            for table in self._tables.values():
                self._number_on(table)

    def _begin(self, statement: str) -> None:
        self._copying.close()
        driver = self._connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        cursor = self._copying.enter_context(driver.cursor())
        self._copy = self._copying.enter_context(cursor.copy(statement))

    def _number_on(self, table: sa.Table) -> None:
        for column in table.primary_key.columns:
            named = sa.select(sa.func.pg_get_serial_sequence(self._quote(table.name), column.name))
            if sequence := self._connection.scalar(named):
                last = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
                self._connection.execute(sa.select(sa.func.setval(sequence, last, False)))

    def _quote(self, name: str) -> str:
        return self._connection.dialect.identifier_preparer.quote(name)
