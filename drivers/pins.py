"""The board's GPIO pins, as every lamp, buzzer, relay and button of a station shares them.

A driver asks ``pin_factory`` for the pins and builds its gpiozero devices inside ``refusals``::

    with refusals("relay on GPIO17"):
        self._coil = gpiozero.DigitalOutputDevice(17, pin_factory=pin_factory(self.chip))
"""

from __future__ import annotations

import atexit
import functools
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from drivers.errors import DeviceError

if TYPE_CHECKING:
    import gpiozero

HIGHEST_PIN: Final = 53
"""The last line of a Pi's GPIO bank; 0 to 27 are on the 40-pin header."""

# A Pi 4B's code: on a board that is no Pi, GPIO n then simply means line n of the chip that was named.
_REVISION_OF_A_4B: Final = 0xC03111


def check_pin(option: str, pin: int | None) -> None:
    """Refuse a GPIO (BCM) number that no Pi has; ``None`` means that nothing is connected."""
    if pin is not None and not 0 <= pin <= HIGHEST_PIN:
        raise ValueError(f"{option} = {pin} is not a GPIO number: give 0 to {HIGHEST_PIN} (BCM numbering)")


def pin_factory(chip: int | None) -> gpiozero.Factory:
    """Return gpiozero's factory for ``/dev/gpiochip<chip>``; None lets the Pi's model choose the chip.

    A factory that the process already chose (``gpiozero.Device.pin_factory`` or ``GPIOZERO_PIN_FACTORY``) is kept when
    ``chip`` is None. Raises DeviceError when the board has no such pins or lgpio is not installed.
    """
    import gpiozero

    if chip is None and os.environ.get("GPIOZERO_PIN_FACTORY"):
        with refusals("pins"):
            gpiozero.Device.ensure_pin_factory()
    if chip is None and gpiozero.Device.pin_factory is not None:
        return gpiozero.Device.pin_factory
    with refusals("pins" if chip is None else f"pins of gpiochip{chip}"):
        return _lgpio_factory(chip)


@contextmanager
def refusals(device: str) -> Iterator[None]:
    """Turn whatever gpiozero and lgpio raise inside the block into a DeviceError about ``device``."""
    try:
        yield
    except DeviceError:
        raise
    except _kinds() as error:
        raise DeviceError(device, str(error).strip("'") or type(error).__name__, _cure(error)) from error


def _kinds() -> tuple[type[Exception], ...]:
    """What gpiozero and lgpio raise; lgpio's own error is a bare Exception, and lgpio may have been loaded just now."""
    import gpiozero

    lgpio = sys.modules.get("lgpio")
    return gpiozero.GPIOZeroError, OSError, ImportError, *([lgpio.error] if lgpio else [])


@functools.cache  # lgpio hands a line to one holder only: all drivers of a process must share one handle of the chip
def _lgpio_factory(chip: int | None) -> gpiozero.Factory:
    _import_lgpio()
    import gpiozero
    from gpiozero.pins.lgpio import LGPIOFactory

    class ChipFactory(LGPIOFactory):  # type: ignore[misc]  # gpiozero ships no types
        def _get_revision(self) -> int:
            try:
                return int(super()._get_revision())
            except gpiozero.PinUnknownPi:
                if chip is None:
                    raise
                return _REVISION_OF_A_4B

    return ChipFactory(chip)


def _import_lgpio() -> None:
    """Import lgpio so that its notification pipe lies in a folder of its own and not wherever we were started.

    It reads ``LG_WD`` while it is imported and then changes the whole process into that folder, so we change back.
    """
    if "lgpio" in sys.modules:
        return
    folder = tempfile.mkdtemp(prefix="lgpio-", dir=os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0] or None)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["LG_WD"] = folder
    here = os.getcwd()
    try:
        importlib.import_module("lgpio")
    finally:
        os.chdir(here)


def _cure(error: Exception) -> str:
    import gpiozero

    if isinstance(error, ImportError):
        return "install python3-lgpio, or set the driver to null"
    if isinstance(error, gpiozero.PinUnknownPi):
        return "this board is no Raspberry Pi: give chip = N for /dev/gpiochipN, or set the driver to null"
    if isinstance(error, gpiozero.GPIOPinInUse):
        return "give each device its own pin"
    if isinstance(error, PermissionError):
        return "put the service's user into the group gpio"
    return "check the wiring and that no other program holds the pin"
