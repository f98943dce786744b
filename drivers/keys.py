"""One key of a scanner that types like a keyboard, as the kernel tells it."""

from __future__ import annotations

import time
from typing import Final

import msgspec

UP: Final = 0
DOWN: Final = 1
REPEAT: Final = 2

LOST: Final = 0
"""The code (the kernel's KEY_RESERVED) of a Key that says: some keys before this one were lost, begin afresh."""


class Key(msgspec.Struct, frozen=True):
    """A change of one key: ``code`` is the kernel's (linux/input-event-codes.h), ``value`` UP, DOWN or REPEAT.

    ``at`` is when it was pressed, not when it was read, in seconds of one clock for each device. What the key means
    depends on the layout and is decided elsewhere.
    """

    code: int
    value: int
    at: float = msgspec.field(default_factory=time.monotonic)
