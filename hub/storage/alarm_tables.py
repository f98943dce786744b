"""The tables of what happened to alarms and whom they were told, and of the settings that stations run with."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, SmallInteger, String, Table, Text

from hub.storage.tables import Instant, Serial, metadata

alarm_events = Table(
    "alarm_events",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("station", String(63), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("what", String(8), nullable=False, comment="began, over or seen"),
    Column("at", Instant, nullable=False),
    Column("detail", Text, nullable=False),
    Column("facts", Text, nullable=False),
    Column("by", Text, nullable=False, comment="the account that has seen it"),
    Index("ix_alarm_events_station_at", "station", "at"),
    Index("ix_alarm_events_at", "at"),
)

alarm_tellings = Table(
    "alarm_tellings",
    metadata,
    Column("event", Serial, ForeignKey("alarm_events.id", ondelete="CASCADE"), primary_key=True),
    Column("way", String(8), primary_key=True, comment="webhook or mail"),
    Column("tries", SmallInteger, nullable=False),
    Column("due", Instant, nullable=False, index=True, comment="when it is tried next"),
    Column("told", Instant, comment="when it was taken"),
)

running_settings = Table(
    "running_settings",
    metadata,
    Column("station", String(63), ForeignKey("stations.name"), primary_key=True),
    Column("heard", Instant, nullable=False),
    Column("message", LargeBinary, nullable=False, comment="without secrets and keys, as it came"),
)
