"""A new policy tried on the last day's recorded check-ins: which of them would have ended otherwise.

A row holds the outcome, the three groups' dates and origins, the way and the policy's version.  It does not hold what
the declarations said, nor which place the last scan was at: those are taken from the registry as it is now, and are
missing where somebody was erased since.  It does not hold a signed code's own dates either.  So each check-in is first
judged again by the policy it was judged by; where that does not end as recorded, too little is known and it is left
out, and counted as left out.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Container, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from core import policy as verdicts
from core.model import (
    Area,
    CodeKind,
    Credential,
    DeclarationKind,
    DestinationGroup,
    Direction,
    EntryGroup,
    GateKind,
    HealthGroup,
    Held,
    Lookup,
    Origin,
    Outcome,
    Reason,
    Scheme,
    SignatureState,
    Signed,
    Standing,
    Subject,
    Verdict,
)
from core.policy import Rules
from core.rules import UNSPECIFIED, Policy
from core.wire import Row, RowGroup
from hub.journals.unsealing import Unreadable, decode
from hub.policy import policies
from hub.register import voices
from hub.stations.fleet import Gate, Tokens
from hub.storage.keyring import Keyring
from hub.storage.tables import declarations, journal_rows, visits

LOOKS_BACK = timedelta(days=1)
AT_MOST = 20_000
"""The newest check-ins that are tried; a page waits for them."""
_PAIRS = 400  # of person and moment in one statement
_JUDGED = frozenset({Outcome.PASS, Outcome.WARN, Outcome.UNVERIFIED})
_SIGNED = {Reason.SIGNATURE_REFUSED: SignatureState.REFUSED, Reason.SIGNER_UNKNOWN: SignatureState.SIGNER_UNKNOWN}
_REMARKS = (Reason.PLACEHOLDER_NUMBER, Reason.MASKED_NUMBER)
_areas = msgspec.json.Decoder(Area)


class Turn(msgspec.Struct, frozen=True):
    """Check-ins that would end otherwise: how many, at which gates, from what to what and why."""

    kind: GateKind
    was: Outcome
    becomes: Outcome
    reasons: tuple[Reason, ...]
    times: int


class Rehearsal(msgspec.Struct, frozen=True):
    """What came of a trial; ``elsewhere`` were at gates that another policy speaks to, ``unlike`` were left out."""

    since: datetime
    judged: int
    turns: tuple[Turn, ...]
    elsewhere: int
    unlike: int

    @property
    def turned(self) -> int:
        """How many would end otherwise."""
        return sum(turn.times for turn in self.turns)


class _Seen(NamedTuple):
    row: Row
    person: int | None


Found = sa.Row[Any]  # of visits or declarations
Known = Mapping[tuple[int, str, datetime], Found]


def rehearse(
    connection: sa.Connection, ring: Keyring, draft: Policy, now: datetime, at: Container[str] | None = None
) -> Rehearsal:
    """Tries a draft on the last day's check-ins at the gates it would speak to, or at those of them named in ``at``."""
    since = now - LOOKS_BACK
    gates = _gates(connection)
    ruling = {scope for scope, each in policies.in_force(connection, now).items() if not each.withdrawn}
    seen = _seen(connection, since)
    here = [each for each in seen if _reaches(draft, gates.get(each.row.station), ruling - {draft.scope}, at)]
    known = _known(connection, here)
    before = _before(connection, ring, {each.row.policy_version for each in here})
    turns: Counter[tuple[GateKind, Outcome, Outcome, tuple[Reason, ...]]] = Counter()
    unlike = 0
    for each in here:
        was, becomes = _judge(each, known, before.get(each.row.policy_version)), _judge(each, known, draft)
        if was.outcome is not each.row.outcome:
            unlike += 1
        elif becomes.outcome is not was.outcome:
            turns[each.row.gate, was.outcome, becomes.outcome, becomes.reasons] += 1
    sorted_turns = tuple(Turn(*key, times) for key, times in turns.most_common())
    return Rehearsal(since, len(here) - unlike, sorted_turns, len(seen) - len(here), unlike)


def _before(connection: sa.Connection, ring: Keyring, numbers: Iterable[int]) -> dict[int, Policy]:
    """The policies that the check-ins were judged by, by version."""
    found = ((number, policies.version(connection, ring, number)) for number in numbers)
    return {number: version.policy for number, version in found if version is not None}


def _gates(connection: sa.Connection) -> dict[str, Gate]:
    tokens = Tokens()
    tokens.reload(connection)
    return {gate.name: gate for gate in tokens.all}


def _reaches(draft: Policy, gate: Gate | None, others: set[str], at: Container[str] | None) -> bool:
    scopes = gate.scopes if gate is not None and (at is None or gate.name in at) else ()
    return next((scope for scope in scopes if scope == draft.scope or scope in others), None) == draft.scope


def _seen(connection: sa.Connection, since: datetime) -> list[_Seen]:
    row = journal_rows.c
    same = sa.and_(row.station == visits.c.station, row.epoch == visits.c.epoch, row.seq == visits.c.seq)
    wanted = (
        sa.select(row.station, row.epoch, row.seq, row.raw, visits.c.person)
        .join_from(visits, journal_rows, same)
        .where(visits.c.at >= since, sa.func.length(row.raw) > 0)
        .order_by(visits.c.at.desc())
        .limit(AT_MOST)
    )
    seen = []
    for found in connection.execute(wanted):
        with contextlib.suppress(Unreadable):  # an earlier version of this program could read it
            each = decode(found.raw, found.station, found.epoch, found.seq)
            if each.outcome in _JUDGED and len(each.groups) == 3:
                seen.append(_Seen(each, found.person))
    return seen


def _known(connection: sa.Connection, seen: Iterable[_Seen]) -> Known:
    """What the registry says of the groups that the rows date: by person, group and moment."""
    wanted: dict[str, set[tuple[int, datetime]]] = {"destination": set(), "health": set(), "entry": set()}
    for each in seen:
        for pairs, group in zip(wanted.values(), each.row.groups, strict=True):
            if each.person is not None and group.at is not None:
                pairs.add((each.person, group.at))
    known: dict[tuple[int, str, datetime], Found] = {}
    for name, pairs in wanted.items():
        table = visits if name == "destination" else declarations
        more = () if name == "destination" else (table.c.kind == name,)
        for chunk in _chunks(sorted(pairs)):
            of = sa.tuple_(table.c.person, table.c.at).in_(chunk)
            for found in connection.execute(sa.select(table).where(of, *more)):
                known[found.person, name, found.at] = found
    return known


def _chunks(pairs: list[tuple[int, datetime]]) -> Iterable[list[tuple[int, datetime]]]:
    return (pairs[start : start + _PAIRS] for start in range(0, len(pairs), _PAIRS))


def _judge(seen: _Seen, known: Known, policy: Policy | None) -> Verdict:
    row = seen.row
    rules = Rules.of(policy, row.gate, row.place, row.direction)
    return verdicts.decide(credential_of(row), _lookup(seen, known), rules, row.at)


def credential_of(row: Row) -> Credential:
    """As much of the code that was shown as its row tells: its kind, and what was wrong with it."""
    remark = next((reason for reason in _REMARKS if reason in row.reasons), None)
    nobody = remark is not None or (Reason.NOT_FOUND in row.reasons and not _asked(row))
    kind = row.code_kind or CodeKind.OPAQUE
    signed = None
    if kind in (CodeKind.DECLARATION, CodeKind.EU_DCC):
        state = next((_SIGNED[reason] for reason in row.reasons if reason in _SIGNED), SignatureState.VERIFIED)
        declares = DeclarationKind.HEALTH if kind is CodeKind.DECLARATION else None
        signed = Signed(state, "", None, None, declares)
    return Credential(kind, None if nobody else Subject(Scheme.PERSON, ""), remark=remark, signed=signed)


def _asked(row: Row) -> bool:
    return any(group.origin is not Origin.NONE for group in row.groups)


def _lookup(seen: _Seen, known: Known) -> Lookup:
    row = seen.row
    destination, health, entry = row.groups
    standing = Standing(
        person="",
        as_of=row.at,
        destination=_destination(destination, _of(known, seen, "destination", destination)),
        health=_health(row, health, _of(known, seen, "health", health)),
        entry=_entry(row, entry, _of(known, seen, "entry", entry)),
    )
    unknown = Reason.NOT_FOUND in row.reasons
    answered = any(group.origin is Origin.HUB for group in row.groups)
    return Lookup(
        standing=None if unknown else standing,
        destination=Held(destination.origin, destination.as_of),
        health=Held(health.origin, health.as_of),
        entry=Held(entry.origin, entry.as_of),
        found=False if unknown else answered or None,
        trouble=Reason.HUB_UNREACHABLE if Reason.HUB_UNREACHABLE in row.reasons else None,
    )


def _of(known: Known, seen: _Seen, name: str, group: RowGroup) -> Found | None:
    return None if seen.person is None or group.at is None else known.get((seen.person, name, group.at))


def _destination(group: RowGroup, found: Found | None) -> DestinationGroup | None:
    if group.at is None:
        return None
    if found is None:
        return DestinationGroup(group.at, place="")
    return DestinationGroup(group.at, place=found.place, direction=Direction(found.direction))


def _health(row: Row, group: RowGroup, found: Found | None) -> HealthGroup | None:
    if group.at is None:
        return None
    if found is None:
        return HealthGroup(group.at, (UNSPECIFIED,) if Reason.SYMPTOMS in row.reasons else ())
    return HealthGroup(group.at, *voices.marks(found))


def _entry(row: Row, group: RowGroup, found: Found | None) -> EntryGroup | None:
    if group.at is None:
        return None
    if found is None:
        return EntryGroup(group.at, symptoms=(UNSPECIFIED,) if Reason.SYMPTOMS in row.reasons else ())
    return EntryGroup(
        at=group.at,
        arrival=found.arrival,
        origin=_areas.decode(found.origin) if found.origin else None,
        before_return=None if found.arrival is None else group.at <= found.arrival,
        symptoms=voices.marks(found)[0],
        exposures=voices.marks(found)[1],
    )
