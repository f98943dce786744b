"""What a hub's answer is worth: each group with its origin and age, as the verdict takes it."""

from __future__ import annotations

from core.model import NOT_HELD, Held, Lookup, Origin, Reason
from core.wire import Answer

UNASKED = "nobody who would know could be asked"
"""The error of a sealed answer when the system behind the hub cannot be asked; over HTTP that is status 503."""


def lookup(answer: Answer) -> Lookup:
    """The look-up that this answer makes.

    Of a held answer the scans are the hub's own and of now; declarations are remembered ones, and one that is absent
    was not asked for: an outage never reads as «has not declared».
    """
    standing = answer.standing
    if standing is None:
        hub = Held(Origin.HUB, answer.hub_time)
        return Lookup(None, hub, hub, hub, found=False)
    if not answer.held:
        hub = Held(Origin.HUB, standing.as_of)
        return Lookup(standing, hub, hub, hub, found=True)
    remembered = Held(Origin.MEMORY, standing.as_of)
    return Lookup(
        standing,
        destination=Held(Origin.HUB, answer.hub_time),
        health=NOT_HELD if standing.health is None else remembered,
        entry=NOT_HELD if standing.entry is None else remembered,
        found=True,
        trouble=Reason.HUB_UNREACHABLE,
    )
