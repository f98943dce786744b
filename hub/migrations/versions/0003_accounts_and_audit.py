"""Officers' accounts, their sessions and pauses, and the log of every look-up, which is only appended to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Takes the step."""
    _accounts()
    _audit()
    _only_appended(op.get_bind().dialect.name)
    op.create_index("ix_people_name", "people", ["name"])
    op.create_index("ix_visits_place_at", "visits", ["place", "at"])
    op.create_index("ix_declarations_kind_arrival", "declarations", ["kind", "arrival"])


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False, comment="the official's name and office, as colleagues read it"),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("password", sa.Text(), nullable=False, comment="argon2id"),
        sa.Column(
            "totp",
            sa.LargeBinary(),
            nullable=True,
            comment="the shared secret, readable with the registry key; empty: not asked for",
        ),
        sa.Column("totp_step", sa.BigInteger(), nullable=False, comment="the last time step a code was used for"),
        sa.Column(
            "place",
            sa.String(length=64),
            nullable=False,
            comment="whose gate's rules the check page goes by, or empty",
        ),
        sa.Column(
            "communes", sa.Text(), nullable=False, comment="JSON list of edition/code that this officer answers for"
        ),
        sa.Column("must_change", sa.Boolean(), nullable=False, comment="the password was given by somebody else"),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("disabled", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_accounts"),
    )
    op.create_table(
        "account_sessions",
        sa.Column("token", sa.LargeBinary(length=32), nullable=False, comment="SHA-256 of what the browser holds"),
        sa.Column("account", sa.String(length=63), nullable=False),
        sa.Column("begun", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name="fk_account_sessions_account"),
        sa.PrimaryKeyConstraint("token", name="pk_account_sessions"),
    )
    op.create_index("ix_account_sessions_account", "account_sessions", ["account"])
    op.create_table(
        "sign_in_pauses",
        sa.Column("subject", sa.String(length=96), nullable=False, comment="account/… or address/…"),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_sign_in_pauses"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.String(length=63), nullable=False),
        sa.Column("role", sa.String(length=24), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=24), nullable=False),
        sa.Column(
            "person",
            sa.LargeBinary(length=16),
            nullable=True,
            comment="the person key; empty: nobody in particular, or not found",
        ),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False, comment="JSON, without names and numbers"),
        sa.Column("previous", sa.LargeBinary(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
        comment="only ever appended to; triggers refuse anything else",
    )
    for column in ("at", "account", "person"):
        op.create_index(f"ix_audit_{column}", "audit", [column])


def _only_appended(dialect: str) -> None:
    if dialect == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{what.lower()} BEFORE {what} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_only_appended() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is only appended to'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_appended()"
    )
