"""The words of the pages: one catalogue a language, in parts; Vietnamese first, and what stands in for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hub.web.words import en, vi

LANGUAGES = ("vi", "en")

CATALOGUES: Mapping[str, Mapping[str, str]] = MappingProxyType({"vi": vi.WORDS, "en": en.WORDS})


def word(language: str, key: str, **values: object) -> str:
    """The words for a key with its placeholders filled; ``KeyError`` for a key that no catalogue has."""
    catalogue = CATALOGUES.get(language, vi.WORDS)
    return (catalogue.get(key) or vi.WORDS[key]).format(**values)
