"""The tray of ready-made people: who shows what at which gate, and what must come of it, as one JSON file."""

from __future__ import annotations

import msgspec

from core.model import Direction, GateKind, Outcome, Reason


class Expected(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a gate must say, written by hand; ``showing`` counts showings of the same code at the same gate.

    ``online`` False: with the network cut and the station never asked about this code before; ``full``: with no room
    left on the station's card.
    """

    gate: GateKind
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    direction: Direction = Direction.IN
    online: bool = True
    showing: int = 1
    full: bool = False


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """One card of the tray; the code is ``text``, or ``data`` in base64 where it is no text."""

    label: str
    title_vi: str
    title_en: str
    family: str  # a CodeKind
    expected: tuple[Expected, ...]
    text: str = ""
    data: str = ""
    ref: str = ""  # the person's in the people file


class Cast(msgspec.Struct, frozen=True):
    """The whole tray; ``places`` names the place of each gate kind that the expectations speak of."""

    places: dict[GateKind, str]
    members: tuple[Member, ...]
