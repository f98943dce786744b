"""What time it was at moments of a board's boots, and the visits that such a word dates."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Table, text, true

from hub.storage.tables import Instant, metadata, visits

boots = Table(
    "boots",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("boot", String(64), primary_key=True),
    Column("uptime", BigInteger, primary_key=True, autoincrement=False, comment="milliseconds, monotonic"),
    Column("at", Instant, nullable=False, comment="what time it was then"),
    Column(
        "amends", Boolean, nullable=False, server_default=true(), comment="an amendment; else a row with a sure clock"
    ),
    Column("passed", BigInteger, comment="visits up to this uptime were dated by it; empty: all were"),
    Column("passed_id", BigInteger, comment="and of those at that uptime up to this one"),
    Index(
        "ix_boots_passed",
        "station",
        "boot",
        "uptime",
        sqlite_where=text("passed IS NOT NULL"),
        postgresql_where=text("passed IS NOT NULL"),
    ),
)

_OF_BOOT = text("boot IS NOT NULL")
Index(
    "ix_visits_boot",
    *(visits.c.station, visits.c.boot, visits.c.uptime, visits.c.id),
    sqlite_where=_OF_BOOT,
    postgresql_where=_OF_BOOT,
)
Index(
    "ix_visits_unasked",
    *(visits.c.dated, visits.c.id),
    sqlite_where=text("unasked = 1"),
    postgresql_where=text("unasked"),
)
