"""Orders to stations, and what their results brought."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    statuses = "queued, sent, in-progress, succeeded, failed or rejected"
    op.create_table(
        "orders",
        sa.Column("id", sa.String(length=16), nullable=False, comment="hex"),
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("task", sa.Text(), nullable=False, comment="what is to be done, as JSON"),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="as it was signed"),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False, comment="the account that answers for it"),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False, comment=statuses),
        sa.Column("sent", sa.BigInteger(), comment="last given to the broker, or to the station when it asked"),
        sa.Column("heard", sa.BigInteger(), comment="when the station last said something of it, by the hub's clock"),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("media", sa.String(length=64), nullable=False, comment="what kind of data came with the result"),
        sa.Column("parts", sa.SmallInteger(), nullable=False, comment="of how many parts the data is"),
        sa.ForeignKeyConstraint(["station"], ["stations.name"], name="fk_orders_station_stations"),
        sa.PrimaryKeyConstraint("id", name="pk_orders"),
    )
    op.create_index("ix_orders_station_issued", "orders", ["station", "issued"])
    op.create_index("ix_orders_status_not_after", "orders", ["status", "not_after"])
    op.create_table(
        "order_data",
        sa.Column("order", sa.String(length=16), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="under the registry key; gone after a day"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["order"], ["orders.id"], name="fk_order_data_order_orders", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("order", "part", name="pk_order_data"),
    )
    op.create_index("ix_order_data_at", "order_data", ["at"])
