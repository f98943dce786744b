"""Standard input as a scanner: for pipes, for tests, and for scanners that another program reads."""

from __future__ import annotations

import os
import select
import time
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from drivers.errors import DeviceError
from drivers.sources import MOST_BYTES, Source


@dataclass
class StdinScanner:
    """Reads bytes from an open file descriptor, which is standard input unless ``descriptor`` says otherwise."""

    descriptor: int = 0
    source: ClassVar[Source] = "stdin"
    kind: ClassVar[Literal["bytes"]] = "bytes"

    def __post_init__(self) -> None:
        if self.descriptor < 0:
            raise ValueError(f"descriptor = {self.descriptor} must be 0 or more")
        self._ended = False

    @property
    def away(self) -> bool:
        """Tell whether the input has ended."""
        return self._ended

    def __enter__(self) -> Self:
        self._ended = False
        return self

    def __exit__(self, *_: object) -> None:
        pass  # whoever started us owns the descriptor

    def read(self, timeout: float) -> bytes:
        """Return the next bytes, or none after ``timeout`` seconds; raises DeviceError once when the input ends."""
        if self._ended:
            time.sleep(timeout)
            return b""
        try:
            ready, _, _ = select.select([self.descriptor], [], [], timeout)
            data = os.read(self.descriptor, MOST_BYTES) if ready else b""
        except (OSError, ValueError) as error:
            raise self._end(str(error)) from error
        if ready and not data:
            raise self._end("it has ended")
        return data

    def _end(self, problem: str) -> DeviceError:
        self._ended = True
        return DeviceError("scanner stdin", problem, "start the station with an input that stays open")
