"""The policy documents this station holds: signed by the hub's pinned key, meant for this gate, never going back.

One file in the data folder, replaced whole.  The narrowest scope that is in force decides: station, district, gate
kind, everybody.  A withdrawal is kept like a policy, so that what it took back never comes again.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from core import keys, policy, wire
from core.model import GateKind
from core.rules import Policy

log = logging.getLogger(__name__)

_MOST_PER_SCOPE = 16
_Document = tuple[Policy, wire.Signed]


def scopes(station: str, district: str, kind: GateKind) -> tuple[str, ...]:
    """The scopes that speak to a station, narrowest first."""
    own = [f"station/{station}"]
    if district:
        own.append(f"district/{district}")
    return (*own, f"kind/{kind.value}", "all")


class Policies:
    """What is held; ``offer`` takes documents in, ``current`` says which one decides."""

    def __init__(self, path: Path, public_key: bytes, own_scopes: Sequence[str]) -> None:
        self._path, self._key, self._scopes = path, public_key, tuple(own_scopes)
        self._held: list[_Document] = []
        self._refused = ""
        self._wanted: tuple[str, ...] | None = None
        self._load()

    def current(self, now: datetime) -> Policy | None:
        """The policy in force at ``now``, or None when this station holds none."""
        for scope in self._scopes:
            found = policy.in_force((one for one, _ in self._held if one.scope == scope), now)
            if found is not None and not found.is_withdrawn:
                return found
        return None

    @property
    def newest(self) -> int:
        """The highest version held, 0 when there is none."""
        return max((one.version for one, _ in self._held), default=0)

    @property
    def held(self) -> dict[str, int]:
        """The highest version held of each scope that there is one of, narrowest first; withdrawals count."""
        every = {scope: [one.version for one, _ in self._held if one.scope == scope] for scope in self._scopes}
        return {scope: max(versions) for scope, versions in every.items() if versions}

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that speak to this gate, narrowest first."""
        return self._scopes

    def want(self, own_scopes: Sequence[str]) -> None:
        """Has the loop that offers documents listen to other scopes from its next turn on; by any thread."""
        self._wanted = tuple(own_scopes)

    def follow(self) -> None:
        """Does what was wanted of it meanwhile."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self.move(wanted)

    def move(self, own_scopes: Sequence[str]) -> None:
        """Listens to other scopes from now on: the gate has another district.  What no longer speaks to it goes."""
        if tuple(own_scopes) == self._scopes:
            return
        self._scopes = tuple(own_scopes)
        self._held = [one for one in self._held if one[0].scope in self._scopes]
        self._save()

    def offer(self, document: bytes, now: datetime) -> bool:
        """Takes a document that is signed, meant for this gate and newer; True when it is now held.

        What it replaces is dropped, but not before it is in force itself.

        What is refused is logged once, and what is held stays.
        """
        try:
            signed = wire.decode(document, wire.Signed)
            offered = self._verified(signed)
        except ValueError as error:
            self._refuse(str(error))
            return False
        if any(one.scope == offered.scope and one.version >= offered.version for one, _ in self._held):
            return False
        self._held = self._still_needed([*self._held, (offered, signed)], now)
        self._save()
        told = "policy withdrawn" if offered.is_withdrawn else "policy taken"
        log.info(told, extra={"version": offered.version, "scope": offered.scope})
        return True

    def believes(self, document: bytes) -> bool:
        """Whether this is a policy for this gate by the pinned key, new or not."""
        try:
            self._verified(wire.decode(document, wire.Signed))
        except ValueError:
            return False
        return True

    def _verified(self, signed: wire.Signed) -> Policy:
        if not self._key:
            raise ValueError("no [hub] policy_key is configured, so no policy can be believed")
        offered = wire.decode(keys.verify(self._key, signed), Policy)
        if offered.scope not in self._scopes:
            raise ValueError(f"policy {offered.version} is meant for {offered.scope}, not for this gate")
        return offered

    def _refuse(self, problem: str) -> None:
        if problem != self._refused:
            log.warning("policy refused", extra={"problem": problem})
        self._refused = problem

    def _still_needed(self, held: list[_Document], now: datetime) -> list[_Document]:
        """Those of each scope that are in force or may still come to be, the newest when there are too many."""
        held = sorted(held, key=lambda one: -one[0].version)
        policies = [one for one, _ in held]
        return [
            one
            for scope in self._scopes
            for one in [
                one for one in held if one[0].scope == scope and not any(_hides(by, one[0], now) for by in policies)
            ][:_MOST_PER_SCOPE]
        ]

    def _load(self) -> None:
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            self._refuse(f"{self._path}: {error.strerror}")
            return
        try:
            documents = wire.decode(raw, list[wire.Signed])
        except ValueError as error:
            self._refuse(f"{self._path}: {error}; the hub will send it again")
            return
        for signed in documents:
            try:
                self._held.append((self._verified(signed), signed))
            except ValueError as error:
                self._refuse(str(error))

    def _save(self) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            with fresh.open("wb") as file:
                file.write(wire.encode([signed for _, signed in self._held]))
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self._path)
        except OSError as error:
            log.error("policy cannot be kept over a restart", extra={"file": str(self._path), "problem": str(error)})
            with contextlib.suppress(OSError):
                fresh.unlink()


def _hides(newer: Policy, older: Policy, now: datetime) -> bool:
    """Whether one policy is in force, from now on, whenever the other would be."""
    begins = newer.effective <= max(older.effective, now)
    outlasts = newer.expires is None or (older.expires is not None and older.expires <= newer.expires)
    return newer.scope == older.scope and newer.version > older.version and begins and outlasts
