"""What is in the rows: each is opened once, in order, proven against the row before it and tied to a person.

Runs after ``intake`` in the same transaction while traffic is light, and behind it while a backlog comes in.  A row
that cannot be read stays where it is, with its cause beside it: that is the dead-letter list.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from core import rows
from core.model import Outcome
from core.wire import Row, Who
from hub.erasure import emptying, ledger, station_erasing
from hub.erasure.emptying import RowKey
from hub.journals import amending, boots, lost, sharing, two_boards
from hub.journals.unsealing import Unreadable, decode, open_who, subjects
from hub.province import ties
from hub.register import sealing
from hub.register.standings import moment
from hub.stations.alarms import raise_alarm
from hub.storage import singly
from hub.storage.keeping_tables import anchors
from hub.storage.keyring import Keyring
from hub.storage.store import insert
from hub.storage.tables import identities, journal_rows, journals, people, visits

log = logging.getLogger(__name__)

SHARE_AT_LEAST = 4
"""Rows read of a journal at a time however many wait: one a statement would take far longer for all of them."""

_WENT_IN = {Outcome.PASS: 1, Outcome.UNVERIFIED: 1, Outcome.WARN: 0}
_DECIDED = {"admitted": 1, "turned-away": -1}


@dataclass(frozen=True, slots=True)
class _Kept:
    seq: int
    raw: bytes
    digest: bytes
    arrived: datetime


@dataclass(frozen=True, eq=False)
class _Visit:
    who: Who | None
    sure: bool  # whether the clock of its row was more than a guess
    arrived: datetime
    columns: dict[str, Any]


@dataclass
class _Journal:
    station: str
    epoch: str
    seq: int
    head: str
    first_at: datetime | None
    last: Row | None = None
    refused: dict[int, str] = field(default_factory=dict)
    visits: list[_Visit] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    amendments: list[Row] = field(default_factory=list)
    boots: list[Row] = field(default_factory=list)
    sure: dict[str, Row] = field(default_factory=dict)  # by boot, the last one with a clock that somebody vouched for

    def part(self) -> _Journal:
        """The same journal before more of its rows are read."""
        return _Journal(self.station, self.epoch, self.seq, self.head, self.first_at, self.last)

    def follow(self, part: _Journal) -> None:
        """Takes over how far a part of it was read, and what was refused there."""
        self.seq, self.head, self.first_at, self.last = part.seq, part.head, part.first_at, part.last
        self.refused |= part.refused


def read_pending(
    connection: sa.Connection, ring: Keyring, at_most: int, now: datetime
) -> tuple[int, set[tuple[str, str]]]:
    """Reads up to ``at_most`` rows; gives how many, and the journals ``(station, epoch)`` that had refused ones.

    Those with the fewest unread rows come first, and none takes more than its share while others wait: what a gate
    records now is read beside the backlog of another that was away for days.
    """
    unread = sa.select(journals).where(journals.c.read_through < journals.c.through).with_for_update()
    fewest = (journals.c.through - journals.c.read_through, journals.c.born, journals.c.station, journals.c.epoch)
    left, troubled = at_most, set()
    waiting = connection.execute(unread.order_by(*fewest)).all()
    if waiting:
        sealing.refresh(connection, ring)
    for others, found in zip(range(len(waiting) - 1, -1, -1), waiting, strict=True):
        journal = _Journal(found.station, found.epoch, found.read_through, found.read_head, found.first_at)
        share = min(left, max(SHARE_AT_LEAST, left // (others + 1)))
        left -= _read_journal(connection, ring, journal, found.through, share, now)
        if journal.refused:
            troubled.add((journal.station, journal.epoch))
        if left <= 0:
            break
    return at_most - left, troubled


def _read_journal(
    connection: sa.Connection, ring: Keyring, journal: _Journal, through: int, at_most: int, now: datetime
) -> int:
    wanted = (
        sa.select(journal_rows.c.seq, journal_rows.c.raw, journal_rows.c.digest, journal_rows.c.arrived)
        .where(journal_rows.c.station == journal.station, journal_rows.c.epoch == journal.epoch)
        .where(journal_rows.c.seq > journal.seq, journal_rows.c.refused.is_(None))
        .order_by(journal_rows.c.seq)
        .limit(at_most)
    )
    found = [_Kept(*row) for row in connection.execute(wanted)]
    end = found[-1].seq if found else journal.seq
    gap = end - journal.seq != len(found) or (len(found) < at_most and end < through)
    ranges = lost.of(connection, journal.station, journal.epoch, journal.seq) if gap else []
    _read_rows(connection, ring, journal, found, ranges, now)
    if len(found) < at_most:
        _pass_lost(journal, ranges, through + 1)
    _move(connection, journal)
    two_boards.notice(connection, journal.last, journal.first_at, now)
    return len(found)


def _read_rows(
    connection: sa.Connection,
    ring: Keyring,
    journal: _Journal,
    found: Sequence[_Kept],
    ranges: list[lost.Range],
    now: datetime,
) -> None:
    def read(several: Sequence[_Kept]) -> None:
        part = journal.part()
        for kept in several:
            _pass_lost(part, ranges, kept.seq)
            _read_row(connection, ring, part, kept, now)
        _write(connection, ring, part, now)
        journal.follow(part)

    for kept, why in singly.keep(connection, found, read):
        _refuse(connection, journal, kept, why)


def _refuse(connection: sa.Connection, journal: _Journal, kept: _Kept, why: str) -> None:
    """Makes a dead letter of a row that says what the database cannot keep, though nobody had thought of that."""
    log.error("a row cannot be kept", extra={"station": journal.station, "seq": kept.seq, "cause": why})
    part = journal.part()
    part.refused[kept.seq] = f"says what cannot be kept ({why})"
    part.seq, part.head = kept.seq, kept.digest.hex()
    _bury(connection, part)
    journal.follow(part)


def _pass_lost(journal: _Journal, ranges: list[lost.Range], seq: int) -> None:
    """Goes on to the row under ``seq`` over what is lost before it; the last lost row's hash is its card's word."""
    for each in ranges:
        end = min(each.last, seq - 1)
        if each.first <= end and journal.seq < end:
            journal.seq, journal.head = end, each.hash if end == each.last else ""


def read_again(
    connection: sa.Connection, ring: Keyring, station: str, epoch: str, seqs: Sequence[int], now: datetime
) -> tuple[int, dict[int, str]]:
    """Reads dead letters of one journal once more; how many, and the causes of those that still cannot be read.

    What the journal says of a row that can be read now (a guard's decision, an amendment) was heard when nothing was
    known of it, and is heard again.
    """
    sealing.refresh(connection, ring)
    own = sa.and_(journals.c.station == station, journals.c.epoch == epoch)
    begun = connection.scalar(sa.select(journals.c.first_at).where(own).with_for_update())
    journal = _Journal(station, epoch, 0, "", begun)
    dead = [_Kept(*row) for row in connection.execute(_dead(journal, seqs))]
    _read_dead(connection, ring, journal, dead, now)
    read = [kept.seq for kept in dead if kept.seq not in journal.refused]
    alive = sa.update(journal_rows).where(_of(journal_rows, journal, journal_rows.c.seq.in_(read)))
    connection.execute(alive.values(refused=None))
    left = sa.select(sa.func.count()).select_from(journal_rows)
    left = left.where(_of(journal_rows, journal, journal_rows.c.refused.is_not(None)))
    values = {"refused": left.scalar_subquery(), "first_at": journal.first_at}
    connection.execute(sa.update(journals).where(own).values(values))
    return len(read), journal.refused


def _read_dead(
    connection: sa.Connection, ring: Keyring, journal: _Journal, dead: Sequence[_Kept], now: datetime
) -> None:
    def read(several: Sequence[_Kept]) -> None:
        part = journal.part()
        for kept in several:
            part.head = _hash_before(connection, part, kept.seq)
            _read_row(connection, ring, part, kept, now)
        seqs = [kept.seq for kept in several if kept.seq not in part.refused]
        for row in amending.about(connection, part.station, part.epoch, seqs):
            (part.decisions if row.type == "decision" else part.amendments).append(row)
        _write(connection, ring, part, now)
        journal.follow(part)

    for kept, why in singly.keep(connection, dead, read):
        _refuse(connection, journal, kept, why)


def _dead(journal: _Journal, seqs: Sequence[int]) -> sa.Select[Any]:
    table = journal_rows.c
    own = _of(journal_rows, journal, table.seq.in_(seqs), table.refused.is_not(None))
    return sa.select(table.seq, table.raw, table.digest, table.arrived).where(own).order_by(table.seq)


def _hash_before(connection: sa.Connection, journal: _Journal, seq: int) -> str:
    """The hash that a row must carry: of the row before it, of the anchor where retention took that one."""
    if seq == 1:
        return rows.genesis(journal.station, journal.epoch)
    before = _of(journal_rows, journal, journal_rows.c.seq == seq - 1)
    if digest := connection.scalar(sa.select(journal_rows.c.digest).where(before)):
        return bytes(digest).hex()
    for each in lost.of(connection, journal.station, journal.epoch, seq - 2):
        if each.first < seq <= each.last + 1:
            return each.hash if each.last == seq - 1 else ""
    return connection.scalar(sa.select(anchors.c.hash).where(_of(anchors, journal, anchors.c.seq == seq - 1))) or ""


def _read_row(connection: sa.Connection, ring: Keyring, journal: _Journal, kept: _Kept, now: datetime) -> None:
    if not kept.raw:  # emptied for somebody's sake before it was read: only its place in the chain is left
        journal.seq, journal.head = kept.seq, kept.digest.hex()
        return
    try:
        row = decode(kept.raw, journal.station, journal.epoch, kept.seq)
        if journal.head and row.previous != journal.head:
            detail = (
                f"row {kept.seq} does not carry the hash of row {kept.seq - 1}: a row was changed, added or removed"
            )
            facts, subject = {"row": str(kept.seq), "before": str(kept.seq - 1)}, f"{journal.epoch}/{kept.seq}"
            raise_alarm(connection, "chain-broken", journal.station, subject, detail, now, facts=facts)
        if not (row.was and _is_held_as_it_was(connection, row)):
            _sort(ring, journal, row, kept.arrived)
        journal.last = row
        if not boots.unsure(row.clock):
            journal.sure[row.clock.boot] = row
        journal.first_at = journal.first_at or row.at
    except Unreadable as cause:
        journal.refused[kept.seq] = str(cause)
    journal.seq, journal.head = kept.seq, kept.digest.hex()


def _sort(ring: Keyring, journal: _Journal, row: Row, arrived: datetime) -> None:
    if row.type == "checkin":
        journal.visits.append(_visit(row, open_who(ring, row), arrived))
    elif row.type == "decision" and row.decision is not None:
        journal.decisions.append(row)
    elif row.type == "amendment" and row.speaks_of[1]:
        journal.amendments.append(row)
    elif boots.is_of_boot(row):
        journal.boots.append(row)


def _is_held_as_it_was(connection: sa.Connection, row: Row) -> bool:
    """Whether a row that its card recorded anew came before it was: then it has been counted."""
    table = journal_rows.c
    was = sa.tuple_(table.epoch, table.seq, table.digest).in_(
        [(each.epoch, each.seq, bytes.fromhex(each.hash)) for each in row.was]
    )
    return connection.scalar(sa.select(table.seq).where(table.station == row.station, was).limit(1)) is not None


def _visit(row: Row, who: Who | None, arrived: datetime) -> _Visit:
    columns = {
        "station": row.station,
        "epoch": row.epoch,
        "seq": row.seq,
        "at": moment(boots.own_time(row), arrived),
        "place": row.place,
        "direction": row.direction.value,
        "outcome": row.outcome.value if row.outcome else "",
        "went_in": _WENT_IN.get(row.outcome, 0) if row.outcome else 0,
        **boots.place_in_boot(row.clock),
    }
    return _Visit(who, row.clock.source != "guess", arrived, columns)


def _write(connection: sa.Connection, ring: Keyring, journal: _Journal, now: datetime) -> None:
    if journal.visits:
        boots.date(connection, journal.station, ((visit.columns, visit.arrived) for visit in journal.visits))
        values = _tied_to_people(connection, ring, journal.visits, now)
        connection.execute(insert(connection, visits).on_conflict_do_nothing(), values)
        sharing.notice(connection, ring, sharing.of_visits(row for row in values if row["dated"]), now)
    boots.learn(connection, journal.boots)
    boots.vouch(connection, journal.sure.values())
    for row in journal.decisions:
        epoch, seq = row.speaks_of
        decided = sa.and_(visits.c.station == row.station, visits.c.epoch == epoch, visits.c.seq == seq)
        connection.execute(sa.update(visits).where(decided).values(went_in=_DECIDED[str(row.decision)]))
    _amend(connection, ring, journal, now)
    _bury(connection, journal)


def _bury(connection: sa.Connection, journal: _Journal) -> None:
    for seq, cause in journal.refused.items():
        dead = _of(journal_rows, journal, journal_rows.c.seq == seq)
        connection.execute(sa.update(journal_rows).where(dead).values(refused=cause))


def date_held(connection: sa.Connection, ring: Keyring, at_most: int, now: datetime) -> bool:
    """Dates up to ``at_most`` held visits whose boot was spoken of, and looks at them; whether there may be more."""
    dated: list[int] = []
    more = boots.date_held(connection, at_most, dated)
    if dated:
        sharing.notice_moved(connection, ring, visits.c.id.in_(dated), now)
    return more


def _amend(connection: sa.Connection, ring: Keyring, journal: _Journal, now: datetime) -> None:
    moved = [row.speaks_of for row in journal.amendments if amending.amend(connection, row)]
    if moved:
        those = sa.tuple_(visits.c.epoch, visits.c.seq).in_(moved)
        sharing.notice_moved(connection, ring, sa.and_(visits.c.station == journal.station, those), now)


def _move(connection: sa.Connection, journal: _Journal) -> None:
    """Notes how far the journal has been read."""
    read = {
        "read_through": journal.seq,
        "read_head": journal.head,
        "first_at": journal.first_at,
        "refused": journals.c.refused + len(journal.refused),
    }
    connection.execute(sa.update(journals).where(_of(journals, journal)).values(read))


def _of(table: sa.Table, journal: _Journal, *more: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.station == journal.station, table.c.epoch == journal.epoch, *more)


def _tied_to_people(
    connection: sa.Connection, ring: Keyring, seen: list[_Visit], now: datetime
) -> list[dict[str, Any]]:
    digests = {visit: [ring.digest(subject) for subject in subjects(visit.who)] for visit in seen if visit.who}
    every = {digest for several in digests.values() for digest in several}
    wanted = sa.select(identities.c.digest, identities.c.person, identities.c.retired).join_from(identities, people)
    staying = wanted.with_for_update(read=True, key_share=True, of=people)  # nobody is erased while being tied to
    found = connection.execute(staying.where(identities.c.digest.in_(every))) if every else ()
    owners = {row.digest: (row.person, row.retired) for row in found}
    _leave_out_erased(connection, ring, digests, now)  # after that lock, so that an erasure it waited for is seen
    owners = ties.tie(connection, ring, (visit.who for visit in digests if visit.who), owners)
    values = []
    for visit in seen:
        names = digests.get(visit, [])
        named = (owners[digest] for digest in names if digest in owners)
        at = visit.columns["at"]
        person = next((person for person, retired in named if retired is None or at <= retired), None)
        identity = names[-1] if names and person is None else None  # to be tied when somebody registers the code
        values.append({**visit.columns, "person": person, "identity": identity})
    return values


def _leave_out_erased(
    connection: sa.Connection, ring: Keyring, digests: dict[_Visit, list[bytes]], now: datetime
) -> None:
    """Empties rows of before their person was erased, which come late or again after a restore: a visit of nobody's."""
    gone = ledger.erased_among(connection, ring, {digest for several in digests.values() for digest in several})
    for visit, names in list(digests.items()):
        last = max((gone[digest] for digest in names if digest in gone), default=None)
        if last is not None and (visit.columns["at"] <= last[0] or not visit.sure):
            del digests[visit]
            row = RowKey(*(visit.columns[part] for part in ("station", "epoch", "seq")))
            emptying.empty(connection, [row], now)
            station_erasing.queue(connection, last[1], [row], now)
