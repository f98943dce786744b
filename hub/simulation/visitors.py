"""The people who come: invented ones of each commune, with what they declared, none of them at two places at once."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime

import msgspec

from core.model import DeclarationKind, Reason, Scheme
from core.wire import Who
from hub.register.people import PersonRecord
from hub.synthetic.crowd import Crowd

FIRST = 5_001
"""The serial number of the first: those before are the demonstration's other people."""

_TRIES = 6
_BUSY = 60.0
"""Simulated seconds for which nobody who was just scanned comes to another gate."""


class Visitor(msgspec.Struct):
    """Somebody who may come; ``busy_until`` is a moment of the simulated day."""

    who: Who
    reasons: tuple[Reason, ...]
    busy_until: float = float("-inf")


def invent(count: int, seed: int, at: datetime) -> tuple[PersonRecord, ...]:
    """The same people for the same seed, in every commune that places stand in; ages are counted from ``at``."""
    crowd = Crowd(seed, first=FIRST)
    return tuple(crowd.passer_by(at) for _ in range(count))


class Visitors:
    """Everybody, by commune and by whether a gate warns of them."""

    def __init__(self, people: Sequence[PersonRecord]) -> None:
        self._all: dict[bool, list[Visitor]] = {True: [], False: []}
        self._near: dict[tuple[str, bool], list[Visitor]] = {}
        for record in people:
            reasons = _reasons(record)
            visitor = Visitor(Who(Scheme.CITIZEN, record.identities[0].value), reasons)
            self._all[bool(reasons)].append(visitor)
            commune = record.address.commune if record.address is not None else ""
            self._near.setdefault((commune, bool(reasons)), []).append(visitor)

    def draw(self, dice: random.Random, commune: str, warned: bool, moment: float) -> Visitor | None:
        """Somebody of this commune who is free now; None when everybody tried is somewhere else."""
        near = self._near.get((commune, warned))
        if not near:
            return None
        for _ in range(_TRIES):
            visitor = dice.choice(near)
            if visitor.busy_until <= moment:
                visitor.busy_until = moment + _BUSY
                return visitor
        return None


def _reasons(record: PersonRecord) -> tuple[Reason, ...]:
    """Why a gate would warn of somebody: nothing declared, or what was declared."""
    health = [each for each in record.declarations if each.kind is DeclarationKind.HEALTH]
    if not health:
        return (Reason.NO_HEALTH,)
    found = []
    if any(each.symptoms for each in health):
        found.append(Reason.SYMPTOMS)
    if any(each.exposures for each in health):
        found.append(Reason.EXPOSURES)
    return tuple(found)
