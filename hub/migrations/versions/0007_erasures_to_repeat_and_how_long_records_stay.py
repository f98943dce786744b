"""Erasures that a restore must repeat, what stations still have to erase, and versions of how long records stay."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    op.create_table(
        "erased",
        sa.Column("erasure", sa.String(length=16), nullable=False, comment="hex; keyed over the rest"),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False, comment="keyed hash of an identity's digest"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("erasure", "digest", name="pk_erased"),
        comment="who must stay erased, to be known again only with the hub's keys",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_erased_digest", "erased", ["digest"])
    op.create_index("ix_erased_at", "erased", ["at"])
    op.create_table(
        "station_erasures",
        sa.Column("erasure", sa.String(length=16), nullable=False),
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.Column("seqs", sa.Text(), nullable=False, comment="the numbers of the rows, as JSON"),
        sa.Column("at", sa.BigInteger(), nullable=False, comment="when the hub erased them"),
        sa.Column("until", sa.BigInteger(), nullable=False, comment="from then on the station's own days are over"),
        sa.Column("command", sa.String(length=64), nullable=False, comment="the last order sent for it, or empty"),
        sa.Column("asked", sa.BigInteger(), comment="when that was"),
        sa.Column("done", sa.BigInteger(), comment="when the station said so"),
        sa.PrimaryKeyConstraint("erasure", "station", "epoch", name="pk_station_erasures"),
        comment="rows of erased people that a station's card may still hold, sealed",
    )
    op.create_table(
        "retentions",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("days", sa.Text(), nullable=False, comment="days by kind of record, as JSON"),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("effective", sa.BigInteger(), nullable=False),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_retentions"),
        comment="how long records stay, each version for good",
    )
