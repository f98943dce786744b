"""How long held rows and day keys stay: counted in time that this station saw pass, so that no clock's leap ends it.

What is noted here lies in one record of a fixed size: a journal that is full must still be able to let rows go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from datetime import datetime

import msgspec

from core import rows

ERASE_AT_ONCE = 500
_DAY = 86_400.0
_LOOK_EVERY = 3_600.0
_BACK = 60.0
"""Seconds that a clock may be put back without having leapt."""
_AWAY = 16 * 3_600.0
"""Seconds that a station may have been off, or its clock put forward, and the time still counts: a night."""
_SHARE = 16
_MOST_MARKS = 40
_ROOM = 3_072
"""Bytes of the record: it never needs another page."""


class Mark(msgspec.Struct, frozen=True, array_like=True):
    """That the hub has held an epoch through a row since a moment (unix seconds, moved along when the clock leaps).

    Of a file that lies aside: that it does, by its name.
    """

    epoch: str
    through: int
    since: float


class Watch(msgspec.Struct, frozen=True):
    """What a station saw of time: when it last looked, since when its clock has not leapt, and the marks; seconds."""

    look: float = 0.0
    steady: float = 0.0
    marks: tuple[Mark, ...] = ()


class Due(msgspec.Struct, frozen=True):
    """What may go now: of each epoch the rows through a number, and the keys of days that are over if ``days``."""

    through: Mapping[str, int]
    days: bool


def watched(
    watch: Watch, now: float, held: Mapping[str, int], keep: float, gone: Mapping[str, int] | None = None
) -> Watch:
    """The watch after a look at ``now``; ``held`` says how far each epoch is held, ``keep`` for how many seconds.

    A mark serves until its rows are ``gone``.  Time in which nobody looked is not counted when it is longer than a
    night: the station was off, or its clock leapt.
    """
    gap = now - watch.look
    leapt = not -_BACK <= gap <= _AWAY
    steady = now if leapt else watch.steady
    moved = gap if leapt else 0.0
    erased = gone or {}
    marks = [
        Mark(mark.epoch, mark.through, mark.since + moved)
        for mark in watch.marks
        # Past what is held: a hub put back from a backup took its word back.
        if erased.get(mark.epoch, 0) < mark.through <= held.get(mark.epoch, 0)
    ]
    newest = {mark.epoch: mark for mark in marks}
    for epoch, through in held.items():
        last = newest.get(epoch)
        fresh = last is None or (last.through < through and now - last.since >= keep / _SHARE)
        if fresh and len(marks) < _MOST_MARKS:
            marks.append(Mark(epoch, through, now))
    same = marks == list(watch.marks) and not leapt
    return Watch(watch.look if same and gap < _LOOK_EVERY else now, steady, tuple(marks))


def due(watch: Watch, now: float, keep: float, *, sure: bool) -> Due:
    """What was kept long enough; the days' keys need a clock that is known to be right, or one steady for a day."""
    through: dict[str, int] = {}
    for mark in watch.marks:
        if mark.since <= now - keep:
            through[mark.epoch] = max(through.get(mark.epoch, 0), mark.through)
    return Due(through, sure or now - watch.steady >= _DAY)


def look(db: sqlite3.Connection, now: datetime, keep: float, *, sure: bool, aside: Collection[str] = ()) -> Due:
    """Takes a look within the caller's transaction and says what may go, also of the files that lie ``aside``."""
    seconds = now.timestamp()
    known = db.execute("SELECT epoch, held, gone FROM epochs WHERE held > gone").fetchall()
    held = {epoch: through for epoch, through, _ in known} | dict.fromkeys(aside, 1)
    before = _read(db)
    after = watched(before, seconds, held, keep, {epoch: gone for epoch, _, gone in known})
    if after != before:
        record = msgspec.json.encode(after).ljust(_ROOM)
        db.execute("INSERT INTO keeping VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET watch = excluded.watch", (record,))
    return due(after, seconds, keep, sure=sure)


def _read(db: sqlite3.Connection) -> Watch:
    found = db.execute("SELECT watch FROM keeping").fetchone()
    try:
        return msgspec.json.decode(found[0], type=Watch) if found is not None else Watch()
    except (ValueError, TypeError):
        return Watch()  # nobody's record: counting begins anew


def erase(db: sqlite3.Connection, through: Mapping[str, int]) -> int:
    """Erases rows within the caller's transaction, the oldest of each epoch first, a bounded number; how many."""
    erased = 0
    for epoch, last in through.items():
        found = db.execute("SELECT gone, min(held, ?) FROM epochs WHERE epoch = ?", (last, epoch)).fetchone()
        if found is not None and erased < ERASE_AT_ONCE:
            gone, end = found
            erased += _erase(db, epoch, gone, end, ERASE_AT_ONCE - erased)
    return erased


def _erase(db: sqlite3.Connection, epoch: str, gone: int, last: int, most: int) -> int:
    """Only the oldest stretch of an epoch may go, so that what stays is still one chain."""
    found = db.execute(
        "SELECT seq, raw FROM rows WHERE epoch = ? AND seq > ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
        (epoch, gone, min(last, gone + most)),
    ).fetchone()
    if found is None:
        return 0
    db.execute("UPDATE epochs SET gone = ?, gone_hash = ? WHERE epoch = ?", (found[0], rows.hash_of(found[1]), epoch))
    db.execute("UPDATE refused SET raw = NULL WHERE epoch = ? AND seq <= ? AND raw IS NOT NULL", (epoch, found[0]))
    return db.execute("DELETE FROM rows WHERE epoch = ? AND seq <= ?", (epoch, found[0])).rowcount
