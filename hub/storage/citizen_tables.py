"""The citizens' own tables: one-time codes that were sent, phones that proved themselves, and unfinished forms."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, SmallInteger, String, Table

from hub.storage.tables import Instant, metadata

onetime_codes = Table(
    "onetime_codes",
    metadata,
    Column("handle", LargeBinary(32), primary_key=True, comment="SHA-256 of what the browser holds"),
    Column("phone", LargeBinary(16), nullable=False, comment="keyed hash"),
    Column("sealed", LargeBinary, comment="the number; gone once the code was used"),
    Column("code", LargeBinary(32), nullable=False, comment="keyed hash, bound to the handle"),
    Column("address", LargeBinary(16), nullable=False, comment="keyed hash of where it was asked from"),
    Column("sent", Instant, nullable=False, index=True),
    Column("expires", Instant, nullable=False),
    Column("tries", SmallInteger, nullable=False),
    Index("ix_onetime_codes_phone_sent", "phone", "sent"),
    Index("ix_onetime_codes_address_sent", "address", "sent"),
)

guests = Table(
    "guests",
    metadata,
    Column("token", LargeBinary(32), primary_key=True, comment="SHA-256 of what the browser holds"),
    Column("sealed", LargeBinary, nullable=False, comment="the phone that was proven, or empty"),
    Column("account", String(63), nullable=False, comment="the official who helps, or empty"),
    Column("shared", Boolean, nullable=False, comment="a computer that other people use too"),
    Column("expires", Instant, nullable=False, index=True),
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", LargeBinary(32), primary_key=True, comment="SHA-256 of what the address holds"),
    Column("owner", LargeBinary(32), nullable=False, index=True, comment="keyed hash of the phone, or the guest"),
    Column("sealed", LargeBinary, nullable=False, comment="what was filled in so far"),
    Column("saved", Instant, nullable=False),
    Column("expires", Instant, nullable=False, index=True),
)
