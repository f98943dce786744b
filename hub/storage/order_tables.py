"""The tables of orders to stations: one line an order, and what results brought beside their words, sealed."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, SmallInteger, String, Table, Text

from hub.storage.tables import Instant, metadata

orders = Table(
    "orders",
    metadata,
    Column("id", String(16), primary_key=True, comment="hex"),
    Column("station", String(63), ForeignKey("stations.name"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("task", Text, nullable=False, comment="what is to be done, as JSON"),
    Column("document", LargeBinary, nullable=False, comment="as it was signed"),
    Column("issued", Instant, nullable=False),
    Column("not_after", Instant, nullable=False),
    Column("by", Text, nullable=False, comment="the account that answers for it"),
    Column("why", Text, nullable=False),
    Column("status", String(16), nullable=False, comment="queued, sent, in-progress, succeeded, failed or rejected"),
    Column("sent", Instant, comment="last given to the broker, or to the station when it asked"),
    Column("heard", Instant, comment="when the station last said something of it, by the hub's clock"),
    Column("words", Text, nullable=False),
    Column("media", String(64), nullable=False, comment="what kind of data came with the result"),
    Column("parts", SmallInteger, nullable=False, comment="of how many parts the data is"),
    Index("ix_orders_station_issued", "station", "issued"),
    Index("ix_orders_status_not_after", "status", "not_after"),
)

order_data = Table(
    "order_data",
    metadata,
    Column("order", String(16), ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False, comment="under the registry key; gone after a day"),
    Column("at", Instant, nullable=False, index=True),
)
