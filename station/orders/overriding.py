"""What may be ordered otherwise than the configuration says."""

from __future__ import annotations

import msgspec

from core.model import Direction
from core.orders import QuietHours


class Override(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is ordered; what is not there is as configured."""

    place: str = ""
    name: str = ""
    district: str = ""
    direction: Direction | None = None
    quiet: QuietHours | None = None
