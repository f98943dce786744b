"""Declaring: by which phone, typed in by whom, corrected, retired codes, rotating keys, answers to be given again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step; every new column may be empty, so that SQLite adds it without copying the table."""
    _columns()
    op.create_index("ix_people_phone", "people", ["phone"])
    op.create_index("ix_declarations_phone_at", "declarations", ["phone", "at"])
    op.create_index("ix_declarations_once", "declarations", ["once"], unique=True)
    _tables()


def _columns() -> None:
    op.add_column("places", sa.Column("latitude", sa.Float(), nullable=True))
    op.add_column("places", sa.Column("longitude", sa.Float(), nullable=True))
    retired = "from then on it names nobody; earlier scans of it stay its person's"
    op.add_column("identities", sa.Column("retired", sa.BigInteger(), nullable=True, comment=retired))
    sheet = "hash of the sheet it was written on: one sent twice is one declaration"
    for column in (
        sa.Column("phone", sa.LargeBinary(length=16), comment="keyed hash of the phone it was declared by"),
        sa.Column("once", sa.LargeBinary(length=16), comment=sheet),
        sa.Column("corrects", sa.BigInteger(), comment="the declaration this one takes the place of"),
        sa.Column("typed_by", sa.Text(), comment="the account that typed it in"),
        sa.Column("typed", sa.BigInteger(), comment="when it was typed in"),
        sa.Column("expires", sa.BigInteger(), comment="when its signed code ends"),
    ):
        op.add_column("declarations", column)


def _tables() -> None:
    op.create_table(
        "declaring_keys",
        sa.Column("id", sa.String(length=16), nullable=False, comment="hex"),
        sa.Column("public", sa.LargeBinary(length=32), nullable=False),
        sa.Column(
            "sealed", sa.LargeBinary(), comment="the private half under the registry key; gone once it is retired"
        ),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), comment="retired: when the last code it signed has expired"),
        sa.PrimaryKeyConstraint("id", name="pk_declaring_keys"),
    )
    op.create_table(
        "clients",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("token", sa.LargeBinary(length=32), nullable=False, comment="hash of the bearer token"),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_clients"),
        sa.UniqueConstraint("token", name="uq_clients_token"),
        comment="other systems that bring declarations in",
    )
    op.create_table(
        "replies",
        sa.Column("owner", sa.String(length=80), nullable=False, comment="who sent the request"),
        sa.Column("key", sa.String(length=128), nullable=False, comment="the sender's own name for the request"),
        sa.Column("request", sa.LargeBinary(length=32), nullable=False, comment="SHA-256 of what was asked"),
        sa.Column("body", sa.LargeBinary(), nullable=False, comment="the answer under the registry key"),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "key", name="pk_replies"),
        comment="what was answered to writes that may be sent again",
    )
    op.create_index("ix_replies_at", "replies", ["at"])
