"""What the hub has ordered otherwise than the configuration says: place, direction, quiet hours.

One file in the data folder, replaced whole; without it, and where it says nothing, the configuration holds.
"""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

import msgspec

from core import wire
from core.orders import QuietHours, SetPlace
from station.gate import Doorway
from station.orders.overriding import Override
from station.sections import Quiet
from station.settings import Settings

log = logging.getLogger(__name__)


class Overrides:
    """What is in force; ``OSError`` when a change cannot be kept, and then it is not made."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._path = settings.data / "overrides.json"
        self.now = _read(self._path)

    @property
    def doorway(self) -> Doorway:
        """Which gate this is."""
        own, now = self._settings.station, self.now
        place, name = (now.place, now.name) if now.place else (own.place, own.place_name)
        return Doorway(own.kind, place, name, now.direction or own.direction)

    @property
    def district(self) -> str:
        """Which district's policies speak to this gate."""
        return self.now.district if self.now.place else self._settings.station.district

    @property
    def quiet(self) -> Quiet:
        """When the buzzer is quiet."""
        own, hours = self._settings.quiet, self.now.quiet
        return own if hours is None else msgspec.structs.replace(own, start=hours.start, end=hours.end)

    def put_place(self, task: SetPlace) -> None:
        """Stands elsewhere or lets through another way; neither: as configured."""
        if task.place or task.direction is not None:
            values: dict[str, object] = {}
            if task.place:
                values |= {"place": task.place, "name": task.name, "district": task.district}
            values |= {"direction": task.direction} if task.direction is not None else {}
        else:
            values = {"place": "", "name": "", "district": "", "direction": None}
        self._keep(msgspec.structs.replace(self.now, **values))

    def put_quiet(self, task: QuietHours) -> None:
        """Has other quiet hours; none: as configured."""
        self._keep(msgspec.structs.replace(self.now, quiet=None if task.start is None else task))

    def _keep(self, override: Override) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        try:
            with fresh.open("wb") as file:
                file.write(wire.encode(override))
                file.flush()
                os.fsync(file.fileno())
            os.replace(fresh, self._path)
        except OSError:
            with contextlib.suppress(OSError):
                fresh.unlink()
            raise
        self.now = override


def _read(path: Path) -> Override:
    try:
        return wire.decode(path.read_bytes(), Override)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        log.error("overrides cannot be read: the configuration holds", extra={"file": str(path), "problem": str(error)})
    return Override()
