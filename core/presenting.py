"""What one presentation knows beside the verdict: its row's groups, its one origin, the station's own memory of it."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from core.model import DestinationGroup, Held, Lookup, Origin, Outcome, Reason, Standing, Verdict
from core.movement import Passage
from core.wire import RowGroup

_DOUBTED = frozenset({Outcome.PASS, Outcome.WARN})


def groups_of(lookup: Lookup) -> tuple[RowGroup, RowGroup, RowGroup]:
    """The three groups as a row keeps them: where each came from and its dates, without what it says."""
    standing = lookup.standing
    dated = (
        (lookup.destination, standing.destination if standing else None),
        (lookup.health, standing.health if standing else None),
        (lookup.entry, standing.entry if standing else None),
    )
    first, second, third = (RowGroup(held.origin, group.at if group else None, held.as_of) for held, group in dated)
    return first, second, third


def origin_of(lookup: Lookup) -> Origin:
    """One word for where an answer came from: the hub when it answered, else the best of what was held."""
    held = {lookup.health.origin, lookup.entry.origin}
    return next((one for one in (Origin.HUB, Origin.SNAPSHOT, Origin.MEMORY, Origin.CODE) if one in held), Origin.NONE)


def with_passage(lookup: Lookup, passage: Passage | None, place: str, place_name: str, now: datetime) -> Lookup:
    """A look-up whose destination group also knows what this station recorded and the hub may not hold yet."""
    if passage is None:
        return lookup
    standing = lookup.standing or Standing(person="", as_of=now)
    if standing.destination is not None and standing.destination.at >= passage.at:
        return lookup
    here = DestinationGroup(passage.at, place, place_name, passage.direction)
    return replace(lookup, standing=replace(standing, destination=here), destination=Held(Origin.MEMORY, passage.at))


def doubted(verdict: Verdict) -> Verdict:
    """The verdict when the clock was never set: ages mean nothing, so nothing is verified."""
    if verdict.outcome not in _DOUBTED:
        return verdict
    return Verdict(Outcome.UNVERIFIED, (Reason.CLOCK_UNSURE,))
