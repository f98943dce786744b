"""Waiting for what the kernel, udev or a started program does in its own time, with a bound."""

import time
from collections.abc import Callable
from typing import TypeVar

from drivers.errors import DeviceError

Seen = TypeVar("Seen")

BOUND = 120.0
"""Seconds; the guest's processor is simulated, and slow."""


def wait_for(look: Callable[[], Seen], what: str, bound: float = BOUND) -> Seen:
    """Look again and again until there is something to see, and return it; AssertionError when there never is."""
    until = time.monotonic() + bound
    while not (seen := look()):
        assert time.monotonic() < until, f"waited {bound:.0f} s for {what}"
        time.sleep(0.02)
    return seen


def told_loss(read: Callable[[float], object], bound: float = BOUND) -> DeviceError:
    """Read from a device that is lost until its driver says so, and return what it says."""
    until = time.monotonic() + bound
    while time.monotonic() < until:
        try:
            read(0.3)
        except DeviceError as error:
            return error
    raise AssertionError(f"no loss was told within {bound:.0f} s")
