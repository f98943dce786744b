"""The station's journal: SQLite, one writing connection, one lock, every row durable before ``append`` returns.

WAL with ``synchronous=FULL``; rows are ``core.wire.Row`` as the exact JSON bytes that are hashed and sent.  Names and
codes never reach the card: identities are sealed to the hub, repeats are kept as day-keyed tags.  ``JournalError``
carries the reason that the fault on the display gives.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from core import rows, wire
from core.model import Subject
from core.movement import Passage
from station.errors import JournalError, JournalInUse
from station.journal import holding, keeping, salvage
from station.journal.days import Days, Tags, names_of
from station.journal.emptying import empty, kept_aside
from station.journal.file import JournalFile
from station.journal.rests import Rests
from station.journal.rows import Chain, Entry, row_of
from station.journal.seals import Seals

__all__ = ["Backlog", "Entry", "Journal", "Pending"]

log = logging.getLogger(__name__)

_FIRST = "SELECT seq, at FROM rows WHERE epoch = ? AND seq > ? ORDER BY seq"


class Pending(msgspec.Struct, frozen=True):
    """Rows of one epoch that the hub does not hold yet, or wants ``again``, oldest first, as they will be sent."""

    station: str
    epoch: str
    first: int
    raws: tuple[bytes, ...]
    again: bool = False
    gone: int = 0  # the last row of its epoch that this card has no more
    gone_hash: str = ""

    @property
    def last(self) -> int:
        """The number of the last of them."""
        return self.first + len(self.raws) - 1

    def is_held_whole(self, mark: wire.HeldMark) -> bool:
        """Whether the hub holds exactly these rows and none behind them, the last of them being ours by its hash."""
        same = (mark.station, mark.epoch, mark.through) == (self.station, self.epoch, self.last)
        return same and mark.hash in ("", rows.hash_of(self.raws[-1]))


class Backlog(msgspec.Struct, frozen=True):
    """How much waits for the hub: rows, and the time of the oldest (unix seconds) or None; and how many it refused."""

    rows: int
    oldest: float | None
    refused: int = 0


class Journal:
    """One station's journal.  What is wrong with it is raised by each ``append``: a gate starts all the same."""

    def __init__(
        self, path: Path, station: str, sealing_key: bytes, *, max_bytes: int | None = None, keep_days: float = 3.0
    ) -> None:
        self.station, self.keep_days = station, keep_days
        self.epoch, self.seq = "", 0
        self._hash = ""
        self._unsettled = False
        self._file = JournalFile(path, max_bytes, self._take_up)
        self._days, self._rests = Days(), Rests()
        self._seals, self._sealed_to = Seals(sealing_key), ""

    def __enter__(self) -> Journal:
        """Opens as far as it can be opened; a fault is logged and kept in ``trouble``.

        ``JournalInUse`` when another service writes it.
        """
        try:
            with self._file.reading():
                pass
        except JournalInUse:
            raise
        except JournalError:
            pass
        self._seals.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Closes; everything appended is already on disk."""
        self._seals.stop()
        self._file.close()

    def seal_to(self, public: bytes, name: str) -> None:
        """Seals rows to another key of the hub's from now on, and names it in them by its id."""
        with self._file.lock:
            self._seals.seal_to(public)
            self._sealed_to = name

    @property
    def trouble(self) -> JournalError | None:
        """What keeps the journal from writing, or None."""
        return self._file.trouble

    @property
    def set_aside(self) -> Path | None:
        """Where a damaged journal was put when this one replaced it."""
        return self._file.set_aside

    def make_ready(self) -> None:
        """Does for the next row what can be done before it comes; to be called when nobody waits."""
        self._seals.make_ready()

    def append(self, entry: Entry) -> wire.Row:
        """The row as recorded, on disk when this returns; ``JournalError`` when it could not be."""
        return self.append_all((entry,))[0]

    def append_all(self, entries: Sequence[Entry]) -> tuple[wire.Row, ...]:
        """The rows as recorded, one behind another, in one transaction: on disk when this returns.

        ``JournalError`` when not all of them could be; then none is.
        """
        if not entries:
            return ()
        with self._file.lock:
            try:
                return self._append(entries)
            except JournalError:
                if not self._file.damaged:
                    raise
                return self._append(entries)

    def _append(self, entries: Sequence[Entry]) -> tuple[wire.Row, ...]:
        try:
            with self._file.transaction() as db:
                self._file.check_quota()
                recorded, end = self._write(db, entries)
        except JournalError:
            self._days.forget()
            raise
        self.seq, self._hash = end.seq, end.hash
        self._file.works()
        return recorded

    def _write(self, db: sqlite3.Connection, entries: Sequence[Entry]) -> tuple[tuple[wire.Row, ...], Chain]:
        """What seals these rows is for them alone: when this fails, other rows may get their numbers."""
        seals = self._seals.fresh()
        chain = Chain(self.station, self.epoch, self.seq, self._hash)
        recorded, lines, goings = [], [], []
        for entry in entries:
            tags = self._tags(db, entry)
            row = row_of(entry, chain, tags[0] if tags else "", seals, self._sealed_to)
            raw = wire.encode(row)
            chain = chain.then(raw)
            recorded.append(row)
            lines.append((chain.epoch, chain.seq, entry.at.timestamp(), raw))
            if entry.admits:
                goings.append((tags, entry.passage))
        db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?)", lines)
        self._days.note(db, goings)
        self._seals.make_ready_aside()
        return tuple(recorded), chain

    def _tags(self, db: sqlite3.Connection, entry: Entry) -> Tags:
        if entry.seen is None:
            return ()
        person = entry.who.person if entry.who is not None else ""
        return self._days.tags(db, names_of(entry.seen, person), entry.at)

    def last_passage(self, subject: Subject, now: datetime, *, person: str = "") -> Passage | None:
        """The last going through by this code, or by this person key when given, today or yesterday at this station.

        None also when the journal cannot be read: the append that follows will say so.
        """
        with contextlib.suppress(JournalError), self._file.reading() as db:
            return self._days.last(db, names_of(subject, person), now)
        return None

    def limit(self, max_bytes: int | None) -> None:
        """Gives the journal another quota in bytes, None for none, from the next row on."""
        self._file.limit(max_bytes)

    def look_after(self) -> None:
        """To be called now and then: brings a deleted journal back, and ends a trouble that is over without a row."""
        self._file.look_after()

    def pending(self, most_rows: int, most_bytes: int) -> Pending | None:
        """The oldest rows that the hub does not hold, older journals of this card first; None: it holds them all.

        Rows under a name that this station no longer has wait: no hub takes them from it.
        """
        with self._file.reading() as db:
            epochs = db.execute(
                "SELECT epoch, held, gone, gone_hash FROM epochs WHERE station = ? ORDER BY current, born",
                (self.station,),
            ).fetchall()
            for epoch, held, gone, gone_hash in epochs:
                found = db.execute(
                    "SELECT seq, raw FROM rows WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
                    (epoch, held, most_rows),
                ).fetchall()
                if found:
                    known = (gone, gone_hash) if gone else (0, "")
                    return Pending(self.station, epoch, found[0][0], _up_to(found, most_bytes), False, *known)
        return None

    def following(self, pending: Pending, most_rows: int, most_bytes: int) -> Pending | None:
        """The rows behind these in the same journal, as many as one batch takes; None: there are none."""
        with self._file.reading() as db:
            found = db.execute(
                "SELECT seq, raw FROM rows WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?",
                (pending.epoch, pending.last, most_rows),
            ).fetchall()
        if not found or found[0][0] != pending.last + 1:
            return None
        return msgspec.structs.replace(pending, first=found[0][0], raws=_up_to(found, most_bytes))

    def epochs(self) -> tuple[str, ...]:
        """The journals of this card that still have rows, older ones first, and those in a damaged file alone."""
        with self._file.reading() as db:
            found = db.execute(
                "SELECT epoch FROM epochs WHERE station = ? AND EXISTS"
                " (SELECT 1 FROM rows WHERE rows.epoch = epochs.epoch) ORDER BY current, born",
                (self.station,),
            )
            here = [epoch for (epoch,) in found]
        return (*here, *(epoch for epoch in self._rests.epochs() if epoch not in here))

    def between(self, epoch: str, first: int, last: int, most_rows: int, most_bytes: int) -> Pending | None:
        """Rows of this station that the hub wants once more, as many as one batch takes; None: there are none left."""
        with self._file.reading() as db:
            found = db.execute(
                "SELECT seq, raw FROM rows JOIN epochs USING (epoch)"
                " WHERE epoch = ? AND station = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
                (epoch, self.station, first, last, most_rows),
            ).fetchall()
        return Pending(self.station, epoch, found[0][0], _up_to(found, most_bytes), again=True) if found else None

    def count_between(self, epoch: str, first: int, last: int) -> int:
        """How many of these rows are still on this card."""
        with self._file.reading() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM rows JOIN epochs USING (epoch)"
                " WHERE epoch = ? AND station = ? AND seq BETWEEN ? AND ?",
                (epoch, self.station, first, last),
            ).fetchone()
        return int(count)

    def empty(self, epoch: str, seqs: Sequence[int]) -> int:
        """Empties rows for somebody's sake, the chain staying whole; how many had anything left."""
        with self._file.transaction() as db:
            return empty(db, epoch, seqs)

    def settle(self) -> int:
        """Has what was erased leave SQLite's log, too; how many damaged journals lie aside, which it does not reach."""
        self._unsettled |= not self._file.settle()
        return kept_aside(self._file.path)

    def hold(self, mark: wire.HeldMark) -> int:
        """Takes the hub's word: rows through ``mark.through`` may go; refused ones stay on the list of dead letters.

        How many of those were not on it yet.

        A mark that goes back (a hub restored from an old backup) makes the rows still kept pending again.  One that
        goes past the last row, or is of another row than this card's, says that this card was: what is not held for
        certain is recorded anew under another epoch, or it would count as held unsent.

        The disk is not waited for: a word that a power cut takes back is told again when the rows come again.
        """
        self._rests.hear(mark)
        try:
            with self._file.unsynced() as db:
                refused = holding.refuse(db, mark)
                if mark.epoch != self.epoch and salvage.waits(self._file.path):
                    mark = holding.as_far_as_here(db, mark)  # the rest of these rows is being copied still
                stays = holding.hold(db, mark)
                if stays is not None:
                    self._record_anew(db, mark, stays)
            if stays is not None:
                self._file.settle()  # no word brings these again: they are on the disk before any of them is sent
            return refused
        except JournalError:
            self._file.take_up()
            raise

    def _record_anew(self, db: sqlite3.Connection, mark: wire.HeldMark, stays: int) -> None:
        if mark.epoch == self.epoch:
            db.execute("UPDATE epochs SET current = 0")
            self._take_up(db)
        before = self.seq
        for link in holding.anew(db, mark.epoch, stays, rows.Link(self.seq, self._hash), self.epoch):
            self.seq, self._hash = link.seq, str(link.hash)
        log.error(
            "the hub holds other rows than this card: it was set back; what it does not hold is recorded anew",
            extra={"journal": mark.epoch, "stays": stays, "rows": self.seq - before, "in": self.epoch},
        )

    def erase(self, now: datetime, *, sure: bool = False) -> int:
        """Erases rows that the hub has held for long enough, and keys of days that are over; the number of rows.

        At most 500 rows a call.  ``sure``: this clock is right by a time server's or the hub's word.  Files that were
        set aside go as well, unless they have rows that are neither here nor held by the hub.
        """
        aside = {file.name: file for file in salvage.kept(self._file.path, "damaged", "replaced")}
        with self._file.transaction() as db:
            keep = self.keep_days * 86_400
            may_go = keeping.look(db, now, keep, sure=sure, aside=aside)
            if may_go.days:
                self._unsettled |= self._days.destroy(db, now)
            erased = keeping.erase(db, may_go.through)
        due = [aside[name] for name in may_go.through if name in aside]
        if due:
            with self._file.reading() as db:
                due = self._rests.without(db, due)
        self._discard(due)
        self._unsettled |= erased > 0
        if self._unsettled and erased < keeping.ERASE_AT_ONCE:
            self._unsettled = not self._file.settle()
        return erased

    def _discard(self, files: Sequence[Path]) -> None:
        for file in files:
            with contextlib.suppress(OSError):  # a disk that may not be written says so elsewhere
                salvage.discard(file)
                log.warning("what was set aside has been kept long enough: deleted", extra={"file": str(file)})
        if files:
            self._file.look_aside()

    def backlog(self) -> Backlog:
        """What waits for the hub; ``JournalError`` when the journal cannot be read.

        Seqs have no holes, so the count is arithmetic; only the oldest row of each epoch is looked at.
        """
        count, oldest = 0, None
        with self._file.reading() as db:
            for epoch, held in db.execute("SELECT epoch, held FROM epochs ORDER BY current DESC, born DESC").fetchall():
                first = db.execute(_FIRST + " ASC LIMIT 1", (epoch, held)).fetchone()
                if first is not None:
                    last = db.execute(_FIRST + " DESC LIMIT 1", (epoch, held)).fetchone()
                    count, oldest = count + last[0] - first[0] + 1, first[1]
            (refused,) = db.execute("SELECT count(*) FROM refused").fetchone()
        return Backlog(count, oldest, refused)

    def _take_up(self, db: sqlite3.Connection) -> None:
        """Finds the end of the chain after each opening, or begins an epoch."""
        self._days.begin()
        found = db.execute(
            "SELECT epoch, gone, gone_hash FROM epochs WHERE current = 1 AND station = ?", (self.station,)
        ).fetchone()
        if found is None:
            epoch = secrets.token_hex(8)
            found = (epoch, 0, rows.genesis(self.station, epoch))
            db.execute("UPDATE epochs SET current = 0")
            db.execute(
                "INSERT INTO epochs (epoch, station, born, current, gone_hash) VALUES (?, ?, ?, 1, ?)",
                (epoch, self.station, time.time(), found[2]),
            )
        self.epoch, self.seq, self._hash = found
        last = db.execute("SELECT seq, raw FROM rows WHERE epoch = ? ORDER BY seq DESC LIMIT 1", (found[0],)).fetchone()
        if last is not None:
            self.seq, self._hash = last[0], rows.hash_of(last[1])


def _up_to(found: Sequence[tuple[int, bytes]], most_bytes: int) -> tuple[bytes, ...]:
    taken: list[bytes] = []
    left = most_bytes
    for expected, (seq, raw) in enumerate(found, start=found[0][0]):
        row = rows.travelling(raw)
        left -= len(row) + 1
        if seq != expected or (left < 0 and taken):
            break
        taken.append(row)
    return tuple(taken)
