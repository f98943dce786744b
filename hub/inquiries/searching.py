"""Finding a person for an official who gives a reason: by document or insurance number, by phone, by name.

A name is found as people type it: with or without its marks, in any case and order, its words cut short.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec
import sqlalchemy as sa

from core import phones
from core.codes import identity
from core.discreet import Discreet
from core.model import Area, Subject
from hub.province.ties import listed_as
from hub.register import naming
from hub.storage.keyring import Keyring
from hub.storage.tables import declarations, identities, name_words, people

FOUND_AT_MOST = 20
LOOKED_AT = 200
"""So many people who fit are put into order; there are more of "nguyen thi" than anybody reads."""

CANDIDATES = 100_000
"""So many people with the rarest of the typed words are tried for the others."""

COUNTED = 10_000
"""How far words are counted to find the rarest; beyond that the longer one is taken for it."""

LAST_LETTER = "\U0010ffff"
_areas = msgspec.json.Decoder(Area)


class Found(Discreet, frozen=True):
    """One person of the registry, as an official with the right to search sees them."""

    secret: ClassVar = frozenset({"name", "born", "phone", "address"})

    person: int
    key: str
    name: str
    born: str
    sex: str
    phone: str
    address: Area | None


class Search(msgspec.Struct, frozen=True):
    """Who was found; ``more``: others fit as well, and what was typed should say more."""

    people: list[Found]
    more: bool = False


def find(connection: sa.Connection, ring: Keyring, typed: str, born: str = "") -> Search:
    """People by what was typed, ``FOUND_AT_MOST`` at most; ``born`` (a year) narrows a name down."""
    text = " ".join(unicodedata.normalize("NFC", typed).split())
    conditions = [*_by_number(ring, text), *_by_phone(ring, text)]
    if not conditions:
        return _by_name(connection, text, born)
    wanted = sa.select(people).where(sa.or_(*conditions)).order_by(people.c.name, people.c.born, people.c.id)
    return _search(list(connection.execute(wanted.limit(FOUND_AT_MOST + 1))))


def _search(rows: Sequence[sa.Row[Any]]) -> Search:
    return Search([_found(row) for row in rows[:FOUND_AT_MOST]], len(rows) > FOUND_AT_MOST)


def by_number(connection: sa.Connection, ring: Keyring, typed: str) -> str:
    """The person key of whoever a document or insurance number names; empty when it names nobody."""
    conditions = _by_number(ring, " ".join(typed.split()))
    key = connection.scalar(sa.select(people.c.key).where(*conditions)) if conditions else None
    return "" if key is None else key.hex()


def _by_number(ring: Keyring, text: str) -> list[sa.ColumnElement[bool]]:
    found = (identity.document(text), identity.insurance(text))
    digests = [ring.digest(each) for each in found if isinstance(each, Subject)]
    if not digests:
        return []
    owners = sa.select(identities.c.person).where(identities.c.digest.in_(digests), identities.c.retired.is_(None))
    return [people.c.id.in_(owners)]


def _by_phone(ring: Keyring, text: str) -> list[sa.ColumnElement[bool]]:
    number = phones.spell(text)
    if number is None:
        return []
    by_form = sa.select(declarations.c.person).where(declarations.c.phone == ring.phone_digest(number))
    return [people.c.phone == number, people.c.id.in_(by_form)]


def _by_name(connection: sa.Connection, text: str, born: str) -> Search:
    """Whose name is what was typed comes first, then those whose names have a word for each that was typed."""
    wanted = naming.words(text)
    if not any(letter.isalpha() for word in wanted for letter in word):
        return Search([])
    year = people.c.born.startswith(born, autoescape=True)
    whole = of_name(naming.fold(text)).where(year).order_by(people.c.born, people.c.id)
    same = list(connection.execute(whole.limit(FOUND_AT_MOST + 1)))
    if len(same) > FOUND_AT_MOST:
        return _search(same)
    known = {row.id for row in same}
    rows = connection.execute(with_words(connection, wanted).where(year).limit(LOOKED_AT))
    others = {row.id: row for row in rows if row.id not in known}
    return _search([*same, *sorted(others.values(), key=lambda row: (row.folded, row.born, row.id))])


def of_name(folded: str) -> sa.Select[Any]:
    """People whose whole name is this, folded."""
    return sa.select(people).where(people.c.folded == folded)


def with_words(connection: sa.Connection, words: Sequence[str]) -> sa.Select[Any]:
    """People with a word that begins like each of these; read from the rarest one's end of the index."""
    rarest, *others = sorted(words, key=lambda word: (_how_many(connection, word), -len(word)))
    begin = sa.select(name_words.c.person).where(_begins(name_words, rarest)).limit(CANDIDATES).subquery()
    own = [name_words.alias() for _ in others]
    fits = [
        sa.exists().where(each.c.person == begin.c.person, _begins(each, word))
        for each, word in zip(own, others, strict=True)
    ]
    return sa.select(people).join_from(begin, people, people.c.id == begin.c.person).where(*fits)


def _how_many(connection: sa.Connection, word: str) -> int:
    some = sa.select(name_words.c.person).where(_begins(name_words, word)).limit(COUNTED).subquery()
    return connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0


def _begins(table: sa.FromClause, word: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.word >= word, table.c.word < word + LAST_LETTER)


def _found(row: sa.Row[Any]) -> Found:
    address = _areas.decode(row.address) if row.address else None
    return Found(row.id, row.key.hex(), listed_as(row.name, row.key), row.born, row.sex, row.phone, address)
