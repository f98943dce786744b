"""Names as an official types them: any case, with or without marks, in any order, cut short.

Every person's name is kept folded beside the one they gave, and word by word, so that a search stands on an index.
"""

from __future__ import annotations

import sqlalchemy as sa

from core.zones import bare as fold
from hub.storage.tables import name_words

__all__ = ["LONGEST_WORD", "fold", "respell", "words"]

LONGEST_WORD = 64


def words(name: str) -> list[str]:
    """The different words of a name, folded, in its order."""
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in fold(name).split()))


def respell(connection: sa.Connection, person: int, name: str) -> None:
    """Has a person found by this name from now on, and by no other."""
    connection.execute(sa.delete(name_words).where(name_words.c.person == person))
    if rows := [{"word": word, "person": person} for word in words(name)]:
        connection.execute(sa.insert(name_words), rows)
