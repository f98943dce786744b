"""The tables of what is kept and what is gone: for how long, legal holds, erasures, and what keeps chains provable."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from hub.storage.tables import Instant, Serial, metadata, people, visits

holds = Table(
    "holds",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", Serial, ForeignKey("people.id"), nullable=False, index=True),
    Column("by", Text, nullable=False, comment="the account that answers for it"),
    Column("reason", Text, nullable=False),
    Column("placed", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("released", Instant),
    Column("released_by", Text, nullable=False),
    comment="while one stands, nothing of the person is erased",
)

erasures = Table(
    "erasures",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("cause", String(16), nullable=False, comment="retention or person"),
    Column("by", Text, nullable=False, comment="an account, or hub when it was due"),
    Column("before", Instant, comment="retention: what was older than this went"),
    Column("counts", Text, nullable=False, comment="how many of each kind, as JSON; never whose"),
)

anchors = Table(
    "anchors",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("seq", BigInteger, nullable=False, comment="the last row that is gone from the journal's beginning"),
    Column("hash", String(64), nullable=False, comment="its hash, which the first row still kept carries"),
    Column("moved", Instant, nullable=False),
)

emptied_rows = Table(
    "emptied_rows",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("previous", String(64), nullable=False, comment="the hash it carried of the row before; empty: unreadable"),
    Column("emptied", Instant, nullable=False),
    sqlite_with_rowid=False,
    comment="journal rows whose bytes are gone while their own hash stays",
)

lost_ranges = Table(
    "lost_ranges",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("first", BigInteger, primary_key=True, autoincrement=False),
    Column("last", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False, comment="of its last row, if its card still knew"),
    Column("noted", Instant, nullable=False),
    comment="numbers that no card has any more and the hub never held",
)

erased = Table(
    "erased",
    metadata,
    Column("erasure", String(16), primary_key=True, comment="hex; keyed over the rest"),
    Column("digest", LargeBinary(16), primary_key=True, comment="keyed hash of an identity's digest"),
    Column("at", Instant, nullable=False, index=True),
    Index("ix_erased_digest", "digest"),
    sqlite_with_rowid=False,
    comment="who must stay erased, to be known again only with the hub's keys",
)

station_erasures = Table(
    "station_erasures",
    metadata,
    Column("erasure", String(16), primary_key=True),
    Column("station", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("seqs", Text, nullable=False, comment="the numbers of the rows, as JSON"),
    Column("at", Instant, nullable=False, comment="when the hub erased them"),
    Column("until", Instant, nullable=False, comment="from then on the station's own days are over"),
    Column("command", String(64), nullable=False, comment="the last order sent for it, or empty"),
    Column("asked", Instant, comment="when that was"),
    Column("done", Instant, comment="when the station said so"),
    comment="rows of erased people that a station's card may still hold, sealed",
)

retentions = Table(
    "retentions",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("days", Text, nullable=False, comment="days by kind of record, as JSON"),
    Column("note", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("effective", Instant, nullable=False),
    Column("published", Instant, nullable=False),
    comment="how long records stay, each version for good",
)

Index("ix_visits_at", visits.c.at)
Index("ix_people_guardian", people.c.guardian)
