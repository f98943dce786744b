"""In, out and in again: repeats, the direction of a toggle gate, anti-passback."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from core.model import DestinationGroup, Direction, Reason
from core.rules import GateRules


class Passage(msgspec.Struct, frozen=True):
    """Somebody's last going through at this station: by a pass, or because the guard admitted them after a warn."""

    at: datetime
    direction: Direction
    passed: bool = True


def within(at: datetime, now: datetime, seconds: float) -> bool:
    """Whether the two lie at most ``seconds`` apart.

    A time ahead of ``now`` was written by a clock that has been set back since; further ahead than that, nobody can say
    how long ago it was, and a person counts as new rather than as seen for as long as the clock takes to catch up.
    """
    return abs(now - at) <= timedelta(seconds=seconds)


def repeated(last: Passage | None, direction: Direction, rules: GateRules, now: datetime) -> Passage | None:
    """The pass that this presentation repeats: the last going through, if it went the same way within the window.

    Whom the guard admitted after a warn is judged afresh: people go and declare.
    """
    if last is None or not last.passed or rules.repeat_window == 0 or not within(last.at, now, rules.repeat_window):
        return None
    return last if last.direction is direction else None


def resolve(gate: Direction, last: Passage | None, rules: GateRules, now: datetime) -> Direction:
    """The way a presentation goes: a toggle gate lets out whoever it let in, unless that was only a moment ago."""
    if gate is not Direction.TOGGLE:
        return gate
    if last is None or not within(last.at, now, rules.inside_at_most):
        return Direction.IN
    if within(last.at, now, rules.toggle_after):
        return last.direction
    return Direction.OUT if last.direction is Direction.IN else Direction.IN


def concerns(
    destination: DestinationGroup | None, place: str, direction: Direction, rules: GateRules, now: datetime
) -> tuple[Reason, ...]:
    """What speaks against this movement, given the last destination scan before it."""
    here = destination if destination is not None and destination.place == place else None
    inside = here is not None and here.direction is Direction.IN and within(here.at, now, rules.inside_at_most)
    if direction is Direction.OUT:
        return (Reason.NOT_INSIDE,) if rules.anti_passback and not inside else ()
    if rules.anti_passback and inside:
        return (Reason.ALREADY_INSIDE,)
    went_out = here is not None and here.direction is Direction.OUT
    if here is not None and went_out and rules.reentry_window and within(here.at, now, rules.reentry_window):
        return (Reason.REENTRY_TOO_SOON,)
    return ()
