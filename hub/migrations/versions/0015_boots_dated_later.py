"""What time it was at a moment of a board's boot, learnt after rows had been written by a clock that nobody had set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    op.create_table(
        "boots",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("boot", sa.String(length=64), nullable=False),
        sa.Column("uptime", sa.BigInteger(), autoincrement=False, nullable=False, comment="milliseconds, monotonic"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="what time it was then"),
        sa.PrimaryKeyConstraint("station", "boot", "uptime", name="pk_boots"),
    )
