"""What the messages of many stations have alike, kept once: their devices, and the words of their versions."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

from msgspec.structs import replace

from core.health import Health

MOST = 1_024
"""So many different ones are known at once; then all are forgotten, which costs nothing but memory."""

T = TypeVar("T", bound=Hashable)


class Common:
    """Gives for a part of a message the equal one that came before it; used under the fleet's lock only."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Hashable] = {}

    def thinned(self, health: Health, station: str) -> Health:
        """The same message with parts that others have, too; ``station`` is its name as the registry has it."""
        versions = health.versions
        versions = replace(versions, software=self._one(versions.software), snapshot=self._one(versions.snapshot))
        return replace(health, station=station, devices=self._one(health.devices), versions=versions)

    def _one(self, part: T) -> T:
        if len(self._known) >= MOST:
            self._known.clear()
        return self._known.setdefault(part, part)  # type: ignore[return-value]  # what is equal is of one kind here
