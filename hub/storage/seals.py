"""The keys that stations seal to, as a running hub holds them: the key folder's first one and those drawn since.

Those drawn since rest in the database, sealed under the registry key, so that every hub on it opens with the same ones
at once.  A key that was erased opens nothing any more, in any hub: its private half is gone from the database, and the
first one's is overwritten in the key folder.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from core import keys


class ErasedKey(ValueError):
    """What was sealed to this key cannot be opened by anybody any more."""


class Seals:
    """Private halves by key id; any thread may look, the newest state is put in whole."""

    def __init__(self, first: bytes) -> None:
        self._first_id = keys.key_id(keys.sealing_public(first))
        self._first = {self._first_id: first}
        self._held: dict[str, bytes] = dict(self._first)
        self._erased: frozenset[str] = frozenset()
        self._began_with = self._first_id

    def put(self, later: Mapping[str, bytes], erased: frozenset[str], began_with: str = "") -> None:
        """Takes in what the database says: keys drawn later, which of all are erased, the id of the very first."""
        every = {**self._first, **later}
        self._held = {name: private for name, private in every.items() if name not in erased}
        self._erased = erased
        self._began_with = began_with or self._first_id

    def candidates(self, named: str) -> Iterator[bytes]:
        """The private keys that may open something: the named one, else the first and then every other."""
        held = self._held
        if named:
            if named in held:
                yield held[named]
            return
        yield from held.values()

    def open(self, box: bytes, context: bytes, named: str) -> bytes:
        """What was sealed to one of them; ``ErasedKey`` or another ``ValueError`` when none held here opens it."""
        if named in self._erased:
            raise ErasedKey("sealed to an erased key")
        for private in self.candidates(named):
            try:
                return keys.open_sealed(private, box, context)
            except ValueError:
                continue
        if not named and self._began_with in self._erased:
            raise ErasedKey("sealed to an erased key")
        raise ValueError("no sealing key held here opens this box")
