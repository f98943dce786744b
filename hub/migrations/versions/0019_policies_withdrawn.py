"""Policies that take their scope's rules back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    about = "takes its scope's rules back"
    withdrawn: sa.Column[bool] = sa.Column(
        "withdrawn", sa.Boolean(), nullable=False, server_default=sa.false(), comment=about
    )
    op.add_column("policies", withdrawn)
