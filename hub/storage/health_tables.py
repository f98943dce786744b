"""The tables of the fleet's health: every station's newest message, its figures over time, when the hub last looked."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from hub.storage.tables import Instant, metadata

healths = Table(
    "healths",
    metadata,
    Column("station", String(63), ForeignKey("stations.name"), primary_key=True),
    Column("heard", Instant, nullable=False, comment="by the hub's clock"),
    Column("ahead", Float, comment="seconds by which the station's clock is ahead of the hub's"),
    Column("via", String(4), nullable=False, comment="mqtt or http"),
    Column("message", LargeBinary, nullable=False, comment="the newest, as it came"),
    Column("hour", LargeBinary, comment="histograms of the last hour, half an hour apart"),
    Column("former", Text, nullable=False, server_default="{}", comment="sessions before it and their last numbers"),
)

health_points = Table(
    "health_points",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("span", SmallInteger, primary_key=True, autoincrement=False, comment="seconds that one point stands for"),
    Column("at", Instant, primary_key=True, autoincrement=False, comment="its beginning, by the hub's clock"),
    Column("messages", Integer, nullable=False),
    Column("backlog", BigInteger, nullable=False),
    Column("oldest", Float, comment="seconds"),
    Column("ahead", Float, comment="seconds"),
    Column("temperature", Float),
    Column("fps", Float),
    Column("sharpness", Float),
    Column("brightness", Float),
    Column("glare", Float),
    Column("memory_free", BigInteger),
    Column("disk_free", BigInteger),
    Column("dbm", SmallInteger),
    Column("passes", Integer, nullable=False, comment="presentations within the span"),
    Column("warns", Integer, nullable=False),
    Column("others", Integer, nullable=False),
    Column("decode_ms", Float, comment="mean within the span"),
    Column("lookup_ms", Float),
    Column("signal_ms", Float),
    Index("ix_health_points_span_at", "span", "at"),
    sqlite_with_rowid=False,
)

watches = Table(
    "watches",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("looked", Instant, nullable=False, comment="when a hub last judged who is silent"),
    comment="tells a hub that starts for how long nobody watched the fleet",
)
