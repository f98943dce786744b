"""Policy out: each document signed once, its version rising through the whole province, the narrowest scope wins.

Versions rise over all scopes together, so that the number in a row names one document and no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from core import keys, wire
from core.model import GateKind
from core.rules import Policy
from hub.errors import DataError
from hub.policy import editions
from hub.register import areas
from hub.storage.keyring import Keyring
from hub.storage.store import serialize
from hub.storage.tables import policies, states, stations

FORGOTTEN_AT_MOST = 1_000
VERSIONS_END = 1 << 31
_KINDS = "|".join(kind.value for kind in GateKind)
_SCOPE = re.compile(rf"all|kind/({_KINDS})|district/(63|34)/[0-9]{{2,5}}|station/[a-z0-9][a-z0-9-]{{0,62}}")
_signed = msgspec.json.Decoder(wire.Signed)
_policy = msgspec.json.Decoder(Policy)


@dataclass(frozen=True)
class Published:
    """One signed document in force; ``withdrawn``: it only says that its scope has no rules any more."""

    version: int
    scope: str
    document: bytes
    withdrawn: bool = False


class Version(msgspec.Struct, frozen=True):
    """One published version: what it says, who wrote it, when it was published."""

    policy: Policy
    author: str
    published: datetime


def check(policy: Policy) -> None:
    """Raises ``DataError`` for a scope that there is not, and for rules of everybody's taken back."""
    if not _SCOPE.fullmatch(policy.scope):
        raise DataError([f"policy scope {policy.scope!r}: all, kind/…, district/<edition>/<code> or station/<name>"])
    if policy.is_withdrawn and policy.scope == "all":
        raise DataError(["policy scope 'all' cannot be withdrawn: nothing wider would decide"])


def publish(connection: sa.Connection, ring: Keyring, policy: Policy, now: datetime, author: str = "") -> bool:
    """Signs and keeps a policy, its zones in both editions of the map; False when this one is published already.

    Raises ``DataError`` for an unknown scope, a version that does not rise, or rules of everybody's taken back.
    """
    check(policy)
    alone(connection)
    payload = wire.encode(editions.expanded(policy))
    last = connection.execute(sa.select(policies).order_by(policies.c.version.desc()).limit(1)).first()
    same = connection.scalar(sa.select(policies.c.document).where(policies.c.version == policy.version))
    if same is not None and keys.verify(ring.policy_public, _signed.decode(same)) == payload:
        return False
    if last is not None and policy.version <= last.version:
        raise DataError([f"policy version {policy.version}: must be above {last.version}, the last one published"])
    row = {
        "version": policy.version,
        "scope": policy.scope,
        "effective": policy.effective,
        "expires": policy.expires,
        "document": wire.encode(keys.sign(ring.signing, payload)),
        "published": now,
        "author": author,
        "withdrawn": policy.is_withdrawn,
    }
    connection.execute(sa.insert(policies).values(row))
    return True


def alone(connection: sa.Connection) -> None:
    """Has whoever else publishes wait until this transaction ends; call it before a number is chosen in it."""
    serialize(connection, [b"policies"])


def must_reach(connection: sa.Connection, scope: str) -> None:
    """Raises ``DataError`` for a scope that reaches nobody: a station or a district that there is not."""
    kind, _, rest = scope.partition("/")
    station = sa.select(stations.c.name).where(stations.c.name == rest)
    if kind == "station" and connection.scalar(station) is None:
        raise DataError([f"policy scope {scope!r}: no station of this name; hub station list shows them"])
    if kind == "district" and areas.find(*rest.partition("/")[::2]) is None:
        raise DataError([f"policy scope {scope!r}: no district with this code"])


def next_version(connection: sa.Connection) -> int:
    """The lowest version that may be published next: above the hub's own, and above what any station says it holds.

    Stations know of versions that a hub restored from an older backup has forgotten, and never go back.  What is far
    ahead is no lost version but a wrong report, and must not use the numbers up.
    """
    own = connection.scalar(sa.select(sa.func.max(policies.c.version))) or 0
    near = states.c.policy_version <= own + FORGOTTEN_AT_MOST
    return max(own, connection.scalar(sa.select(sa.func.max(states.c.policy_version)).where(near)) or 0) + 1


def history(connection: sa.Connection, ring: Keyring, at_most: int = 100) -> list[Version]:
    """The versions of every scope, newest first."""
    newest = sa.select(policies).order_by(policies.c.version.desc()).limit(at_most)
    return [_version(row, ring) for row in connection.execute(newest)]


def version(connection: sa.Connection, ring: Keyring, number: int) -> Version | None:
    """One version; None when there is none with this number."""
    if not 0 < number < VERSIONS_END:
        return None
    row = connection.execute(sa.select(policies).where(policies.c.version == number)).first()
    return None if row is None else _version(row, ring)


def overtaken(versions: Iterable[Version]) -> set[int]:
    """The versions that a later number of the same scope, in force by then and for as long, keeps from ever coming."""
    every = [each.policy for each in versions]
    return {
        old.version
        for old in every
        for new in every
        if new.scope == old.scope
        and new.version > old.version
        and new.effective <= old.effective
        and (new.expires is None or (old.expires is not None and new.expires >= old.expires))
    }


def again(connection: sa.Connection, old: Policy, now: datetime) -> Policy:
    """An old policy's content as the next version, from now on: what rolling back publishes."""
    return msgspec.structs.replace(old, version=next_version(connection), issued=now, effective=now, expires=None)


def _version(row: sa.Row[Any], ring: Keyring) -> Version:
    payload = keys.verify(ring.policy_public, _signed.decode(row.document))
    return Version(_policy.decode(payload), row.author, row.published)


def in_force(connection: sa.Connection, now: datetime) -> dict[str, Published]:
    """The newest document of each scope that is effective and has not expired, withdrawals among them."""
    current = sa.and_(policies.c.effective <= now, sa.or_(policies.c.expires.is_(None), policies.c.expires > now))
    newest = sa.select(sa.func.max(policies.c.version)).where(current).group_by(policies.c.scope)
    rows = connection.execute(sa.select(policies).where(policies.c.version.in_(newest)))
    return {row.scope: Published(row.version, row.scope, row.document, row.withdrawn) for row in rows}


def scopes(connection: sa.Connection) -> tuple[str, ...]:
    """Every scope that ever had a policy."""
    return tuple(connection.scalars(sa.select(policies.c.scope).distinct()))


def narrowest(published: Mapping[str, Published], scopes: Iterable[str]) -> Published | None:
    """The rules of the first scope that has any; ``scopes`` narrowest first."""
    return next((one for one in _of(published, scopes) if not one.withdrawn), None)


def newest(published: Mapping[str, Published], scopes: Iterable[str]) -> int:
    """The version that a station has heard of when it is up to date: the rules it goes by, or a later withdrawal."""
    scopes = tuple(scopes)
    deciding = narrowest(published, scopes)
    taken_back = [one.version for one in _of(published, scopes) if one.withdrawn]
    return max([*taken_back, deciding.version if deciding is not None else 0])


def unheld(published: Mapping[str, Published], scopes: Iterable[str], held: Mapping[str, int]) -> Published | None:
    """What a station should fetch next, that holds these versions by scope: rules narrowest first, then withdrawals.

    Withdrawals come last, so that a station is never without rules on the way.
    """
    lacking = [one for one in _of(published, scopes) if one.version > held.get(one.scope, 0)]
    return min(lacking, key=lambda one: one.withdrawn, default=None)


def _of(published: Mapping[str, Published], scopes: Iterable[str]) -> list[Published]:
    return [published[scope] for scope in scopes if scope in published]
