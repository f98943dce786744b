"""Keeps a device's trouble from stopping anybody: told once per change, remembered for the health report."""

from __future__ import annotations

import logging
from collections.abc import Callable

from drivers.errors import DeviceError

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds between tries of a device in trouble."""


class Guard:
    """One device's trouble; ``pause`` is how long to wait before it is tried again for its own sake."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.trouble: DeviceError | None = None
        self.pause = FIRST_PAUSE

    def attempt(self, action: Callable[[], None]) -> bool:
        """Do something with the device; False when it refused."""
        try:
            action()
        except DeviceError as error:
            self._fail(error)
            return False
        self._recover()
        return True

    def _fail(self, error: DeviceError) -> None:
        if self.trouble is None or str(self.trouble) != str(error):
            log.warning("%s: %s", self.device, error, extra={"device": self.device, "cure": error.cure})
            self.pause = FIRST_PAUSE
        else:
            self.pause = min(self.pause * 2, LONGEST_PAUSE)
        self.trouble = error

    def _recover(self) -> None:
        if self.trouble is not None:
            log.info("%s works again", self.device, extra={"device": self.device})
            self.trouble, self.pause = None, FIRST_PAUSE
