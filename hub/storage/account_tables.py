"""The officers' own tables, beside ``hub.storage.tables``: accounts, sessions, pauses, and the log of every look-up."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from hub.storage.tables import Instant, metadata, visits

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("shown", Text, nullable=False, comment="the official's name and office, as colleagues read it"),
    Column("role", String(24), nullable=False),
    Column("password", Text, nullable=False, comment="argon2id"),
    Column("totp", LargeBinary, comment="the shared secret, readable with the registry key; empty: not asked for"),
    Column("totp_step", BigInteger, nullable=False, comment="the last time step a code was used for"),
    Column("place", String(64), nullable=False, comment="whose gate's rules the check page goes by, or empty"),
    Column("communes", Text, nullable=False, comment="JSON list of edition/code that this officer answers for"),
    Column("must_change", Boolean, nullable=False, comment="the password was given by somebody else"),
    Column("created", Instant, nullable=False),
    Column("disabled", Instant),
)

account_sessions = Table(
    "account_sessions",
    metadata,
    Column("token", LargeBinary(32), primary_key=True, comment="SHA-256 of what the browser holds"),
    Column("account", String(63), ForeignKey("accounts.name"), nullable=False, index=True),
    Column("begun", Instant, nullable=False),
    Column("seen", Instant, nullable=False),
    Column("address", String(64), nullable=False),
)

sign_in_pauses = Table(
    "sign_in_pauses",
    metadata,
    Column("subject", String(96), primary_key=True, comment="account/… or address/…"),
    Column("failures", Integer, nullable=False),
    Column("last", Instant, nullable=False),
    Column("until", Instant, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False, index=True),
    Column("account", String(63), nullable=False, index=True),
    Column("role", String(24), nullable=False),
    Column("address", String(64), nullable=False),
    Column("action", String(24), nullable=False),
    Column("person", LargeBinary(16), index=True, comment="the person key; empty: nobody in particular, or not found"),
    Column("why", Text, nullable=False),
    Column("detail", Text, nullable=False, comment="JSON, without names and numbers"),
    Column("previous", LargeBinary(32), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    comment="only ever appended to; triggers refuse anything else",
)

audit_shown = Table(
    "audit_shown",
    metadata,
    Column("person", LargeBinary(16), primary_key=True, comment="the person key"),
    Column("seq", BigInteger, ForeignKey("audit.seq"), primary_key=True, autoincrement=False),
    Index("ix_audit_shown_seq", "seq"),
    comment="whom a list showed; only ever appended to",
    sqlite_with_rowid=False,
)

Index("ix_visits_place_at", visits.c.place, visits.c.at)
