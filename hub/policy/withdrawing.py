"""A narrower scope's rules taken back: what that would leave each station with, and the signed word that does it.

The word is a document of the scope with a number of its own and no rules.  It stands in the history and travels as
policies do, so that nobody can bring back what it took by sending that once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from core.rules import Policy
from hub.errors import DataError
from hub.policy import policies
from hub.policy.policies import Published
from hub.stations.fleet import Gate, Tokens
from hub.storage import tables
from hub.storage.keyring import Keyring

EVERYBODY = "all"


@dataclass(frozen=True)
class Heir:
    """The document that decides at some stations instead."""

    published: Published
    stations: tuple[str, ...]


@dataclass(frozen=True)
class Withdrawal:
    """What taking a scope's rules back would do.

    ``taken`` are the numbers that would decide no more, in force or not yet; ``bare`` the stations that nothing would
    be in force for.
    """

    scope: str
    taken: tuple[int, ...]
    heirs: tuple[Heir, ...]
    bare: tuple[str, ...]


def plan(connection: sa.Connection, scope: str, now: datetime) -> Withdrawal:
    """What taking a scope's rules back at ``now`` would do.

    Raises ``DataError`` for the scope that has no wider one, and when there is nothing to take back.
    """
    if scope == EVERYBODY:
        raise DataError([f"policy scope {scope!r}: nothing wider would decide; publish other rules for it instead"])
    taken = standing(connection, now).get(scope, ())
    if not taken:
        raise DataError([f"policy scope {scope!r}: nothing is published for it that could be withdrawn"])
    published = policies.in_force(connection, now)
    own = published.get(scope)
    heirs: dict[int, tuple[Published, list[str]]] = {}
    bare: list[str] = []
    for gate in _gates(connection):
        if own is None or scope not in gate.scopes or policies.narrowest(published, gate.scopes) is not own:
            continue
        heir = policies.narrowest(_without(published, scope), gate.scopes)
        if heir is None:
            bare.append(gate.name)
        else:
            heirs.setdefault(heir.version, (heir, []))[1].append(gate.name)
    found = tuple(Heir(heir, tuple(names)) for heir, names in heirs.values())
    return Withdrawal(scope, taken, found, tuple(bare))


def withdraw(
    connection: sa.Connection, ring: Keyring, scope: str, now: datetime, author: str = "", note: str = ""
) -> Policy:
    """Takes a scope's rules back from ``now`` on; the document that says so.

    Raises ``DataError`` as ``plan`` does, and when a station would be left without any rules.
    """
    policies.alone(connection)
    would = plan(connection, scope, now)
    if would.bare:
        named = ", ".join(would.bare)
        raise DataError([f"policy scope {scope!r}: nothing else is in force for {named}; publish wider rules first"])
    number = policies.next_version(connection)
    word = Policy(version=number, issued=now, effective=now, scope=scope, note=note, withdrawn=True)
    policies.publish(connection, ring, word, now, author)
    return word


def standing(connection: sa.Connection, now: datetime) -> dict[str, tuple[int, ...]]:
    """The numbers of each scope, highest first, that decide now or may still come to: what can be withdrawn."""
    newest = sa.select(tables.policies).order_by(tables.policies.c.version.desc())
    found: dict[str, list[int]] = {}
    closed: set[str] = set()
    for each in connection.execute(newest):
        ended = each.expires is not None and each.expires <= now
        if each.scope in closed or ended:
            continue
        if each.withdrawn:
            closed.add(each.scope)
            continue
        found.setdefault(each.scope, []).append(each.version)
        if each.effective <= now and each.expires is None:
            closed.add(each.scope)
    return {scope: tuple(numbers) for scope, numbers in found.items()}


def _without(published: Mapping[str, Published], scope: str) -> dict[str, Published]:
    return {each: document for each, document in published.items() if each != scope}


def _gates(connection: sa.Connection) -> list[Gate]:
    tokens = Tokens()
    tokens.reload(connection)
    return sorted(tokens.all, key=lambda gate: gate.name)
