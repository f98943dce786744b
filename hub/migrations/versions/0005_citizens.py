"""One-time codes, proven phones, unfinished forms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    _codes()
    op.create_table(
        "guests",
        sa.Column("token", sa.LargeBinary(length=32), nullable=False, comment="SHA-256 of what the browser holds"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="the phone that was proven, or empty"),
        sa.Column("account", sa.String(length=63), nullable=False, comment="the official who helps, or empty"),
        sa.Column("shared", sa.Boolean(), nullable=False, comment="a computer that other people use too"),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", name="pk_guests"),
    )
    op.create_index("ix_guests_expires", "guests", ["expires"])
    owner = "keyed hash of the phone, or the guest"
    op.create_table(
        "drafts",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False, comment="SHA-256 of what the address holds"),
        sa.Column("owner", sa.LargeBinary(length=32), nullable=False, comment=owner),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="what was filled in so far"),
        sa.Column("saved", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_drafts"),
    )
    op.create_index("ix_drafts_owner", "drafts", ["owner"])
    op.create_index("ix_drafts_expires", "drafts", ["expires"])


def _codes() -> None:
    op.create_table(
        "onetime_codes",
        sa.Column("handle", sa.LargeBinary(length=32), nullable=False, comment="SHA-256 of what the browser holds"),
        sa.Column("phone", sa.LargeBinary(length=16), nullable=False, comment="keyed hash"),
        sa.Column("sealed", sa.LargeBinary(), comment="the number; gone once the code was used"),
        sa.Column("code", sa.LargeBinary(length=32), nullable=False, comment="keyed hash, bound to the handle"),
        sa.Column(
            "address", sa.LargeBinary(length=16), nullable=False, comment="keyed hash of where it was asked from"
        ),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("handle", name="pk_onetime_codes"),
    )
    op.create_index("ix_onetime_codes_sent", "onetime_codes", ["sent"])
    op.create_index("ix_onetime_codes_phone_sent", "onetime_codes", ["phone", "sent"])
    op.create_index("ix_onetime_codes_address_sent", "onetime_codes", ["address", "sent"])
