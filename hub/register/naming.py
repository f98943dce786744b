"""Names as an official types them: any case, with or without marks, in any order, cut short; and as a list has them.

Every person's name is kept folded beside the one they gave, and word by word, so that a search stands on an index.
"""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa

from core import zones
from core.zones import bare as fold
from hub.storage.tables import name_words

__all__ = ["LONGEST_WORD", "fold", "in_order", "respell", "words"]

LONGEST_WORD = 64

_SHAPES = "\u0306\u0302\u031b"
"""Breve, circumflex and horn: what makes another letter, in the alphabet's order (a ă â, o ô ơ)."""

_TONES = "\u0300\u0309\u0303\u0301\u0323"
"""Huyền, hỏi, ngã, sắc, nặng: what makes no other letter, in a dictionary's order."""

_DIGITS = re.compile(r"[0-9]+")

Order = tuple[tuple[tuple[str, int], ...], tuple[int, ...], str]


def words(name: str) -> list[str]:
    """The different words of a name, folded, in its order."""
    return list(dict.fromkeys(word[:LONGEST_WORD] for word in fold(name).split()))


def respell(connection: sa.Connection, person: int, name: str) -> None:
    """Has a person found by this name from now on, and by no other."""
    connection.execute(sa.delete(name_words).where(name_words.c.person == person))
    if rows := [{"word": word, "person": person} for word in words(name)]:
        connection.execute(sa.insert(name_words), rows)


def in_order(name: str) -> Order:
    """What to sort names by: letters as the Vietnamese alphabet has them, then tones, the same in every database."""
    letters: list[tuple[str, int]] = []
    tones: list[int] = []
    spelt = _DIGITS.sub(lambda digits: digits[0].zfill(9), zones.fold(name))  # 2 before 10
    for each in unicodedata.normalize("NFD", spelt):
        if letters and each in _SHAPES:
            letters[-1] = (letters[-1][0], 1 + _SHAPES.index(each))
        elif letters and unicodedata.combining(each):
            tones[-1] = 1 + _TONES.find(each)
        else:
            letters.append(("d", 1) if each == "đ" else (each, 0))
            tones.append(0)
    return tuple(letters), tuple(tones), name
