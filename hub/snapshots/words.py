"""The numbers of places and areas: given once, never changed, so that a delta needs to bring the new ones only."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import sqlalchemy as sa

from core.packing import WORDS_AT_MOST, Word
from hub.errors import DataError
from hub.storage.snapshot_tables import snapshot_words
from hub.storage.store import Store

WORDS_A_PIECE = 1_000

_decode = msgspec.json.Decoder(Word).decode


class Words:
    """Every word that has a number; ``keep`` writes the new ones down, before anything that names them is published."""

    def __init__(self, store: Store) -> None:
        self._store = store
        with store.reading() as connection:
            rows = connection.execute(sa.select(snapshot_words.c.word, snapshot_words.c.number))
            self._numbers: dict[str, int] = {row.word: row.number for row in rows}
        self.last = max(self._numbers.values(), default=0)
        self._kept = self.last

    def number(self, word: Word) -> int:
        """A word's number; ``DataError`` when there are more words than numbers."""
        text = msgspec.json.encode(word).decode()
        number = self._numbers.get(text)
        if number is None:
            number = self.last + 1
            if number > WORDS_AT_MOST:
                raise DataError(["more places and areas than a snapshot can name"])
            self._numbers[text] = self.last = number
        return number

    def keep(self) -> None:
        """Writes down what is new."""
        new = [{"number": number, "word": text} for text, number in self._numbers.items() if number > self._kept]
        if new:
            with self._store.writing() as connection:
                connection.execute(sa.insert(snapshot_words), new)
            self._kept = self.last

    def pieces(self, after: int) -> Iterator[bytes]:
        """The words with numbers past ``after``, as pieces of a content."""
        wanted = sorted((number, text) for text, number in self._numbers.items() if number > after)
        for start in range(0, len(wanted), WORDS_A_PIECE):
            some = [(number, _decode(text)) for number, text in wanted[start : start + WORDS_A_PIECE]]
            yield msgspec.json.encode(some)
