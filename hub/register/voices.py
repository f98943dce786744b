"""Whose word a declaration is, and what a person's declarations say together.

Relatives declare for each other, so a declaration by another phone counts; a stranger must not be able to clear what
the person said themself, nor to put another journey in the place of theirs.  Hence:

- one's own word (the record's phone, staff, an import) replaces everything older;
- what other phones say after it is *added*: symptoms and exposures are united until the person or an officer speaks;
- another phone's entry stands only where the person declared none of their own lately;
- under another name or year of birth than the record's it counts for nobody.

What comes of it is kept with the newest declaration of each kind, so that a look-up has nothing to put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Any

import msgspec
import sqlalchemy as sa

from core.model import DeclarationKind
from core.rules import EXPOSURES, SYMPTOMS
from hub.storage.store import serialize
from hub.storage.tables import declarations, people

CARRIED = timedelta(days=21)
"""For so long one's own word is carried into what others say after it: as long as a signed code lives."""

_ORDER = {name: place for place, name in enumerate((*SYMPTOMS, *EXPOSURES))}
_texts = msgspec.json.Decoder(tuple[str, ...])

Row = sa.Row[Any]


class Voice(StrEnum):
    """Whose word a declaration is, seen from the record it is about."""

    OWN = "own"  # the record's own phone, staff, or an import
    OTHER = "other"  # another phone that knows name and year of birth
    APART = "apart"  # another phone that does not: it counts for nobody


def hold(connection: sa.Connection, *persons: int) -> None:
    """Has whoever else writes about what these people declared wait until this transaction ends.

    Call it once for all of them, after the locks of numbers and phones and before any row of theirs is locked or
    changed: who keeps to that order waits for nobody who waits for them.
    """
    serialize(connection, [b"voices %d" % person for person in persons])


def weigh(connection: sa.Connection, person: int) -> None:
    """Works out anew what a person's declarations say together; call it after any of them changed."""
    hold(connection, person)
    own = sa.and_(declarations.c.person == person, declarations.c.withdrawn.is_(None))
    newest_first = sa.select(declarations).where(own).order_by(declarations.c.at.desc(), declarations.c.id.desc())
    rows = [row for row in connection.execute(newest_first) if row.voice != Voice.APART]
    if all(row.voice == Voice.OWN and row.counted_symptoms is None for row in rows):
        return
    word = next((row for row in rows if row.voice == Voice.OWN), None)
    entry = _entry(rows)
    standing = [entry, next((row for row in rows if row.kind == DeclarationKind.HEALTH.value), None)]
    said = _said(rows, word)
    for row in rows:
        stands = row in standing and (word is None or row.at >= word.at)
        _put(connection, row, (*said, row) if stands else (), is_aside=_is_aside(row, entry))


def _entry(rows: Sequence[Row]) -> Row | None:
    """The declaration of entry that stands: the person's own unless it is long before the newest."""
    entries = [row for row in rows if row.kind == DeclarationKind.ENTRY.value]
    own = (row for row in entries if row.voice == Voice.OWN and entries[0].at - row.at <= CARRIED)
    return next(own, entries[0] if entries else None)


def _is_aside(row: Row, entry: Row | None) -> bool:
    return row.kind == DeclarationKind.ENTRY.value and entry is not None and row.at > entry.at


def _said(rows: Sequence[Row], word: Row | None) -> list[Row]:
    """The person's own last word and what others said after it."""
    later = [row for row in rows if word is None or row.at >= word.at]
    return [row for row in later if rows[0].at - row.at <= CARRIED]


def _put(connection: sa.Connection, row: Row, said: Sequence[Row], *, is_aside: bool) -> None:
    symptoms = _counted(row.symptoms, [each.symptoms for each in said])
    exposures = _counted(row.exposures, [each.exposures for each in said])
    values = {"aside": is_aside, "counted_symptoms": symptoms, "counted_exposures": exposures}
    if any(getattr(row, name) != value for name, value in values.items()):
        connection.execute(sa.update(declarations).where(declarations.c.id == row.id).values(values))


def _counted(typed: str, said: Iterable[str]) -> str | None:
    """All that was said, as JSON; None when the declaration itself says it all."""
    every = {name for text in said for name in _texts.decode(text)}
    if not every - set(_texts.decode(typed)):
        return None
    return msgspec.json.encode(sorted(every, key=lambda name: (_ORDER.get(name, len(_ORDER)), name))).decode()


def of_record(connection: sa.Connection, person: int) -> list[Row]:
    """What other phones declared about a person and nobody withdrew, newest first."""
    others = sa.and_(declarations.c.voice != Voice.OWN.value, declarations.c.withdrawn.is_(None))
    wanted = sa.select(declarations).where(declarations.c.person == person, others)
    return list(connection.execute(wanted.order_by(declarations.c.at.desc())))


def spoken(connection: sa.Connection, key: bytes) -> frozenset[DeclarationKind]:
    """The kinds that other phones declared since the last own word of whoever has this key."""
    live = sa.and_(people.c.key == key, declarations.c.withdrawn.is_(None), declarations.c.voice != Voice.APART.value)
    newest_first = sa.select(declarations.c.kind, declarations.c.voice).join_from(declarations, people).where(live)
    rows = connection.execute(newest_first.order_by(declarations.c.at.desc(), declarations.c.id.desc()))
    return frozenset(DeclarationKind(row.kind) for row in takewhile(lambda row: row.voice == Voice.OTHER, rows))


def marks(row: Row) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Symptoms and exposures that a declaration counts for."""
    symptoms, exposures = row.counted_symptoms or row.symptoms, row.counted_exposures or row.exposures
    return _texts.decode(symptoms), _texts.decode(exposures)
