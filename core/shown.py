"""What a station shows beside its health: how it is set up, and while somebody looks on its lamp and last outcomes.

Nothing about people: who was presented stays at the gate.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from core.health import Word
from core.model import Moment
from core.wire import NO_NUL, StationName

FACE_BYTES = 2_048
SETTINGS_BYTES = 32_768
"""No message is larger."""

GLIMPSES = 5
"""So many outcomes at most are in a face."""

LOOKED_ON = 60
"""Seconds for which a station tells its face after the hub last said that somebody looks on."""

Value = str | bool | int | float | None


class Glimpse(msgspec.Struct, frozen=True, omit_defaults=True):
    """One presentation: when, what came of it and why, which kind of code; never whose."""

    at: Moment
    outcome: Word
    reasons: Annotated[tuple[Word, ...], Meta(max_length=8)] = ()
    code_kind: Word = ""
    direction: Word = ""
    ms: Annotated[float, Meta(ge=0, le=1e7)] = 0.0


class Face(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``face`` topic: the lamp as it is now and the last outcomes, the newest first; never retained."""

    station: StationName
    at: Moment
    colour: Word = "off"
    blinks: bool = False
    last: Annotated[tuple[Glimpse, ...], Meta(max_length=GLIMPSES)] = ()


class LookedOn(msgspec.Struct, frozen=True):
    """``watched`` topic: somebody looks on; for so many seconds the station is to tell its face when it changes."""

    seconds: Annotated[int, Meta(ge=0, le=300)] = LOOKED_ON


class RunningSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``settings`` topic, retained, and the body of ``POST /v1/settings``: the settings in force, section by section.

    Secrets and keys are not in it: for each stands only whether it is set.
    """

    station: StationName
    session: Annotated[str, Meta(min_length=1, max_length=64, pattern=NO_NUL)]
    at: Moment
    version: Word = ""
    sections: Annotated[
        dict[
            Word,
            Annotated[
                dict[Word, Annotated[str, Meta(max_length=300, pattern=NO_NUL)] | bool | int | float | None], Meta()
            ],
        ],
        Meta(max_length=40),
    ]
