"""What goes to the hub beside health and rows: the settings in force, and the gate's face while somebody looks on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from core.shown import Face, RunningSettings
from station.faces import Faces


class Line(Protocol):
    """A line to the hub that both can go over."""

    def tell_settings(self, settings: RunningSettings) -> bool:
        """Brings the settings; False when the line is down."""

    def tell_face(self, face: Face) -> None:
        """Brings the face, or loses it."""


@dataclass
class Showing:
    """``settings`` gives those in force; they are told whenever ``number`` has grown, and with every new line."""

    faces: Faces | None = None
    settings: Callable[[], RunningSettings] | None = None
    number: int = 0

    def changed(self) -> None:
        """Has the settings told anew; by any thread."""
        self.number += 1

    def look_on(self, payload: bytes) -> None:
        """Somebody at the hub looks on."""
        if self.faces is not None:
            self.faces.look_on(payload)

    def tell(self, line: Line, told: int) -> int:
        """Tells what is new over a line that has been told the settings of number ``told``; the number it has now."""
        number = self.number
        if self.settings is not None and told != number and line.tell_settings(self.settings()):
            told = number
        if self.faces is not None and (face := self.faces.take()) is not None:
            line.tell_face(face)
        return told
