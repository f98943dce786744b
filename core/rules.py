"""The policy document: what a province asks of each gate kind.  A signed document from the hub, never code.

Ages and windows are seconds.  ``Policy`` decodes from JSON with ``msgspec``; unknown keys are refused so that a
misspelt rule is an error and not a rule that silently does nothing.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from core.model import GateKind, Moment

Seconds = Annotated[int, msgspec.Meta(ge=0)]
Group = Literal["destination", "health", "entry"]

DAY = 86_400

SYMPTOMS = ("fever", "cough", "breathless", "sore-throat", "vomiting", "diarrhoea", "bleeding", "rash")
"""The eight of the declaration form: sốt, ho, khó thở, đau họng, nôn, tiêu chảy, xuất huyết ngoài da, nổi ban."""

UNSPECIFIED = "unspecified"
"""A symptom that a signed code flags without saying which."""

EXPOSURES = ("case", "animals")
"""A case within 2 m; animals."""


class MaxAge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How old each group may be; None: any age."""

    destination: Seconds | None = None
    health: Seconds | None = None
    entry: Seconds | None = None


class GateRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one gate kind asks.  The defaults are the province's first day: a declaration within seven days."""

    required: tuple[Group, ...] = ("health",)
    max_age: MaxAge = MaxAge(health=7 * DAY, entry=14 * DAY)
    entry_counts_as_health: bool = True
    certificate_counts_as_health: bool = False
    symptoms: tuple[str, ...] = (*SYMPTOMS, UNSPECIFIED)  # these warn
    exposures: tuple[str, ...] = EXPOSURES  # these warn
    entry_before_return: bool = True  # an entry declared after arriving warns
    zones: bool = True
    places: bool = True
    checks_on_way_out: bool = False  # False: a check-out asks for no declaration
    repeat_window: Seconds = 600
    reentry_window: Seconds = 0  # 0: none; entering again sooner than this after going out warns
    anti_passback: bool = False  # entering twice without leaving, or leaving without entering, warns
    inside_at_most: Seconds = 16 * 3600  # after this somebody who never checked out counts as gone
    toggle_after: Seconds = 60  # a toggle gate takes a second showing within this as the same passage
    unasked: Literal["unverified", "warn", "pass"] = "unverified"  # nobody could be asked and nothing is held
    held_at_most: Seconds = 8 * DAY  # a held answer older than this counts as nothing held; a week away
    future_tolerance: Seconds = 300  # a date further ahead of the gate's clock than this is not believed


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An area people may not come from unremarked, at one of five levels; arrivals within the dates are meant."""

    edition: str
    province: str
    district: str = ""
    commune: str = ""
    hamlet: str = ""
    point: str = ""
    since: Moment | None = None
    until: Moment | None = None


class FlaggedPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place whose visitors within the dates warn (an outbreak there)."""

    place: str
    since: Moment | None = None
    until: Moment | None = None


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of the province's rules for one scope.

    ``scope``: ``all``, ``kind/venue``, ``district/<edition>/<code>`` or ``station/<name>``; the narrowest wins.
    A document with ``withdrawn`` has no rules: it takes back every lower version of its scope, and the next wider
    scope decides.
    """

    version: Annotated[int, msgspec.Meta(ge=1)]
    issued: Moment
    effective: Moment
    scope: str = "all"
    expires: Moment | None = None
    gates: dict[GateKind, GateRules] = {}
    zones: tuple[Zone, ...] = ()
    places: tuple[FlaggedPlace, ...] = ()
    note: str = ""
    withdrawn: bool | msgspec.UnsetType = msgspec.UNSET  # unset it is not sent: older stations refuse unknown keys

    @property
    def is_withdrawn(self) -> bool:
        """Whether this takes its scope's rules back instead of giving any."""
        return self.withdrawn is True

    def rules_for(self, kind: GateKind) -> GateRules:
        """The rules of a gate kind; the defaults when the document leaves it out."""
        return self.gates.get(kind, GateRules())
