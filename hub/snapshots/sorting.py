"""Records in order of their places without holding them all: 256 heaps on disk, each sorted by itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, Self

from core import snapshot
from core.snapshot import Record

PIECE_BYTES: Final = 128 << 10
"""A piece is at most this long: two minutes on a line of one kilobyte a second."""

_HEAPS: Final = 256
_TOP_BITS: Final = 63 - 8
_HELD: Final = 64 << 10


class Heaps:
    """Takes records in any order; gives them back in pieces, in order.  A context manager: its files go with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held = [bytearray() for _ in range(_HEAPS)]
        self._files: dict[int, BinaryIO] = {}
        self._stack = ExitStack()
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def add(self, record: Record) -> None:
        """Takes one."""
        heap = record.index >> _TOP_BITS
        held = self._held[heap]
        held += snapshot.write_records((record,))
        self.count += 1
        if len(held) >= _HELD:
            self._file(heap).write(held)
            held.clear()

    def pieces(self) -> Iterator[bytes]:
        """Everything, in order of the places."""
        for heap, held in enumerate(self._held):
            raw = bytes(held)
            if heap in self._files:
                self._files[heap].seek(0)
                raw = self._files[heap].read() + raw
            yield from pieces_of(Record(*record) for record in sorted(snapshot.read_records(raw)))

    def _file(self, heap: int) -> BinaryIO:
        if heap not in self._files:
            self._files[heap] = self._stack.enter_context(
                tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115  # the stack closes it
            )
        return self._files[heap]


def pieces_of(records: Iterable[Record]) -> Iterator[bytes]:
    """Records in pieces of whole records."""
    held: list[Record] = []
    size = 0
    for record in records:
        added = 9 + len(record.entry)
        if size + added > PIECE_BYTES:
            yield snapshot.write_records(held)
            held, size = [], 0
        held.append(record)
        size += added
    if held:
        yield snapshot.write_records(held)
