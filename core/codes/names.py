"""Names for the display at a gate: enough for a guard to compare with a face or a card, too little to note down.

Vietnamese names are told apart by their last word, so that word stays; of every word before it the first letter and
the length stay: ``Nguyễn Văn An`` → ``N***** V** An``.  A name of one word keeps its first letter: ``Madonna`` →
``M******`` is cut to ``M*****``, because no run of stars is longer than five.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

LONGEST_INPUT = 256
MOST_WORDS = 6
MOST_STARS = 5
LONGEST_WORD = 16
LONGEST = (MOST_WORDS - 1) * (1 + MOST_STARS + 1) + LONGEST_WORD
"""Letters in the longest masked name."""

UNKNOWN = "*"
_LOST = "\ufffd?"  # what decoders and scanners write for a letter they could not say
_KEPT = "'-" + UNKNOWN

# Windows-1252 as browsers read it: its 27 printable characters in 0x80-0x9f, everything else as in Latin-1.
_WINDOWS = {ord(bytes([b]).decode("cp1252")): b for b in range(0x80, 0xA0) if b not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def mask(name: str) -> str:
    """The masked form of a name, at most ``LONGEST`` letters; masking a masked name changes nothing."""
    words = _words(name)
    if len(words) > MOST_WORDS:
        words = words[: MOST_WORDS // 2] + words[-MOST_WORDS // 2 :]
    if len(words) == 1:
        return _starred(words[0])
    return " ".join([*map(_starred, words[:-1]), *(word[:LONGEST_WORD] for word in words[-1:])])


def mend(name: str) -> str:
    """The name again where its UTF-8 had been read as Windows-1252 or Latin-1, as some scanners' programs do."""
    if name.isascii():
        return name
    try:
        return name.translate(_WINDOWS).encode("latin-1").decode()
    except UnicodeError:
        return name


def damaged(name: str) -> bool:
    """Whether letters of this name were lost or mistaken on the way from the card."""
    return any(letter in _LOST or "\x80" <= letter < "\xa0" for letter in name) or mend(name) != name


def _starred(word: str) -> str:
    return word[0] + UNKNOWN * min(len(word) - 1, MOST_STARS)


def _words(name: str) -> list[str]:
    composed = unicodedata.normalize("NFC", name[:LONGEST_INPUT])
    letters = "".join(map(_letter, composed))
    return unicodedata.normalize("NFC", letters).split()


@lru_cache(4_096)
def _letter(letter: str) -> str:
    """The letter itself; a star where one was lost; nothing for marks and invisible signs; a blank for the rest."""
    if letter.isalpha() or letter in _KEPT:
        return letter
    if letter in _LOST:
        return UNKNOWN
    return "" if unicodedata.category(letter) in ("Mn", "Me", "Cf") else " "
