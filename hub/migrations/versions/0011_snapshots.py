"""What the snapshots for days without a network are made from, and who may hold none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    op.create_table(
        "snapshot_codes",
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False, comment="the identity's, while it is one"),
        sa.Column("stretched", sa.LargeBinary(length=32), nullable=False),
        sa.Column("mark", sa.LargeBinary(length=8), comment="keyed hash of the entry from marked_in on; empty: none"),
        sa.Column("marked_in", sa.Integer(), nullable=False),
        sa.Column("before", sa.LargeBinary(length=8), comment="the same until then"),
        sa.PrimaryKeyConstraint("digest", name="pk_snapshot_codes"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "snapshot_words",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("word", sa.Text(), nullable=False, comment="a place or an area as JSON"),
        sa.PrimaryKeyConstraint("number", name="pk_snapshot_words"),
        sa.UniqueConstraint("word", name="uq_snapshot_words_word"),
    )
    op.create_table(
        "snapshot_versions",
        sa.Column("generation", sa.LargeBinary(length=16), nullable=False, comment="what the group's key is made from"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("built", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.BigInteger(), nullable=False, comment="the last word that came with it"),
        sa.PrimaryKeyConstraint("generation", "version", name="pk_snapshot_versions"),
    )
    op.create_table(
        "snapshot_withheld",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["station"], ["stations.name"], name="fk_snapshot_withheld_station"),
        sa.PrimaryKeyConstraint("station", name="pk_snapshot_withheld"),
    )
