"""What every door of the hub shares: the store, the keys, who may ask, which policy is in force."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from hub.health.fleet_health import Fleet, Via
from hub.journals import messages
from hub.journals.messages import BadMessage
from hub.lead import Lead
from hub.logs import Tally
from hub.policy import policies
from hub.policy.policies import Published
from hub.province.desk import Desk
from hub.register import announcing, sealing
from hub.register.announcing import Announced
from hub.register.standings import Standings
from hub.snapshots.shelf import Shelf
from hub.stations import fleet
from hub.stations.fleet import Gate, Tokens
from hub.storage.keyring import Keyring
from hub.storage.store import Store

RELOAD_SECONDS = 0.2
SHOWN = ("health", "line")
"""Where from a dropped message's reason is the reason why a station is not heard."""


class Centre:
    """The hub's working memory; safe to read from every thread."""

    def __init__(self, store: Store, ring: Keyring) -> None:
        self.store = store
        self.ring = ring
        self.tokens = Tokens()
        self.tally = Tally()
        self.fleet = Fleet()
        self.published: dict[str, Published] = {}
        self.province: Desk | None = None  # set before anybody is let in
        self.shelf: Shelf | None = None  # the same
        self.lead: Lead | None = None  # the same
        self.announced: Announced | None = None
        self._reloading = threading.Lock()
        self._reloaded = 0.0
        self._stamp: object = None
        self.refresh()

    @property
    def leads(self) -> bool:
        """Whether this hub does what only one of those on a database may do."""
        return self.lead is None or self.lead.held

    @property
    def takes(self) -> bool:
        """Whether what stations tell one hub of several is this one's: it leads, or nobody can say who does."""
        return self.leads or (self.lead is not None and self.lead.away)

    def standings(self) -> Standings:
        """Look-ups on a connection of the caller's own thread."""
        return Standings(self.store.reader(), self.ring)

    def gate(self, authorization: str) -> Gate | None:
        """The station behind a bearer token; a token just issued elsewhere is noticed."""
        gate = self.tokens.gate(authorization)
        if gate is None and authorization and time.monotonic() - self._reloaded > RELOAD_SECONDS:
            self.refresh()
            gate = self.tokens.gate(authorization)
        return gate

    def hear(self, raw: bytes, station: str, now: datetime, *, fresh: bool = True, via: Via = "mqtt") -> None:
        """Takes a station's health in; ``BadMessage``, counted, when it is none or is not believed."""
        try:
            self.fleet.take(messages.health(raw, station), now, fresh=fresh, via=via)
        except BadMessage as problem:
            self.refuse("health", str(problem), station)
            raise

    def refuse(self, leaf: str, problem: str, station: str) -> None:
        """Counts a message of a station's that was dropped; what is told of its health is told on the wall, too."""
        self.tally.add(f"{leaf}: {problem}", station=station)
        self.fleet.refuse(station, problem if leaf in SHOWN else "")

    def policy_for(self, gate: Gate) -> Published | None:
        """The narrowest policy in force for a station."""
        return policies.narrowest(self.published, gate.scopes)

    def policy_after(self, gate: Gate, held: Mapping[str, int]) -> Published | None:
        """The next document for a station that holds these versions by scope; None when it holds all."""
        return policies.unheld(self.published, gate.scopes, held)

    def version_for(self, gate: Gate) -> int:
        """The version that a station has heard of when it is up to date; 0 when there is none for it."""
        return policies.newest(self.published, gate.scopes)

    def refresh(self) -> None:
        """Reads again who the stations are and which policies are in force."""
        with self._reloading, self.store.reading() as connection:
            stamp = fleet.stamp(connection)
            if stamp != self._stamp:
                self.tokens.reload(connection)
                self.fleet.know(self.tokens.all)
                self._stamp = stamp
            sealing.refresh(connection, self.ring)
            self.announced = announcing.newest(connection)
            self.published = policies.in_force(connection, datetime.now(UTC))
            self._reloaded = time.monotonic()
