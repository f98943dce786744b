"""Stations' health, its history, and alarms that end and are acknowledged."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    op.create_table(
        "healths",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False, comment="by the hub's clock"),
        sa.Column("ahead", sa.Float(), comment="seconds by which the station's clock is ahead of the hub's"),
        sa.Column("via", sa.String(length=4), nullable=False, comment="mqtt or http"),
        sa.Column("message", sa.LargeBinary(), nullable=False, comment="the newest, as it came"),
        sa.PrimaryKeyConstraint("station", name="pk_healths"),
        sa.ForeignKeyConstraint(["station"], ["stations.name"], name="fk_healths_station"),
    )
    _points()
    op.create_table(
        "watches",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("looked", sa.BigInteger(), nullable=False, comment="when a hub last judged who is silent"),
        sa.PrimaryKeyConstraint("name", name="pk_watches"),
        comment="tells a hub that starts for how long nobody watched the fleet",
    )
    op.add_column(
        "alarms", sa.Column("cleared", sa.BigInteger(), comment="when it was over; nobody need look any more")
    )
    op.add_column("alarms", sa.Column("acknowledged", sa.BigInteger(), comment="when somebody said they had seen it"))
    op.add_column("alarms", sa.Column("acknowledged_by", sa.Text(), comment="the account that did"))


def _points() -> None:
    span = "seconds that one point stands for"
    op.create_table(
        "health_points",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("span", sa.SmallInteger(), autoincrement=False, nullable=False, comment=span),
        sa.Column(
            "at", sa.BigInteger(), autoincrement=False, nullable=False, comment="its beginning, by the hub's clock"
        ),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("backlog", sa.BigInteger(), nullable=False),
        sa.Column("oldest", sa.Float(), comment="seconds"),
        sa.Column("ahead", sa.Float(), comment="seconds"),
        sa.Column("temperature", sa.Float()),
        sa.Column("fps", sa.Float()),
        sa.Column("sharpness", sa.Float()),
        sa.Column("brightness", sa.Float()),
        sa.Column("glare", sa.Float()),
        sa.Column("memory_free", sa.BigInteger()),
        sa.Column("disk_free", sa.BigInteger()),
        sa.Column("dbm", sa.SmallInteger()),
        sa.Column("passes", sa.Integer(), nullable=False, comment="presentations within the span"),
        sa.Column("warns", sa.Integer(), nullable=False),
        sa.Column("others", sa.Integer(), nullable=False),
        sa.Column("decode_ms", sa.Float(), comment="mean within the span"),
        sa.Column("lookup_ms", sa.Float()),
        sa.Column("signal_ms", sa.Float()),
        sa.PrimaryKeyConstraint("station", "span", "at", name="pk_health_points"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_health_points_span_at", "health_points", ["span", "at"])
