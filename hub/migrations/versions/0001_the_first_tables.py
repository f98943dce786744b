"""The first tables: registry, fleet, journals as they came, and what was read from them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Takes the step."""
    _registry()
    _declarations()
    _fleet()
    _journals()
    _visits()


def _registry() -> None:
    op.create_table(
        "marks",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_marks"),
        comment="what ties this database to its key folder",
    )
    op.create_table(
        "places",
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("edition", sa.String(length=4), nullable=False),
        sa.Column("province", sa.String(length=8), nullable=False),
        sa.Column("district", sa.String(length=8), nullable=False),
        sa.Column("commune", sa.String(length=8), nullable=False),
        sa.Column("hamlet", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("hours", sa.Text(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_places"),
    )
    op.create_table(
        "people",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column(
            "key", sa.LargeBinary(length=16), nullable=False, comment="opaque, random: joins all of a person's codes"
        ),
        sa.Column("ref", sa.String(length=64), nullable=True, comment="the importing system's own name for the record"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("born", sa.String(length=10), nullable=False, comment="yyyy or yyyy-mm-dd"),
        sa.Column("sex", sa.String(length=8), nullable=False),
        sa.Column("nationality", sa.String(length=8), nullable=False),
        sa.Column("phone", sa.String(length=24), nullable=False),
        sa.Column("address", sa.Text(), nullable=False, comment="an Area as JSON, or empty"),
        sa.Column("guardian", SERIAL, nullable=True, comment="who declares for this person"),
        sa.ForeignKeyConstraint(["guardian"], ["people.id"], name="fk_people_guardian"),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("key", name="uq_people_key"),
        sa.UniqueConstraint("ref", name="uq_people_ref"),
    )
    op.create_table(
        "identities",
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False, comment="keyed hash of scheme and value"),
        sa.Column("person", SERIAL, nullable=False),
        sa.Column("scheme", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="the value, readable with the registry key"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_identities_person"),
        sa.PrimaryKeyConstraint("digest", name="pk_identities"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_identities_person", "identities", ["person"])


def _declarations() -> None:
    op.create_table(
        "declarations",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("person", SERIAL, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("symptoms", sa.Text(), nullable=False, comment="JSON list"),
        sa.Column("exposures", sa.Text(), nullable=False, comment="JSON list"),
        sa.Column("paper", sa.Boolean(), nullable=False),
        sa.Column("arrival", sa.BigInteger(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=False, comment="an Area as JSON, or empty"),
        sa.Column("destination", sa.Text(), nullable=False, comment="an Area as JSON, or empty"),
        sa.Column("details", sa.Text(), nullable=False, comment="the rest of the form as JSON"),
        sa.Column("withdrawn", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_declarations_person"),
        sa.PrimaryKeyConstraint("id", name="pk_declarations"),
        sa.UniqueConstraint("person", "kind", "at", name="uq_declarations_person_kind_at"),
    )
    op.create_table(
        "policies",
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.String(length=96), nullable=False),
        sa.Column("effective", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.Column("document", sa.LargeBinary(), nullable=False, comment="the signed document's JSON"),
        sa.Column("published", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_policies"),
    )
    op.create_index("ix_policies_scope", "policies", ["scope"])


def _fleet() -> None:
    op.create_table(
        "stations",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("token", sa.LargeBinary(length=32), nullable=False, comment="hash of the bearer token"),
        sa.Column(
            "broker_hash", sa.Text(), nullable=False, comment="the same token as mosquitto's password file holds it"
        ),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["place"], ["places.code"], name="fk_stations_place"),
        sa.PrimaryKeyConstraint("name", name="pk_stations"),
        sa.UniqueConstraint("token", name="uq_stations_token"),
    )
    op.create_table(
        "states",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("heard", sa.BigInteger(), nullable=False, comment="by the hub's clock"),
        sa.ForeignKeyConstraint(["station"], ["stations.name"], name="fk_states_station"),
        sa.PrimaryKeyConstraint("station", name="pk_states"),
    )
    op.create_table(
        "sessions",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("first_heard", sa.BigInteger(), nullable=False),
        sa.Column(
            "superseded", sa.BigInteger(), nullable=True, comment="when another session of the same name came online"
        ),
        sa.ForeignKeyConstraint(["station"], ["stations.name"], name="fk_sessions_station"),
        sa.PrimaryKeyConstraint("station", "session", name="pk_sessions"),
    )
    op.create_table(
        "alarms",
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "station", "subject", name="pk_alarms"),
    )


def _journals() -> None:
    op.create_table(
        "journals",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.Column("born", sa.BigInteger(), nullable=False, comment="first heard of, by the hub's clock"),
        sa.Column("first_at", sa.BigInteger(), nullable=True, comment="its first row's own time"),
        sa.Column("through", sa.BigInteger(), nullable=False, comment="held contiguously from 1"),
        sa.Column("waiting", sa.Integer(), nullable=False, comment="rows held beside, out of order"),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("read_through", sa.BigInteger(), nullable=False, comment="opened and tied to people"),
        sa.Column("read_head", sa.String(length=64), nullable=False, comment="hash of the row at read_through"),
        sa.PrimaryKeyConstraint("station", "epoch", name="pk_journals"),
    )
    op.create_table(
        "journal_rows",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False, comment="the exact bytes"),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=True, comment="why it is a dead letter"),
        sa.PrimaryKeyConstraint("station", "epoch", "seq", name="pk_journal_rows"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "waiting_rows",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station", "epoch", "seq", name="pk_waiting_rows"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "conflicting_rows",
        sa.Column("station", sa.String(length=63), nullable=False),
        sa.Column("epoch", sa.String(length=16), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("station", "epoch", "seq", "digest", name="pk_conflicting_rows"),
        comment="rows that came under a number already held with other content",
    )


def _visits() -> None:
    op.create_table(
        "visits",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column(
            "station",
            sa.String(length=63),
            nullable=True,
            comment="empty with epoch and seq for a scan that no station recorded",
        ),
        sa.Column("epoch", sa.String(length=16), nullable=True),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("person", SERIAL, nullable=True),
        sa.Column(
            "identity", sa.LargeBinary(length=16), nullable=True, comment="who it was, while no person is known by it"
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("went_in", sa.SmallInteger(), nullable=False, comment="1 yes, 0 not known, -1 turned away"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_visits_person"),
        sa.PrimaryKeyConstraint("id", name="pk_visits"),
        sa.UniqueConstraint("station", "epoch", "seq", name="uq_visits_station_epoch_seq"),
    )
    op.create_index("ix_visits_identity", "visits", ["identity"])
    op.create_index("ix_visits_person_went_in_at", "visits", ["person", "went_in", "at"])
