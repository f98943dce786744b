"""When the certificates end by which this station knows its hub and its broker: past that it reaches neither."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cryptography import x509

log = logging.getLogger(__name__)

AGAIN = 3_600.0
"""Seconds after which the files are read again: somebody may have put newer ones in their place."""


class Certificates:
    """The earliest end among the PEM files that are configured; used by one thread."""

    def __init__(self, files: Sequence[Path | None]) -> None:
        self._files = tuple(dict.fromkeys(file for file in files if file is not None))
        self._next = float("-inf")
        self._ends: datetime | None = None
        self._problem = ""

    def ends(self) -> datetime | None:
        """When the first of them ends; None when there is none to read."""
        if self._files and time.monotonic() >= self._next:
            self._next = time.monotonic() + AGAIN
            self._ends = min((end for file in self._files for end in self._of(file)), default=None)
        return self._ends

    def _of(self, file: Path) -> list[datetime]:
        try:
            return [each.not_valid_after_utc for each in x509.load_pem_x509_certificates(file.read_bytes())]
        except (OSError, ValueError) as error:
            problem = f"{file}: {error}"
            if problem != self._problem:
                log.warning("certificate cannot be read", extra={"file": str(file), "problem": str(error)})
            self._problem = problem
            return []
