"""The hub's tables, for SQLite and PostgreSQL alike; ``migrations/`` builds them and a test holds the two together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
    true,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime kept as microseconds since 1970: one order and one meaning in every database.

    A moment before or after all that UTC can say (the year 1 at an offset) is the nearest that it can.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Microseconds since 1970."""
        return None if value is None else _within((value - _EPOCH) // _MICROSECOND)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The aware datetime."""
        return None if value is None else _EPOCH + _within(value) * _MICROSECOND


def _within(value: int) -> int:
    return min(max(value, _FIRST), _LAST)


Serial = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself only in an INTEGER key
BYTEWISE = String(64).with_variant(String(64, collation="C"), "postgresql")
"""For what is looked for by range: in bytes' order whatever the database's language, as SQLite's are."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

marks = Table(
    "marks",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    comment="what ties this database to its key folder",
)

places = Table(
    "places",
    metadata,
    Column("code", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("edition", String(4), nullable=False),
    Column("province", String(8), nullable=False),
    Column("district", String(8), nullable=False),
    Column("commune", String(8), nullable=False),
    Column("hamlet", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("hours", Text, nullable=False),
    Column("capacity", Integer),
    Column("contact", Text, nullable=False),
    Column("latitude", Float),
    Column("longitude", Float),
)

people = Table(
    "people",
    metadata,
    Column("id", Serial, primary_key=True),
    Column(
        "key", LargeBinary(16), nullable=False, unique=True, comment="opaque, random: joins all of a person's codes"
    ),
    Column("ref", BYTEWISE, unique=True, comment="the importing system's own name for the record"),
    Column("name", Text, nullable=False),
    Column("born", String(10), nullable=False, comment="yyyy or yyyy-mm-dd"),
    Column("sex", String(8), nullable=False),
    Column("nationality", String(8), nullable=False),
    Column("phone", String(24), nullable=False),
    Column("address", Text, nullable=False, comment="an Area as JSON, or empty"),
    Column("home", String(16), nullable=False, server_default="", comment="the address's lowest code, edition/code"),
    Column("folded", Text, nullable=False, server_default="", comment="the name in small letters without marks"),
    Column("guardian", Serial, ForeignKey("people.id"), comment="who declares for this person"),
    Column("claimed", Instant, comment="a phone took its numbers: it is shown no scans from before"),
    Index("ix_people_phone", "phone"),
    Index("ix_people_folded", "folded"),
    Index("ix_people_home", "home"),
)

name_words = Table(
    "name_words",
    metadata,
    Column("word", BYTEWISE, primary_key=True, comment="of a name, folded"),
    Column("person", Serial, ForeignKey("people.id", ondelete="CASCADE"), primary_key=True),
    Index("ix_name_words_person_word", "person", "word"),
    sqlite_with_rowid=False,
)

identities = Table(
    "identities",
    metadata,
    Column("digest", LargeBinary(16), primary_key=True, comment="keyed hash of scheme and value"),
    Column("person", Serial, ForeignKey("people.id"), nullable=False, index=True),
    Column("scheme", String(16), nullable=False),
    Column("sealed", LargeBinary, nullable=False, comment="the value, readable with the registry key"),
    Column("retired", Instant, comment="from then on it names nobody; earlier scans of it stay its person's"),
    sqlite_with_rowid=False,
)

declarations = Table(
    "declarations",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", Serial, ForeignKey("people.id"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("at", Instant, nullable=False),
    Column("symptoms", Text, nullable=False, comment="JSON list"),
    Column("exposures", Text, nullable=False, comment="JSON list"),
    Column("paper", Boolean, nullable=False),
    Column("arrival", Instant),
    Column("origin", Text, nullable=False, comment="an Area as JSON, or empty"),
    Column("destination", Text, nullable=False, comment="an Area as JSON, or empty"),
    Column("heads", String(16), nullable=False, server_default="", comment="its lowest code, edition/code"),
    Column("details", Text, nullable=False, comment="the rest of the form as JSON"),
    Column("withdrawn", Instant),
    Column("phone", LargeBinary(16), comment="keyed hash of the phone it was declared by"),
    Column("once", LargeBinary(16), comment="hash of the sheet it was written on: one sent twice is one declaration"),
    Column("corrects", BigInteger, comment="the declaration this one takes the place of"),
    Column("typed_by", Text, comment="the account that typed it in"),
    Column("typed", Instant, comment="when it was typed in"),
    Column("expires", Instant, comment="when its signed code ends"),
    Column("voice", String(8), nullable=False, server_default="own", comment="own, other or apart: whose word it is"),
    Column("aside", Boolean, nullable=False, server_default=false(), comment="stands behind the person's own word"),
    Column("counted_symptoms", Text, comment="JSON list, where it counts for more than it says itself"),
    Column("counted_exposures", Text, comment="JSON list, likewise"),
    Column("sheet", LargeBinary, comment="the form as it was filled in, and by which phone, under the registry key"),
    UniqueConstraint("person", "kind", "at"),
    Index("ix_declarations_phone_at", "phone", "at"),
    Index("ix_declarations_once", "once", unique=True),
    Index("ix_declarations_heads_arrival", "heads", "arrival"),
)

corrections = Table(
    "corrections",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("person", Serial, ForeignKey("people.id"), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("account", Text, nullable=False, comment="who of the staff; empty for the person themself"),
    Column("sealed", LargeBinary, nullable=False, comment="the values that went, as JSON under the registry key"),
    comment="what records said before they were mended",
)

declaring_keys = Table(
    "declaring_keys",
    metadata,
    Column("id", String(16), primary_key=True, comment="hex"),
    Column("public", LargeBinary(32), nullable=False),
    Column("sealed", LargeBinary, comment="the private half under the registry key; gone once it is retired"),
    Column("begins", Instant, nullable=False),
    Column("ends", Instant, comment="retired: when the last code it signed has expired"),
)

sealing_keys = Table(
    "sealing_keys",
    metadata,
    Column("id", String(16), primary_key=True, comment="hex"),
    Column("public", LargeBinary(32), nullable=False),
    Column(
        "sealed", LargeBinary, comment="the private half under the registry key; the first one's is in the key folder"
    ),
    Column("begins", Instant, comment="none: the hub began with it"),
    Column("erased", Instant, comment="when its private half was destroyed"),
)

place_keys = Table(
    "place_keys",
    metadata,
    Column("place", String(64), primary_key=True),
    Column("sealed", LargeBinary, nullable=False, comment="under the registry key"),
    Column("drawn", Instant, nullable=False),
)

announcements = Table(
    "announcements",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("document", LargeBinary, nullable=False, comment="which keys stations may believe and seal to, signed"),
    Column("published", Instant, nullable=False),
)

clients = Table(
    "clients",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("token", LargeBinary(32), nullable=False, unique=True, comment="hash of the bearer token"),
    Column("changed", Instant, nullable=False),
    comment="other systems that bring declarations in",
)

replies = Table(
    "replies",
    metadata,
    Column("owner", String(80), primary_key=True, comment="who sent the request"),
    Column("key", String(128), primary_key=True, comment="the sender's own name for the request"),
    Column("request", LargeBinary(32), nullable=False, comment="SHA-256 of what was asked"),
    Column("body", LargeBinary, nullable=False, comment="the answer under the registry key"),
    Column("at", Instant, nullable=False, index=True),
    comment="what was answered to writes that may be sent again",
)

stations = Table(
    "stations",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("place", String(64), ForeignKey("places.code"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("token", LargeBinary(32), nullable=False, unique=True, comment="hash of the bearer token"),
    Column("broker_hash", Text, nullable=False, comment="the same token as mosquitto's password file holds it"),
    Column("changed", Instant, nullable=False),
    Column("home", String(64), comment="where it was registered, while an order has it stand elsewhere"),
    Column("direction", String(8), nullable=False, server_default="", comment="as ordered; empty: as it is configured"),
)

states = Table(
    "states",
    metadata,
    Column("station", String(63), ForeignKey("stations.name"), primary_key=True),
    Column("online", Boolean, nullable=False),
    Column("session", String(64), nullable=False),
    Column("since", Instant, nullable=False),
    Column("version", String(64), nullable=False),
    Column("policy_version", Integer, nullable=False),
    Column("heard", Instant, nullable=False, comment="by the hub's clock"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("station", String(63), ForeignKey("stations.name"), primary_key=True),
    Column("session", String(64), primary_key=True),
    Column("first_heard", Instant, nullable=False),
    Column("superseded", Instant, comment="when another session of the same name came online"),
)

journals = Table(
    "journals",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("born", Instant, nullable=False, comment="first heard of, by the hub's clock"),
    Column("first_at", Instant, comment="its first row's own time"),
    Column("through", BigInteger, nullable=False, comment="held contiguously from 1"),
    Column("waiting", Integer, nullable=False, comment="rows held beside, out of order"),
    Column("refused", Integer, nullable=False),
    Column("read_through", BigInteger, nullable=False, comment="opened and tied to people"),
    Column("read_head", String(64), nullable=False, comment="hash of the row at read_through"),
)

journal_rows = Table(
    "journal_rows",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False, comment="the exact bytes"),
    Column("digest", LargeBinary(32), nullable=False),
    Column("arrived", Instant, nullable=False),
    Column("refused", Text, comment="why it is a dead letter"),
    Index(
        "ix_journal_rows_refused",
        "station",
        "epoch",
        "seq",
        sqlite_where=text("refused IS NOT NULL"),
        postgresql_where=text("refused IS NOT NULL"),
    ),
    sqlite_with_rowid=False,
)

waiting_rows = Table(
    "waiting_rows",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("arrived", Instant, nullable=False),
    sqlite_with_rowid=False,
)

conflicting_rows = Table(
    "conflicting_rows",
    metadata,
    Column("station", String(63), primary_key=True),
    Column("epoch", String(16), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", LargeBinary(32), primary_key=True),
    Column("raw", LargeBinary, nullable=False),
    Column("arrived", Instant, nullable=False),
    comment="rows that came under a number already held with other content",
)

visits = Table(
    "visits",
    metadata,
    Column("id", Serial, primary_key=True),
    Column("station", String(63), comment="empty with epoch and seq for a scan that no station recorded"),
    Column("epoch", String(16)),
    Column("seq", BigInteger),
    Column("person", Serial, ForeignKey("people.id")),
    Column("identity", LargeBinary(16), comment="who it was, while no person is known by it"),
    Column("at", Instant, nullable=False),
    Column("place", String(64), nullable=False),
    Column("direction", String(8), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("went_in", SmallInteger, nullable=False, comment="1 yes, 0 not known, -1 turned away"),
    Column("boot", String(64), comment="of the board, where nobody vouched for its clock; empty: it was sure"),
    Column("uptime", BigInteger, comment="milliseconds that the board had counted in that boot"),
    Column("dated", Boolean, nullable=False, server_default=true(), comment="whether somebody vouches for its moment"),
    Column("unasked", Boolean, nullable=False, server_default=false(), comment="is asked again once it is dated"),
    UniqueConstraint("station", "epoch", "seq"),
    Index("ix_visits_person_went_in_at", "person", "went_in", "at"),
    Index("ix_visits_identity", "identity"),
)

alarms = Table(
    "alarms",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("station", String(63), primary_key=True),
    Column("subject", String(128), primary_key=True),
    Column("detail", Text, nullable=False),
    Column("first", Instant, nullable=False),
    Column("last", Instant, nullable=False),
    Column("times", Integer, nullable=False),
    Column("cleared", Instant, comment="when it was over; nobody need look any more"),
    Column("acknowledged", Instant, comment="when somebody said they had seen it"),
    Column("acknowledged_by", Text, comment="the account that did"),
    Column("facts", Text, nullable=False, server_default="{}", comment="the parts of the detail, to be worded: JSON"),
)

policies = Table(
    "policies",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("scope", String(96), nullable=False, index=True),
    Column("effective", Instant, nullable=False),
    Column("expires", Instant),
    Column("document", LargeBinary, nullable=False, comment="the signed document's JSON"),
    Column("published", Instant, nullable=False),
    Column("author", Text, nullable=False, server_default=""),
    Column("withdrawn", Boolean, nullable=False, server_default=false(), comment="takes its scope's rules back"),
)
