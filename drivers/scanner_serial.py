"""Scanners on a serial line, or on USB in the mode that looks like one."""

from __future__ import annotations

import glob
import select
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from drivers.errors import DeviceError
from drivers.plug import Plug
from drivers.sources import MOST_BYTES, Source

if TYPE_CHECKING:
    import serial


@dataclass
class SerialScanner:
    """A scanner behind a serial port.

    ``port`` is a path or a pattern of paths; the default takes the first USB scanner by name. A name under
    ``/dev/serial/by-id`` stays the same whichever socket the scanner is plugged into.
    """

    port: str = "/dev/serial/by-id/*"
    baud: int = 9600
    bits: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    flow: Literal["none", "rts-cts", "xon-xoff"] = "none"
    source: ClassVar[Source] = "serial"
    kind: ClassVar[Literal["bytes"]] = "bytes"

    def __post_init__(self) -> None:
        if not self.port.startswith("/"):
            raise ValueError(f"port = {self.port!r} must be a path such as /dev/serial/by-id/NAME or /dev/ttyACM0")
        if not 300 <= self.baud <= 4_000_000:
            raise ValueError(f"baud = {self.baud} must be 300 to 4000000")
        if self.bits not in (7, 8):
            raise ValueError(f"bits = {self.bits} must be 7 or 8")
        if self.parity not in ("none", "even", "odd"):
            raise ValueError(f"parity = {self.parity!r} must be none, even or odd")
        if self.stop_bits not in (1, 2):
            raise ValueError(f"stop_bits = {self.stop_bits} must be 1 or 2")
        if self.flow not in ("none", "rts-cts", "xon-xoff"):
            raise ValueError(f"flow = {self.flow!r} must be none, rts-cts or xon-xoff")
        self._plug: Plug[serial.Serial] = Plug(self._open, _close, pause=0.5, longest=2.0)

    @property
    def away(self) -> bool:
        """Tell whether the scanner is lost or was never found."""
        return self._plug.away

    def __enter__(self) -> Self:
        self._plug.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._plug.close()

    def read(self, timeout: float) -> bytes:
        """Return the next bytes, or none after ``timeout`` seconds; raises DeviceError once per loss."""
        line = self._plug.get(timeout)
        if line is None:
            return b""
        try:
            ready, _, _ = select.select([line], [], [], timeout)
            data: bytes = line.read(MOST_BYTES) if ready else b""
        except (OSError, ValueError, TypeError) as error:  # pyserial's own errors are OSErrors
            raise self._plug.lost(self._error(str(error))) from error
        if data:
            self._plug.working()
        return data

    def _open(self) -> serial.Serial:
        import serial

        paths = sorted(glob.glob(self.port))
        if not paths:
            raise self._error("it is not there")
        try:
            return serial.Serial(
                paths[0],
                self.baud,
                bytesize=self.bits,
                parity=self.parity[0].upper(),
                stopbits=self.stop_bits,
                rtscts=self.flow == "rts-cts",
                xonxoff=self.flow == "xon-xoff",
                timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError) as error:
            raise self._error(str(error)) from error

    def _error(self, problem: str) -> DeviceError:
        return DeviceError(f"scanner {self.port}", problem, "plug the scanner in, in its serial (COM port) mode")


def _close(line: serial.Serial) -> None:
    line.close()
