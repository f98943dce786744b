"""Names as officers type them, addresses by their lowest code, and whom each list showed."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT_ONCE = 5_000

WORD = sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql")

people = sa.table("people", *map(sa.column, ("id", "name", "address", "folded", "home")))
declarations = sa.table("declarations", *map(sa.column, ("id", "destination", "heads")))
name_words = sa.table("name_words", *map(sa.column, ("word", "person")))


def upgrade() -> None:
    """Takes the step."""
    folded, home = "the name in small letters without marks", "the address's lowest code, edition/code"
    short, heads = sa.String(length=16), "its lowest code, edition/code"
    op.add_column("people", sa.Column("folded", sa.Text(), nullable=False, server_default="", comment=folded))
    op.add_column("people", sa.Column("home", short, nullable=False, server_default="", comment=home))
    op.add_column("declarations", sa.Column("heads", short, nullable=False, server_default="", comment=heads))
    op.create_table(
        "name_words",
        sa.Column("word", WORD, nullable=False, comment="of a name, folded"),
        sa.Column("person", SERIAL, nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_name_words_person", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("word", "person", name="pk_name_words"),
        sqlite_with_rowid=False,
    )
    _shown()
    _fill(op.get_bind())
    op.create_index("ix_name_words_person_word", "name_words", ["person", "word"])
    op.drop_index("ix_people_name", "people")
    op.create_index("ix_people_folded", "people", ["folded"])
    op.create_index("ix_people_home", "people", ["home"])
    op.create_index("ix_declarations_heads_arrival", "declarations", ["heads", "arrival"])
    op.drop_index("ix_declarations_kind_arrival", "declarations")


def _shown() -> None:
    op.create_table(
        "audit_shown",
        sa.Column("person", sa.LargeBinary(length=16), nullable=False, comment="the person key"),
        sa.Column("seq", sa.BigInteger(), nullable=False, autoincrement=False),
        sa.ForeignKeyConstraint(["seq"], ["audit.seq"], name="fk_audit_shown_seq"),
        sa.PrimaryKeyConstraint("person", "seq", name="pk_audit_shown"),
        comment="whom a list showed; only ever appended to",
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_shown_seq", "audit_shown", ["seq"])
    if op.get_bind().dialect.name == "sqlite":
        for what in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_shown_no_{what.lower()} BEFORE {what} ON audit_shown "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is only appended to'); END"
            )
        return
    op.execute(
        "CREATE TRIGGER audit_shown_only_appended BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_shown "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_appended()"
    )


def _fill(connection: sa.Connection) -> None:
    """Gives everybody who is there already their words and codes, a few thousand at a time."""
    spell = sa.update(people).where(people.c.id == sa.bindparam("one"))
    spell = spell.values(folded=sa.bindparam("spelt"), home=sa.bindparam("area"))
    for rows in _every(connection, people):
        spelt = [{"one": row.id, "spelt": _fold(row.name), "area": _lowest(row.address)} for row in rows]
        connection.execute(spell, spelt)
        pairs = {(word[:64], each["one"]) for each in spelt for word in each["spelt"].split()}
        if pairs:
            connection.execute(sa.insert(name_words), [{"word": word, "person": one} for word, one in pairs])
    lead = sa.update(declarations).where(declarations.c.id == sa.bindparam("one")).values(heads=sa.bindparam("area"))
    for rows in _every(connection, declarations):
        connection.execute(lead, [{"one": row.id, "area": _lowest(row.destination)} for row in rows])


def _every(connection: sa.Connection, table: sa.TableClause) -> Iterator[Sequence[sa.Row[Any]]]:
    last = 0
    following = sa.select(table).where(table.c.id > sa.bindparam("last")).order_by(table.c.id).limit(AT_ONCE)
    while rows := connection.execute(following, {"last": last}).all():
        yield rows
        last = rows[-1].id


def _fold(name: str) -> str:
    letters = unicodedata.normalize("NFD", unicodedata.normalize("NFC", name).casefold()).replace("đ", "d")
    return " ".join("".join(letter for letter in letters if not unicodedata.combining(letter)).split())


def _lowest(area: str) -> str:
    given = json.loads(area) if area else {}
    code = given.get("commune") or given.get("district") or given.get("province") or ""
    return f"{given.get('edition', '63')}/{code}" if code else ""
