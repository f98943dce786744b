"""Rows that lie in a damaged journal and nowhere else: that file is not deleted while the hub does not hold them.

What salvage could not bring over (it stops where the chain does) can still be exported from the file and imported at
the hub.  That it has been is known from the hub's own word alone.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from core import rows, wire
from station.journal import salvage

log = logging.getLogger(__name__)

_PROBED_AT_MOST = 2_000
"""How many numbers behind the damage are tried when a file cannot be read from its end."""
_COPIED = (
    "SELECT max(gone, held, coalesce((SELECT max(seq) FROM rows WHERE rows.epoch = e.epoch), 0)) FROM epochs e"
    " WHERE epoch = ?"
)


class Rests:
    """What is known of the files that lie aside; in memory, for the hub says again what it holds."""

    def __init__(self) -> None:
        self._lasts: dict[Path, dict[str, int]] = {}
        self._said: dict[str, int] = {}
        self._kept: set[Path] = set()

    def hear(self, mark: wire.HeldMark) -> None:
        """How far the hub holds a journal, also past what this card still has of it."""
        self._said[mark.epoch] = mark.through

    def epochs(self) -> tuple[str, ...]:
        """The journals of which the hub is to be asked, because only a file that is kept has the rest of them."""
        return tuple(sorted({epoch for file in self._kept for epoch in self._lasts.get(file, ())}))

    def without(self, db: sqlite3.Connection, files: Iterable[Path]) -> list[Path]:
        """Those of the files that may go: they are no damaged journals, or all that is in them is here or held."""
        return [file for file in files if ".damaged-" not in file.name or self._may_go(db, file)]

    def _may_go(self, db: sqlite3.Connection, file: Path) -> bool:
        lasts = self._last_rows(file)
        rest = lasts is None or any(self._here(db, epoch) < last for epoch, last in lasts.items())
        if rest and file not in self._kept:
            cure = f"station journal export --sealed --file {file} --to rows.jsonl, then hub import rows.jsonl"
            log.error("a damaged journal has rows that are nowhere else: kept", extra={"file": str(file), "cure": cure})
        (self._kept.add if rest else self._kept.discard)(file)
        return not rest

    def _here(self, db: sqlite3.Connection, epoch: str) -> int:
        found = db.execute(_COPIED, (epoch,)).fetchone()
        return max(self._said.get(epoch, 0), found[0] if found is not None else 0)

    def _last_rows(self, file: Path) -> dict[str, int] | None:
        """The last row of each journal in a file that can be read; None while the disk does not give it."""
        if file not in self._lasts:
            try:
                with contextlib.closing(salvage.opened(file)) as old:
                    self._lasts[file] = {epoch: _last(old, epoch, station) for epoch, station in salvage.named(old)}
            except salvage.CannotRead:
                return None
        return self._lasts[file]


def _last(old: sqlite3.Connection, epoch: str, station: str) -> int:
    """The last row that says itself where it belongs; 0: there is none."""
    backwards = "SELECT seq, raw FROM rows WHERE epoch = ? ORDER BY seq DESC"
    for seq, raw in salvage.readable(old, backwards, epoch):
        if rows.before(raw, station, epoch, seq) is not None:
            return int(seq)
    forwards = "SELECT seq, raw FROM rows WHERE epoch = ? AND seq > ? ORDER BY seq"
    last, after = 0, 0
    while after <= last + _PROBED_AT_MOST:
        for seq, raw in salvage.readable(old, forwards, epoch, after):
            if rows.before(raw, station, epoch, seq) is not None:
                last = after = int(seq)
        after += 1
    return last
