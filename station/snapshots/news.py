"""What the hub announces of which snapshot there is: believed when it is signed with the pinned key, and newer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from core import keys, wire
from core.chunks import Newest

log = logging.getLogger(__name__)


class News:
    """Tells each piece of news once; ``latest`` gives what was said last, or nothing."""

    def __init__(self, latest: Callable[[], bytes], signer: bytes) -> None:
        self._latest, self._signer = latest, signer
        self._seen = b""
        self._told: datetime | None = None
        self._complained = False

    def of_newer(self, held: datetime | None) -> bool:
        """Whether there is one that is newer than what is held, of which this was not said before."""
        said = self._latest()
        if said == self._seen:
            return False
        self._seen = said
        if not said:
            return False  # taken down
        try:
            newest = wire.decode(keys.verify(self._signer, wire.decode(said, wire.Signed)), Newest)
        except ValueError:
            self._complain()
            return False
        if any(known is not None and newest.as_of <= known for known in (held, self._told)):
            return False
        self._told = newest.as_of
        log.info("a newer snapshot is announced", extra={"version": newest.version})
        return True

    def _complain(self) -> None:
        """Once, however much of it comes."""
        if not self._complained:
            log.warning("what is announced of a snapshot is refused: it is not signed with [hub] policy_key")
        self._complained = True
