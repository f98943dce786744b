"""The words people read at a gate: one catalogue a language, each a plain dictionary that a native reader can edit.

Lengths are what fits the 128×64 display; ``tests/core/test_words.py`` and ``tests/station/test_pages.py`` hold them:
a sign's headline has at most 9 characters, its note 15, a reason or hint two lines of 14.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from core.words import en, vi
from core.words.keys import Key, Label, Note

Language = Literal["vi", "en"]

CATALOGUES: Mapping[Language, Mapping[Key, str]] = {"vi": vi.WORDS, "en": en.WORDS}
LANGUAGES: tuple[Language, ...] = ("vi", "en")

__all__ = ["CATALOGUES", "LANGUAGES", "Key", "Label", "Language", "Note", "word"]


def word(key: Key, language: Language) -> str:
    """The words for a sign, outcome, reason, hint, note or label; every language has every key."""
    return CATALOGUES[language][key]
