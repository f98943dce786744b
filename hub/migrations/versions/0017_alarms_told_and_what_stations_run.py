"""Alarms with their past and whom they were told, where a station was ordered to stand, and what each runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    former = "sessions before it and their last numbers"
    op.add_column("healths", sa.Column("former", sa.Text(), nullable=False, server_default="{}", comment=former))
    home = "where it was registered, while an order has it stand elsewhere"
    op.add_column("stations", sa.Column("home", sa.String(length=64), comment=home))
    way = "as ordered; empty: as it is configured"
    op.add_column("stations", sa.Column("direction", sa.String(8), nullable=False, server_default="", comment=way))
    facts = "the parts of the detail, to be worded: JSON"
    op.add_column("alarms", sa.Column("facts", sa.Text(), nullable=False, server_default="{}", comment=facts))
    hour = "histograms of the last hour, half an hour apart"
    op.add_column("healths", sa.Column("hour", sa.LargeBinary(), comment=hour))
    op.create_table(
        "running_settings",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=False, comment="without secrets and keys, as it came"),
        sa.PrimaryKeyConstraint("station", name="pk_running_settings"),
        sa.ForeignKeyConstraint(["station"], ["stations.name"], name="fk_running_settings_station"),
    )
    _events()


def _events() -> None:
    serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "alarm_events",
        sa.Column("id", serial, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("what", sa.String(length=8), nullable=False, comment="began, over or seen"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False, comment="the account that has seen it"),
        sa.PrimaryKeyConstraint("id", name="pk_alarm_events"),
    )
    op.create_index("ix_alarm_events_station_at", "alarm_events", ["station", "at"])
    op.create_index("ix_alarm_events_at", "alarm_events", ["at"])
    op.create_table(
        "alarm_tellings",
        sa.Column("event", serial, nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False, comment="webhook or mail"),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False, comment="when it is tried next"),
        sa.Column("told", sa.BigInteger(), comment="when it was taken"),
        sa.PrimaryKeyConstraint("event", "way", name="pk_alarm_tellings"),
        sa.ForeignKeyConstraint(["event"], ["alarm_events.id"], name="fk_alarm_tellings_event", ondelete="CASCADE"),
    )
    op.create_index("ix_alarm_tellings_due", "alarm_tellings", ["due"])
