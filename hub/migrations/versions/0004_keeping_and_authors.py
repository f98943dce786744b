"""Legal holds, the record of erasures, what keeps chains provable after them, and who wrote a policy."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Takes the step."""
    _holds()
    _erasures()
    _chains()
    op.create_index("ix_visits_at", "visits", ["at"])
    op.create_index("ix_people_guardian", "people", ["guardian"])
    op.add_column("policies", sa.Column("author", sa.Text(), nullable=False, server_default=""))


def _holds() -> None:
    op.create_table(
        "holds",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("person", SERIAL, nullable=False),
        sa.Column("by", sa.Text(), nullable=False, comment="the account that answers for it"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("placed", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("released", sa.BigInteger()),
        sa.Column("released_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_holds_person"),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        comment="while one stands, nothing of the person is erased",
    )
    op.create_index("ix_holds_person", "holds", ["person"])


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=16), nullable=False, comment="retention or person"),
        sa.Column("by", sa.Text(), nullable=False, comment="an account, or hub when it was due"),
        sa.Column("before", sa.BigInteger(), comment="retention: what was older than this went"),
        sa.Column("counts", sa.Text(), nullable=False, comment="how many of each kind, as JSON; never whose"),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_at", "erasures", ["at"])


def _chains() -> None:
    op.create_table(
        "anchors",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.Column(
            "seq", sa.BigInteger(), nullable=False, comment="the last row that is gone from the journal's beginning"
        ),
        sa.Column(
            "hash", sa.String(length=64), nullable=False, comment="its hash, which the first row still kept carries"
        ),
        sa.Column("moved", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station", "epoch", name="pk_anchors"),
    )
    op.create_table(
        "emptied_rows",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "previous",
            sa.String(length=64),
            nullable=False,
            comment="the hash it carried of the row before; empty: unreadable",
        ),
        sa.Column("emptied", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station", "epoch", "seq", name="pk_emptied_rows"),
        comment="journal rows whose bytes are gone while their own hash stays",
        sqlite_with_rowid=False,
    )
