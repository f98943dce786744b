"""A device that comes and goes: opened when it is there, told of once when it is lost, tried again after a pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from drivers.errors import DeviceError

Device = TypeVar("Device")


class Plug(Generic[Device]):
    """Holds an open device, or the wish to have one.

    ``opener`` opens the device or raises DeviceError; ``closer`` closes it whatever state it is in. After a loss the
    device is tried again after ``pause`` seconds, then after twice as long, up to ``longest``.
    """

    def __init__(
        self,
        opener: Callable[[], Device],
        closer: Callable[[Device], None],
        *,
        pause: float = 0.5,
        longest: float = 8.0,
    ) -> None:
        self._opener = opener
        self._closer = closer
        self._first_pause = pause
        self._longest = longest
        self._device: Device | None = None
        self._untold: DeviceError | None = None
        self._told = False
        self._rest()

    @property
    def away(self) -> bool:
        """Tell whether the device is not open."""
        return self._device is None

    def connect(self) -> None:
        """Try to open the device now; a failure is kept for the next ``get`` to tell."""
        try:
            self._device = self._opener()
        except DeviceError as error:
            self._untold = None if self._told else error
            self._postpone()
        else:
            self._told = False

    def get(self, timeout: float) -> Device | None:
        """Return the open device, or None when it is still away after ``timeout`` seconds.

        Raises DeviceError once for every loss, and once when the device was not there to begin with.
        """
        self._tell()
        if self._device is None:
            wait = self._try_at - time.monotonic()
            time.sleep(max(0.0, min(wait, timeout)))
            if wait <= timeout:
                self.connect()
                self._tell()
        return self._device

    def lost(self, error: DeviceError) -> DeviceError:
        """Close the device, which is gone or broken, and hand back the error for the caller to raise."""
        self.disconnect()
        self._told = True
        self._postpone()
        return error

    def working(self) -> None:
        """Take note that the device does its work, so that the next loss begins with a short pause again."""
        self._pause = self._first_pause

    def disconnect(self) -> None:
        """Close the device if it is open."""
        device, self._device = self._device, None
        if device is not None:
            self._closer(device)

    def close(self) -> None:
        """Close the device and forget its history, so that it can be used again from the start."""
        self.disconnect()
        self._untold, self._told = None, False
        self._rest()

    def _rest(self) -> None:
        self._pause = self._first_pause
        self._try_at = 0.0

    def _tell(self) -> None:
        error, self._untold = self._untold, None
        if error is not None:
            self._told = True
            raise error

    def _postpone(self) -> None:
        self._try_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, self._longest)
