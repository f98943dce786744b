"""The verdict: ``decide`` is pure and total.  What is asked comes from the policy document, never from here.

Order: a wrong code, a signature that does not hold, a code that names nobody, no policy, the way out, nobody asked,
and then every concern at once, gravest first, so that the guard hears all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from core import movement, zones
from core.model import (
    Credential,
    DeclarationKind,
    Direction,
    EntryGroup,
    GateKind,
    HealthGroup,
    Held,
    Lookup,
    Origin,
    Outcome,
    Reason,
    SignatureState,
    Standing,
    Verdict,
)
from core.rules import FlaggedPlace, GateRules, Group, Policy, Zone

_NOBODY = Standing(person="", as_of=datetime.min.replace(tzinfo=UTC))
_ABSENT: dict[Group, Reason] = {
    "destination": Reason.NO_DESTINATION,
    "health": Reason.NO_HEALTH,
    "entry": Reason.NO_ENTRY,
}
_EXPIRED: dict[Group, Reason] = {
    "destination": Reason.DESTINATION_EXPIRED,
    "health": Reason.HEALTH_EXPIRED,
    "entry": Reason.ENTRY_EXPIRED,
}
_GRAVITY = {reason: rank for rank, reason in enumerate((Reason.SYMPTOMS, Reason.ZONE, Reason.EXPOSURES, Reason.PLACE))}


class Rules(msgspec.Struct, frozen=True):
    """A policy narrowed to one gate and one passage; ``direction`` is resolved, never toggle."""

    version: int
    gate: GateRules
    place: str
    direction: Direction
    zones: tuple[Zone, ...] = ()
    places: tuple[FlaggedPlace, ...] = ()
    known: bool = True

    @classmethod
    def of(cls, policy: Policy | None, kind: GateKind, place: str, direction: Direction) -> Rules:
        """The rules of one passage; without a policy everything is ``unverified`` for want of one."""
        if policy is None:
            return cls(0, GateRules(), place, direction, known=False)
        return cls(policy.version, policy.rules_for(kind), place, direction, policy.zones, policy.places)


def in_force(policies: Iterable[Policy], now: datetime) -> Policy | None:
    """The highest version that has begun and not ended."""
    current = (p for p in policies if p.effective <= now and (p.expires is None or now < p.expires))
    return max(current, key=lambda p: p.version, default=None)


def decide(credential: Credential, lookup: Lookup, rules: Rules, now: datetime) -> Verdict:
    """What the gate shows for this code and what is known, by these rules, at ``now``; never raises."""
    early = _without_standing(credential, rules)
    if early is not None:
        return early
    if rules.direction is Direction.OUT and not rules.gate.checks_on_way_out:
        return _verdict(_movement(lookup, rules, now), lookup)
    known = _Known(lookup, rules.gate, now)
    if lookup.found is False and known.anything:
        return _verdict((Reason.NOT_FOUND,), lookup)
    certified = _certified(credential, rules, now)
    if not known.anything and not certified:
        return _unasked(credential, lookup, rules, now)
    found = _concerns(credential, known, lookup, rules, now)
    if not found and known.missing_answers(rules.gate, certified=certified):
        return _unasked(credential, lookup, rules, now)
    return _verdict(found, lookup)


def _without_standing(credential: Credential, rules: Rules) -> Verdict | None:
    if credential.wrong is not None:
        return Verdict(Outcome.WRONG_CODE, (credential.wrong,))
    if credential.signed is not None and credential.signed.state is SignatureState.REFUSED:
        return Verdict(Outcome.WARN, (Reason.SIGNATURE_REFUSED,))
    if credential.signed is not None and credential.signed.state is SignatureState.SIGNER_UNKNOWN:
        return Verdict(Outcome.WARN, (Reason.SIGNER_UNKNOWN,))
    if credential.subject is None:
        return Verdict(Outcome.WARN, (credential.remark or Reason.NOT_FOUND,))
    if not rules.known:
        return Verdict(Outcome.UNVERIFIED, (Reason.NO_POLICY,))
    return None


def _unasked(credential: Credential, lookup: Lookup, rules: Rules, now: datetime) -> Verdict:
    stale = _code_dates(credential, rules.gate, now)
    if stale:
        return Verdict(Outcome.WARN, (*stale, lookup.trouble or Reason.HUB_UNREACHABLE))
    return Verdict(Outcome(rules.gate.unasked), (lookup.trouble or Reason.HUB_UNREACHABLE,))


def _code_dates(credential: Credential, gate: GateRules, now: datetime) -> tuple[Reason, ...]:
    signed = credential.signed
    if signed is None:
        return ()
    if signed.expires is not None and now >= signed.expires:
        return (Reason.CODE_EXPIRED,)
    if signed.issued is not None and signed.issued - now > timedelta(seconds=gate.future_tolerance):
        return (Reason.CODE_NOT_YET_VALID,)
    return ()


def _speaks_for(credential: Credential, gate: GateRules) -> Group | None:
    """The group that a verified code would stand for by itself, were it in date: ours, or a health certificate here."""
    signed = credential.signed
    if signed is None:
        return None
    if signed.declares is None:
        return "health" if gate.certificate_counts_as_health else None
    return "health" if signed.declares is DeclarationKind.HEALTH else "entry"


def _certified(credential: Credential, rules: Rules, now: datetime) -> bool:
    """Whether a verified health certificate (not our own declaration) stands for the health group here and now."""
    signed = credential.signed
    certificate = signed is not None and signed.declares is None
    return (
        certificate and _speaks_for(credential, rules.gate) == "health" and not _code_dates(credential, rules.gate, now)
    )


class _Known:
    """The groups of a look-up that may be believed: not held for too long, not dated in the future."""

    def __init__(self, lookup: Lookup, gate: GateRules, now: datetime) -> None:
        standing = lookup.standing or _NOBODY
        self.gate, self.now = gate, now
        self.future = False
        self.answered = {
            "destination": self._answered(lookup.destination),
            "health": self._answered(lookup.health),
            "entry": self._answered(lookup.entry),
        }
        self.destination = standing.destination if self._believe("destination", standing.destination) else None
        self.health = standing.health if self._believe("health", standing.health) else None
        self.entry = standing.entry if self._believe("entry", standing.entry) else None

    @property
    def anything(self) -> bool:
        return any(self.answered.values())

    def _answered(self, held: Held) -> bool:
        if held.origin is Origin.NONE:
            return False
        if held.origin in (Origin.HUB, Origin.CODE) or held.as_of is None:
            return True
        return self.now - held.as_of <= timedelta(seconds=self.gate.held_at_most)

    def _believe(self, group: Group, dated: object) -> bool:
        at = getattr(dated, "at", None)
        if at is None or not self.answered[group]:
            return False
        if at - self.now > timedelta(seconds=self.gate.future_tolerance):
            self.future = True
            return False
        return True

    def fresh(self, at: datetime, limit: int | None) -> bool:
        return limit is None or self.now - at <= timedelta(seconds=limit)

    @property
    def current_entry(self) -> EntryGroup | None:
        entry = self.entry
        return entry if entry is not None and self.fresh(entry.at, self.gate.max_age.entry) else None

    def lacks(self, group: Group) -> Iterator[Reason]:
        """What is wrong with a required group: absent, or older than the policy allows."""
        limit = getattr(self.gate.max_age, group)
        entry = self.entry
        if group == "health" and self.gate.entry_counts_as_health and entry is not None and self.fresh(entry.at, limit):
            return
        dated = getattr(self, group)
        if dated is None:
            yield _ABSENT[group]
        elif not self.fresh(dated.at, limit):
            yield _EXPIRED[group]

    @property
    def declared(self) -> HealthGroup | EntryGroup | None:
        """The newest declaration that still counts: what it says of symptoms replaces what older ones said."""
        health = self.health
        if health is not None and not self.fresh(health.at, self.gate.max_age.health):
            health = None
        entry = self.current_entry
        if health is None or entry is None:
            return health or entry
        return health if health.at >= entry.at else entry

    def missing_answers(self, gate: GateRules, *, certified: bool) -> bool:
        """Whether something the policy asks for could not be asked."""
        return any(not self.answered[group] for group in gate.required if not (certified and group == "health"))


def _concerns(credential: Credential, known: _Known, lookup: Lookup, rules: Rules, now: datetime) -> tuple[Reason, ...]:
    certified, stands_for = _certified(credential, rules, now), _speaks_for(credential, rules.gate)
    lacking = tuple(_required(known, rules.gate, certified=certified))
    reasons = [*lacking, *_declared(known, rules)]
    if known.future:
        reasons.append(Reason.DATE_IN_FUTURE)
    in_vain = stands_for is not None and not {_ABSENT[stands_for], _EXPIRED[stands_for]}.isdisjoint(lacking)
    if in_vain or (lookup.found is None and not known.answered["health"]):
        reasons.extend(_code_dates(credential, rules.gate, now))
    reasons.extend(movement.concerns(known.destination, rules.place, rules.direction, rules.gate, now))
    return tuple(sorted(dict.fromkeys(reasons), key=lambda reason: _GRAVITY.get(reason, len(_GRAVITY))))


def _movement(lookup: Lookup, rules: Rules, now: datetime) -> tuple[Reason, ...]:
    known = _Known(lookup, rules.gate, now)
    if not known.answered["destination"]:
        return ()
    return movement.concerns(known.destination, rules.place, rules.direction, rules.gate, now)


def _required(known: _Known, gate: GateRules, *, certified: bool) -> Iterator[Reason]:
    for group in gate.required:
        if known.answered[group] and not (certified and group == "health"):
            yield from known.lacks(group)


def _declared(known: _Known, rules: Rules) -> Iterator[Reason]:
    gate, declared, entry = rules.gate, known.declared, known.current_entry
    if declared is not None and set(declared.symptoms) & set(gate.symptoms):
        yield Reason.SYMPTOMS
    if declared is not None and set(declared.exposures) & set(gate.exposures):
        yield Reason.EXPOSURES
    if entry is not None:
        yield from _entered(entry, rules)
    visited = known.destination
    if visited is not None and gate.places and _flagged(visited.place, visited.at, rules.places):
        yield Reason.PLACE


def _entered(entry: EntryGroup, rules: Rules) -> Iterator[Reason]:
    if rules.gate.entry_before_return and entry.before_return is False:
        yield Reason.ENTRY_LATE
    if rules.gate.zones and entry.origin is not None:
        found = zones.worst(entry.origin, rules.zones, entry.arrival or entry.at)
        if found is zones.Match.INSIDE:
            yield Reason.ZONE
        elif found is zones.Match.UNCLEAR:
            yield Reason.ORIGIN_UNCLEAR


def _flagged(place: str, at: datetime, places: Iterable[FlaggedPlace]) -> bool:
    return any(
        place == one.place and (one.since is None or at >= one.since) and (one.until is None or at <= one.until)
        for one in places
    )


def _verdict(concerns: tuple[Reason, ...], lookup: Lookup) -> Verdict:
    held = any(group.origin in _HELD for group in (lookup.health, lookup.entry))
    remarks = (Reason.HELD_ANSWER,) if held else ()
    return Verdict(Outcome.WARN if concerns else Outcome.PASS, concerns + remarks)


_HELD = frozenset({Origin.SNAPSHOT, Origin.MEMORY, Origin.CODE})
