"""How far offline verdicts were asked again, and which would have been others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    op.create_table(
        "second_looks",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station", "epoch", name="pk_second_looks"),
    )
    op.create_table(
        "other_verdicts",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False, comment="outcome and reasons as JSON"),
        sa.Column("known", sa.Text(), nullable=False, comment="the same with what the hub knew of that moment"),
        sa.Column("looked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station", "epoch", "seq", name="pk_other_verdicts"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_other_verdicts_at", "other_verdicts", ["at"])
