"""Whose word a declaration is, the form as it was filled in, and what records said before they were mended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Takes the step."""
    claimed = "a phone took its numbers: it is shown no scans from before"
    op.add_column("people", sa.Column("claimed", sa.BigInteger(), comment=claimed))
    for column in _of_declarations():
        op.add_column("declarations", column)
    op.create_table(
        "corrections",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("person", SERIAL, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False, comment="who of the staff; empty for the person themself"),
        sa.Column(
            "sealed", sa.LargeBinary(), nullable=False, comment="the values that went, as JSON under the registry key"
        ),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_corrections_person"),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
        comment="what records said before they were mended",
    )
    op.create_index("ix_corrections_person", "corrections", ["person"])


def _of_declarations() -> list[sa.Column[object]]:
    own, aside = "own, other or apart: whose word it is", "stands behind the person's own word"
    sheet = "the form as it was filled in, and by which phone, under the registry key"
    return [
        sa.Column("voice", sa.String(length=8), nullable=False, server_default="own", comment=own),
        sa.Column("aside", sa.Boolean(), nullable=False, server_default=sa.false(), comment=aside),
        sa.Column("counted_symptoms", sa.Text(), comment="JSON list, where it counts for more than it says itself"),
        sa.Column("counted_exposures", sa.Text(), comment="JSON list, likewise"),
        sa.Column("sheet", sa.LargeBinary(), comment=sheet),
    ]
