"""Who may do what in the officers' pages: one table, read by every page and by nothing else."""

from __future__ import annotations

from enum import StrEnum

from core.model import GateKind


class Role(StrEnum):
    """What an account is for."""

    VENUE_GUARD = "venue-guard"
    CHECKPOINT_OFFICER = "checkpoint-officer"
    HEALTH_POST = "health-post"
    EPIDEMIOLOGIST = "epidemiologist"
    COMMUNE_OFFICER = "commune-officer"
    AUDITOR = "auditor"
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """One thing that a page lets somebody do."""

    CHECK = "check"  # a person by the code or number they show: three groups, verdict, masked name
    PAPER = "paper"  # type in a declaration made on paper
    LINK = "link"  # tie a record to the identity card that somebody shows
    SEARCH = "search"  # a person by name or phone, with a reason
    TRACE = "trace"  # where people were and with whom, with a reason
    EXPORT = "export"  # take that away as a file, with a reason
    ARRIVALS = "arrivals"  # who declared to arrive in one's own communes
    INSIDE = "inside"  # how many are at one's own place: counts only
    AUDIT = "audit"  # who looked whom up
    ACCOUNTS = "accounts"  # other people's accounts
    PLACES = "places"  # what venues, checkpoints and health posts there are, and when they are open
    POLICY = "policy"  # what gates ask
    KEEPING = "keeping"  # how long records stay, erasing, legal holds
    FLEET = "fleet"  # see every station, acknowledge alarms
    ORDERS = "orders"  # tell stations what to do


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VENUE_GUARD: frozenset({Right.CHECK, Right.INSIDE}),
    Role.CHECKPOINT_OFFICER: frozenset({Right.CHECK, Right.PAPER, Right.LINK}),
    Role.HEALTH_POST: frozenset({Right.CHECK, Right.PAPER, Right.LINK, Right.SEARCH}),
    Role.EPIDEMIOLOGIST: frozenset({Right.CHECK, Right.SEARCH, Right.TRACE, Right.EXPORT, Right.POLICY}),
    Role.COMMUNE_OFFICER: frozenset({Right.CHECK, Right.PAPER, Right.ARRIVALS}),
    Role.AUDITOR: frozenset({Right.AUDIT}),
    Role.TECHNICIAN: frozenset({Right.FLEET}),
    Role.ADMINISTRATOR: frozenset(
        {Right.ACCOUNTS, Right.PLACES, Right.POLICY, Right.KEEPING, Right.FLEET, Right.ORDERS}
    ),
}
"""An administrator looks nobody up, and an auditor changes nothing."""

GATES: dict[Role, GateKind] = {
    Role.VENUE_GUARD: GateKind.VENUE,
    Role.CHECKPOINT_OFFICER: GateKind.CHECKPOINT,
    Role.HEALTH_POST: GateKind.HEALTH_POST,
}
"""By which gate's rules somebody of this role checks, unless the account names a place; others: a health post's."""


def gate_of(role: Role) -> GateKind:
    """The kind of gate whose rules speak on this role's check page."""
    return GATES.get(role, GateKind.HEALTH_POST)
