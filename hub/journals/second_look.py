"""What gates decided without the hub, asked again once their rows are here: a verdict that would have been another one
raises an alert with both.

Each row that a station judged from a snapshot, its memory, a code alone or nothing is judged once more by the policy
version it names, with what the hub knows of that moment: declarations made until then and not withdrawn since, scans of
every gate before it.  It is the hub's own line of work, behind the reading of rows, so that it holds nothing up.

The moment is the one that the station decided by: its clock as the hub had corrected it.  Where nobody vouched for that
clock the row is left until its boot is dated, and asked about then.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from core import policy as verdicts
from core.model import (
    Area,
    DestinationGroup,
    Direction,
    EntryGroup,
    HealthGroup,
    Held,
    Lookup,
    Origin,
    Outcome,
    Reason,
    Standing,
    Verdict,
)
from core.policy import Rules
from core.rules import Policy
from core.wire import Row
from hub import localtime
from hub.journals import boots
from hub.journals.rehearsal import credential_of
from hub.journals.unsealing import Unreadable, decode
from hub.policy import policies
from hub.stations.alarms import raise_alarm
from hub.storage.keyring import Keyring
from hub.storage.second_look_tables import other_verdicts, second_looks
from hub.storage.store import Store, insert, serialize
from hub.storage.tables import declarations, journal_rows, journals, visits
from hub.storage.weather import Weather

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
A_TRANSACTION = 25
GIVES_WAY = 1.0
"""Seconds between two transactions while rows come in: who stands at a gate now goes before what was days ago."""
KEPT = timedelta(days=21)
_JUDGED = frozenset({Outcome.PASS, Outcome.WARN, Outcome.UNVERIFIED})
_areas = msgspec.json.Decoder(Area)
_texts = msgspec.json.Decoder(tuple[str, ...])
_told = msgspec.json.Decoder(Verdict)


class Other(msgspec.Struct, frozen=True):
    """One verdict that would have been another: what was shown, and what the hub would have had shown."""

    station: str
    epoch: str
    seq: int
    at: datetime
    place: str
    shown: Verdict
    known: Verdict


class SecondLook:
    """The loop; ``run`` is its thread's body."""

    def __init__(
        self,
        store: Store,
        ring: Keyring,
        leads: Callable[[], bool] = lambda: True,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store, self._ring, self._leads, self._busy = store, ring, leads, busy
        self._stop = threading.Event()
        self._weather = Weather("offline verdicts cannot be asked again now")

    def stop(self) -> None:
        """Ends the loop."""
        self._stop.set()

    def run(self) -> None:
        """Looks every few seconds; a database that cannot be written is tried again with the next look."""
        while not self._stop.wait(LOOK_SECONDS):
            if self._weather.still_lasts(self._store.reading):
                continue
            with self._weather.outlasting():
                self._look()

    def _look(self) -> None:
        """A few rows at a time, and at most half of the time: the database and this process are also others'."""
        while not self._stop.is_set() and self._leads():
            begun = time.monotonic()
            if not look_again(self._store, self._ring, datetime.now(UTC)):
                return
            self._stop.wait(GIVES_WAY if self._busy() else time.monotonic() - begun)


def look_again(store: Store, ring: Keyring, now: datetime) -> int:
    """Asks again about the next rows that were read, at most a transaction's worth; how many rows were passed."""
    with store.writing() as connection:
        serialize(connection, [b"second look"])  # two hubs would each count what both found
        connection.execute(sa.delete(other_verdicts).where(other_verdicts.c.looked < now - KEPT))
        if dated := connection.execute(_LEFT).all():
            _judge_all(connection, ring, dated, now)
            connection.execute(_is_left([each.id for each in dated], left=False))
            return len(dated)
        journal = _next_journal(connection)
        if journal is None:
            return 0
        row = journal_rows.c
        own = sa.and_(row.station == journal.station, row.epoch == journal.epoch, row.refused.is_(None))
        stretch = row.seq.between(journal.looked + 1, journal.read_through)
        found = connection.execute(_ROWS.where(own, stretch).order_by(row.seq).limit(A_TRANSACTION)).all()
        through = found[-1].seq if len(found) == A_TRANSACTION else journal.read_through
        if left := _judge_all(connection, ring, found, now):
            connection.execute(_is_left(left, left=True))
        values = {"station": journal.station, "epoch": journal.epoch, "through": through}
        statement = insert(connection, second_looks).values(values)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["station", "epoch"], set_={"through": through})
        )
        return int(through - journal.looked)


def listed(connection: sa.Connection, station: str = "", since: datetime | None = None) -> list[Other]:
    """Every verdict that would have been another, newest first."""
    wanted = sa.select(other_verdicts).order_by(other_verdicts.c.at.desc())
    if station:
        wanted = wanted.where(other_verdicts.c.station == station)
    if since is not None:
        wanted = wanted.where(other_verdicts.c.at >= since)
    return [
        Other(row.station, row.epoch, row.seq, row.at, row.place, _told.decode(row.shown), _told.decode(row.known))
        for row in connection.execute(wanted)
    ]


_SAME = sa.and_(*(visits.c[name] == journal_rows.c[name] for name in ("station", "epoch", "seq")))
_COLUMNS = sa.select(
    *(journal_rows.c.station, journal_rows.c.epoch, journal_rows.c.seq, journal_rows.c.raw, journal_rows.c.arrived),
    *(visits.c.person, visits.c.id, visits.c.at, visits.c.boot, visits.c.dated),
)
_ROWS = _COLUMNS.outerjoin_from(journal_rows, visits, _SAME)
_LEFT = (
    _COLUMNS.join_from(visits, journal_rows, _SAME)
    .where(visits.c.unasked, visits.c.dated)
    .order_by(visits.c.id)
    .limit(A_TRANSACTION)
)


def _is_left(ids: Sequence[int], *, left: bool) -> sa.Update:
    return sa.update(visits).where(visits.c.id.in_(ids)).values(unasked=left)


def _next_journal(connection: sa.Connection) -> sa.Row[*tuple[Any, ...]] | None:
    looked = sa.func.coalesce(second_looks.c.through, 0)
    same = sa.and_(second_looks.c.station == journals.c.station, second_looks.c.epoch == journals.c.epoch)
    columns = (journals.c.station, journals.c.epoch, journals.c.read_through, looked.label("looked"))
    wanted = sa.select(*columns).select_from(journals.outerjoin(second_looks, same))
    return connection.execute(wanted.where(journals.c.read_through > looked).limit(1)).first()


def _judge_all(
    connection: sa.Connection, ring: Keyring, found: Iterable[sa.Row[*tuple[Any, ...]]], now: datetime
) -> list[int]:
    """Gives the visits that are left until their boot is dated.  A policy is read once for all rows that name it."""
    held: dict[int, Policy | None] = {}
    turned: dict[str, list[Other]] = {}
    left = []
    for each in found:
        row = _without_hub(each)
        if row is None or row.outcome is None:
            continue
        at = _decided(row, each)
        if at is None:
            left += [each.id] if each.boot is not None and not each.dated else []
            continue
        if row.policy_version not in held:
            version = policies.version(connection, ring, row.policy_version)
            held[row.policy_version] = version.policy if version is not None else None
        known = _verdict(connection, row, at, each.person, held[row.policy_version])
        if _is_other(row.outcome, known.outcome):
            shown = Verdict(row.outcome, row.reasons)
            other = Other(row.station, row.epoch, row.seq, at, row.place, shown, known)
            turned.setdefault(row.station, []).append(other)
    for station, others in turned.items():
        _note(connection, station, others, now)
    return left


def _decided(row: Row, found: sa.Row[*tuple[Any, ...]]) -> datetime | None:
    """When the station gave its verdict; None while that is not known.

    A visit that stands at its row's arrival had a moment that no look-up goes back to, or one of after it.
    """
    if not found.dated:
        return None
    at: datetime = found.at
    if at != found.arrived:
        return at
    return None if boots.unsure(row.clock) else boots.own_time(row)


def _without_hub(found: sa.Row[*tuple[Any, ...]]) -> Row | None:
    """The row, if a verdict was given in it that the hub had no part in, on a person."""
    if not found.raw or found.id is None:
        return None
    try:
        row = decode(found.raw, found.station, found.epoch, found.seq)
    except Unreadable:  # an earlier version of this program could
        return None
    if row.outcome not in _JUDGED or len(row.groups) != 3 or not row.policy_version or not row.sealed:
        return None
    return None if any(group.origin is Origin.HUB for group in row.groups[1:]) else row


def _is_other(shown: Outcome, known: Outcome) -> bool:
    """An unverified passage is another verdict only when the person would have been warned."""
    return known is Outcome.WARN if shown is Outcome.UNVERIFIED else shown is not known


def _verdict(connection: sa.Connection, row: Row, at: datetime, person: int | None, policy: Policy | None) -> Verdict:
    rules = Rules.of(policy, row.gate, row.place, row.direction)
    hub = Held(Origin.HUB, at)
    standing = None if person is None else _standing(connection, person, at)
    lookup = Lookup(standing, hub, hub, hub, found=standing is not None)
    remarks = {Reason.NOT_FOUND, Reason.HELD_ANSWER, Reason.HUB_UNREACHABLE}
    asked = msgspec.structs.replace(row, reasons=tuple(one for one in row.reasons if one not in remarks))
    return verdicts.decide(credential_of(asked), lookup, rules, at)


def _standing(connection: sa.Connection, person: int, at: datetime) -> Standing:
    """What was known of a person at that moment, as far as the registry still tells."""
    health, entry = (_declared(connection, person, kind, at) for kind in ("health", "entry"))
    before = sa.and_(visits.c.person == person, visits.c.went_in == 1, visits.c.at < at, visits.c.dated)
    visit = connection.execute(sa.select(visits).where(before).order_by(visits.c.at.desc()).limit(1)).first()
    return Standing(
        person="",
        as_of=at,
        destination=None if visit is None else DestinationGroup(visit.at, visit.place, "", Direction(visit.direction)),
        health=None if health is None else HealthGroup(health.at, *_marks(health), paper=health.paper),
        entry=None if entry is None else _entered(entry),
    )


def _declared(connection: sa.Connection, person: int, kind: str, at: datetime) -> sa.Row[*tuple[Any, ...]] | None:
    table = declarations.c
    own = sa.and_(table.person == person, table.kind == kind, table.at <= at, table.withdrawn.is_(None), ~table.aside)
    return connection.execute(sa.select(declarations).where(own).order_by(table.at.desc()).limit(1)).first()


def _marks(declared: sa.Row[*tuple[Any, ...]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _texts.decode(declared.symptoms), _texts.decode(declared.exposures)


def _entered(entry: sa.Row[*tuple[Any, ...]]) -> EntryGroup:
    symptoms, exposures = _marks(entry)
    return EntryGroup(
        at=entry.at,
        arrival=entry.arrival,
        origin=_areas.decode(entry.origin) if entry.origin else None,
        before_return=None if entry.arrival is None else entry.at <= entry.arrival,
        symptoms=symptoms,
        exposures=exposures,
    )


def _note(connection: sa.Connection, station: str, others: list[Other], now: datetime) -> None:
    values = [
        {
            **msgspec.structs.asdict(each),
            "shown": msgspec.json.encode(each.shown).decode(),
            "known": msgspec.json.encode(each.known).decode(),
            "looked": now,
        }
        for each in others
    ]
    connection.execute(insert(connection, other_verdicts).on_conflict_do_nothing(), values)
    for day in sorted({localtime.there(each.at).date() for each in others}):
        of_day = [each for each in others if localtime.there(each.at).date() == day]
        let_in = sum(each.shown.outcome is not Outcome.WARN for each in of_day)
        detail = (
            f"{let_in} let in without the hub who would have been warned, "
            f"{len(of_day) - let_in} warned who would have passed, among the rows last read"
        )
        one = of_day[-1]
        facts = {"let_in": str(let_in), "warned": str(len(of_day) - let_in), "row": str(one.seq)}
        facts |= {"shown": one.shown.outcome.value, "known": one.known.outcome.value}
        raise_alarm(connection, "other-verdict", station, day.isoformat(), detail, now, facts=facts)
