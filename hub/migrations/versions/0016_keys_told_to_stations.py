"""Sealing keys of several periods, and what stations are told of all keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    op.create_table(
        "sealing_keys",
        sa.Column("id", sa.String(length=16), nullable=False, comment="hex"),
        sa.Column("public", sa.LargeBinary(length=32), nullable=False),
        sa.Column(
            "sealed",
            sa.LargeBinary(),
            nullable=True,
            comment="the private half under the registry key; the first one's is in the key folder",
        ),
        sa.Column("begins", sa.BigInteger(), nullable=True, comment="none: the hub began with it"),
        sa.Column("erased", sa.BigInteger(), nullable=True, comment="when its private half was destroyed"),
        sa.PrimaryKeyConstraint("id", name="pk_sealing_keys"),
    )
    op.create_table(
        "announcements",
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "document",
            sa.LargeBinary(),
            nullable=False,
            comment="which keys stations may believe and seal to, signed",
        ),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_announcements"),
    )
