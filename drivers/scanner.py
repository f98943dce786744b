"""Scanners: devices that read a code themselves and send it as keystrokes or bytes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol, Self

from drivers.keys import Key
from drivers.shelf import Shelf
from drivers.sources import Source


class KeyScanner(Protocol):
    """A scanner that types; a context manager that opens the device and lets it go again."""

    @property
    def kind(self) -> Literal["keys"]:
        """Say that it sends keys."""

    @property
    def source(self) -> Source:
        """Name the way by which its codes reach the station."""

    @property
    def away(self) -> bool:
        """Tell whether the device is lost or was never found."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def read(self, timeout: float) -> tuple[Key, ...]:
        """Return the next keys, a bounded number, or none when ``timeout`` seconds bring none.

        Raises DeviceError once when the scanner is missing or lost; later calls look for it again and return nothing
        meanwhile. What was typed before a loss is not continued after it.
        """


class ByteScanner(Protocol):
    """A scanner that sends bytes; a context manager that opens the device and lets it go again."""

    @property
    def kind(self) -> Literal["bytes"]:
        """Say that it sends bytes."""

    @property
    def source(self) -> Source:
        """Name the way by which its codes reach the station."""

    @property
    def away(self) -> bool:
        """Tell whether the device is lost or was never found."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def read(self, timeout: float) -> bytes:
        """Return the next bytes, a bounded number, or none when ``timeout`` seconds bring none.

        Raises DeviceError once when the scanner is missing or lost; later calls look for it again and return nothing
        meanwhile.
        """


Scanner = KeyScanner | ByteScanner


@dataclass
class NullScanner:
    """No scanner: there is never a byte."""

    source: ClassVar[Source] = "serial"
    kind: ClassVar[Literal["bytes"]] = "bytes"
    away: ClassVar[bool] = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, timeout: float) -> bytes:
        """Wait ``timeout`` seconds for nothing."""
        time.sleep(timeout)
        return b""


def _hid() -> type[Scanner]:
    from drivers.scanner_hid import HidScanner

    return HidScanner


def _serial() -> type[Scanner]:
    from drivers.scanner_serial import SerialScanner

    return SerialScanner


def _stdin() -> type[Scanner]:
    from drivers.scanner_stdin import StdinScanner

    return StdinScanner


def _sim() -> type[Scanner]:
    from drivers.scanner_sim import SimKeys

    return SimKeys


def _sim_serial() -> type[Scanner]:
    from drivers.scanner_sim import SimBytes

    return SimBytes


DRIVERS: Final[Shelf[Scanner]] = Shelf(
    {
        "hid": _hid,
        "serial": _serial,
        "stdin": _stdin,
        "sim": _sim,
        "sim-serial": _sim_serial,
        "null": lambda: NullScanner,
    }
)
"""The scanners that ``[[scanner]] driver = ...`` can name."""
