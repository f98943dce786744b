"""The tables behind the snapshots that stations hold for days without a network."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, String, Table, Text, UniqueConstraint

from hub.storage.tables import Instant, Serial, metadata

snapshot_codes = Table(
    "snapshot_codes",
    metadata,
    Column("digest", LargeBinary(16), primary_key=True, comment="the identity's, while it is one"),
    Column("stretched", LargeBinary(32), nullable=False),
    Column("mark", LargeBinary(8), comment="keyed hash of the entry from marked_in on; empty: none"),
    Column("marked_in", Integer, nullable=False),
    Column("before", LargeBinary(8), comment="the same until then"),
    sqlite_with_rowid=False,
)

snapshot_words = Table(
    "snapshot_words",
    metadata,
    Column("number", Serial, primary_key=True),
    Column("word", Text, nullable=False, comment="a place or an area as JSON"),
    UniqueConstraint("word"),
)

snapshot_versions = Table(
    "snapshot_versions",
    metadata,
    Column("generation", LargeBinary(16), primary_key=True, comment="what the group's key is made from"),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("built", Instant, nullable=False),
    Column("words", BigInteger, nullable=False, comment="the last word that came with it"),
)

snapshot_withheld = Table(
    "snapshot_withheld",
    metadata,
    Column("station", String(63), ForeignKey("stations.name"), primary_key=True),
    Column("since", Instant, nullable=False),
    Column("by", Text, nullable=False),
)
