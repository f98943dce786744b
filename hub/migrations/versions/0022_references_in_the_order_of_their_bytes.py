"""References of records in the order of their bytes whatever the database's language: they are looked for by range."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step; SQLite has no other order."""
    if op.get_bind().dialect.name == "postgresql":
        kept = "the importing system's own name for the record"
        op.alter_column("people", "ref", type_=sa.String(length=64, collation="C"), existing_comment=kept)
