"""Runs the steps on the connection that ``hub.storage.store`` hands over, inside its transaction."""

from __future__ import annotations

from alembic import context

from hub.storage import (  # noqa: F401  # their tables join the metadata
    account_tables,
    alarm_tables,
    boot_tables,
    citizen_tables,
    health_tables,
    keeping_tables,
    order_tables,
    second_look_tables,
    snapshot_tables,
)
from hub.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
