"""An index of the rows that could not be read, so that finding them does not mean walking whole journals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

UNREAD = sa.text("refused IS NOT NULL")


def upgrade() -> None:
    """Takes the step."""
    key = ["station", "epoch", "seq"]
    op.create_index("ix_journal_rows_refused", "journal_rows", key, sqlite_where=UNREAD, postgresql_where=UNREAD)
