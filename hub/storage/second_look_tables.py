"""The tables of what was decided without the hub and asked again."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from hub.storage.tables import Instant, metadata

second_looks = Table(
    "second_looks",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("through", BigInteger, nullable=False),
)

other_verdicts = Table(
    "other_verdicts",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("place", String(64), nullable=False),
    Column("shown", Text, nullable=False, comment="outcome and reasons as JSON"),
    Column("known", Text, nullable=False, comment="the same with what the hub knew of that moment"),
    Column("looked", Instant, nullable=False),
    Index("ix_other_verdicts_at", "at"),
    Index("ix_other_verdicts_looked", "looked"),
    sqlite_with_rowid=False,
)
