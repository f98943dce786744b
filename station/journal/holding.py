"""The hub's word about a journal taken: which rows it holds, and whether those are this card's at all.

A card that was set back (a backup, a board that lost power while its card lied) numbers new rows as the lost ones were.
A number alone would have them taken for held, so the mark carries the hash of the last row that the hub holds.  Where
that is not the hash here, or goes past the last row, what the hub does not hold for certain is recorded anew under
another epoch: the same seals and times, and what each row was before, so that the hub counts it once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from msgspec.structs import replace

from core import rows, wire

_AT_ONCE = 500
_CAUSE_AT_MOST = 200
_KNOWN = (
    "SELECT current, gone, gone_hash, held,"
    " max(gone, coalesce((SELECT max(seq) FROM rows WHERE rows.epoch = e.epoch), 0)) FROM epochs e WHERE epoch = ?"
)
_REFUSE = (
    "INSERT OR IGNORE INTO refused VALUES (?1, ?2, ?3, (SELECT raw FROM rows WHERE rows.epoch = ?1 AND rows.seq = ?2))"
)
_LISTED = "SELECT seq FROM refused WHERE epoch = ? AND cause <> ?"
_NEXT = "SELECT seq, at, raw FROM rows WHERE epoch = ? AND seq > ? ORDER BY seq LIMIT ?"


def hold(db: sqlite3.Connection, mark: wire.HeldMark) -> int | None:
    """Notes what the hub holds; the last row that stays as it is when those after it must be recorded anew."""
    found = db.execute(_KNOWN, (mark.epoch,)).fetchone()
    if found is None:
        return None
    _, gone, gone_hash, held, last = found
    if mark.through <= last and not _is_of_others(db, mark, gone, gone_hash):
        db.execute("UPDATE epochs SET held = ? WHERE epoch = ?", (max(0, mark.through), mark.epoch))
        return None
    stays = int(held if held < mark.through else gone)
    db.execute("UPDATE epochs SET held = ? WHERE epoch = ?", (stays, mark.epoch))
    return stays if stays < last or found[0] else None


def as_far_as_here(db: sqlite3.Connection, mark: wire.HeldMark) -> wire.HeldMark:
    """The mark of a journal of which more rows are to come, for those that are here: no sign of a card set back."""
    found = db.execute(_KNOWN, (mark.epoch,)).fetchone()
    last = found[4] if found is not None else 0
    return replace(mark, through=last, hash="") if mark.through > last else mark


def refuse(db: sqlite3.Connection, mark: wire.HeldMark) -> int:
    """Puts the rows that the mark refuses on the list of dead letters; how many were not on it.

    Those that it would name and does not have been replayed at the hub: they leave the list.
    """
    found = db.execute(_KNOWN, (mark.epoch,)).fetchone()
    last = found[4] if found is not None else 0
    named = [refused for refused in mark.refused if 1 <= refused.seq <= last]
    first = min((refused.seq for refused in named), default=1) if mark.refused_older else 1
    told = {refused.seq for refused in named}
    for (seq,) in db.execute(_LISTED, (mark.epoch, wire.CONFLICT)).fetchall():
        if seq not in told and first <= seq < (mark.refused_before or seq + 1):
            db.execute("DELETE FROM refused WHERE epoch = ? AND seq = ?", (mark.epoch, seq))
    return sum(
        db.execute(_REFUSE, (mark.epoch, refused.seq, refused.cause[:_CAUSE_AT_MOST])).rowcount for refused in named
    )


def _is_of_others(db: sqlite3.Connection, mark: wire.HeldMark, gone: int, gone_hash: str) -> bool:
    """Whether the hub's last row is another one than this card has, or had, under its number."""
    if not mark.hash or mark.through < max(gone, 1):
        return False
    at = dict(db.execute("SELECT seq, raw FROM rows WHERE epoch = ? AND seq BETWEEN ? AND ?", _around(mark)))
    own = {rows.hash_of(at[mark.through])} if mark.through in at else {gone_hash}
    if mark.through + 1 in at and (before := _previous(at[mark.through + 1])):
        own.add(before)  # what the row was when the next one was written, should it have been damaged since
    return mark.hash not in own


def _around(mark: wire.HeldMark) -> tuple[str, int, int]:
    return mark.epoch, mark.through, mark.through + 1


def _previous(raw: bytes) -> str:
    try:
        return rows.decode(raw).previous
    except ValueError:
        return ""


def anew(db: sqlite3.Connection, old: str, after: int, link: rows.Link, epoch: str) -> Iterator[rows.Link]:
    """Moves the rows of a journal behind ``after`` to the end of another, which ``link`` is; the link after each."""
    numbers: dict[int, int] = {}
    while found := db.execute(_NEXT, (old, after, _AT_ONCE)).fetchall():
        for after, at, raw in found:
            numbers[after] = link.seq + 1
            fresh = _renewed(raw, rows.Link(link.seq + 1, link.hash), epoch, numbers)
            db.execute("INSERT INTO rows VALUES (?, ?, ?, ?)", (epoch, link.seq + 1, at, fresh))
            link = rows.Link(link.seq + 1, rows.hash_of(fresh))
            yield link
        db.execute("DELETE FROM rows WHERE epoch = ? AND seq <= ? AND seq > ?", (old, after, found[0][0] - 1))


def _renewed(raw: bytes, link: rows.Link, epoch: str, numbers: dict[int, int]) -> bytes:
    """A row in its new place; bytes that are no row any more go along as they are."""
    place = {"epoch": epoch, "seq": link.seq, "previous": str(link.hash)}
    try:
        if rows.is_emptied(raw):
            return wire.encode(replace(rows.decode_emptied(raw), **place))
        row = rows.decode(raw)
    except ValueError:
        return raw
    about = numbers.get(row.about, 0)
    was = wire.Was(row.epoch, row.seq, rows.digest(raw), 0 if about else row.about)
    return wire.encode(replace(row, **place, about=about, was=(*row.was, was)))
