"""What a station says of its orders."""

from __future__ import annotations

from datetime import datetime

import msgspec

from core.orders import Said


class LastOrder(msgspec.Struct, frozen=True):
    """The order that was taken last, and what became of it."""

    id: str
    kind: str
    status: Said
    words: str
    at: datetime


class OrderState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``station status`` says of orders; ``dropped`` counts what was none of ours, ``aiming`` is in seconds."""

    last: LastOrder | None = None
    dropped: int = 0
    aiming: float = 0.0
