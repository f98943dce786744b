"""What the front-panel page is given of a station: what to show, and which simulated devices to present to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from drivers.buttons import Buttons, SimButtons
from drivers.camera import Camera
from drivers.camera_sim import SimCamera
from drivers.scanner import Scanner
from drivers.scanner_sim import SimKeys
from station.gate import Doorway, Presented
from station.health import Status
from station.panel import Panel
from station.sources import Captures


@dataclass(frozen=True, kw_only=True)
class FrontParts:
    """A joined station as the page sees it; ``listeners`` are called with what became of each presentation.

    ``fill`` leaves the journal no room, or gives it back what it had: only a demo's page asks for that.

    Only simulated devices can be presented to: a page must never be a way into a real gate.
    """

    where: Callable[[], Doorway]
    panel: Panel
    journal: Path
    status: Callable[[], Status]
    listeners: list[Callable[[Presented], None]]
    captures: Captures
    now: Callable[[], datetime]
    camera: Camera
    scanners: Sequence[Scanner]
    buttons: Buttons
    fill: Callable[[bool], None] = lambda full: None

    @property
    def doorway(self) -> Doorway:
        """Which gate this is; the hub may have ordered it elsewhere since the page began."""
        return self.where()

    @property
    def sim_camera(self) -> SimCamera | None:
        """The camera, when pictures can be held up to it."""
        return self.camera if isinstance(self.camera, SimCamera) else None

    @property
    def sim_keys(self) -> SimKeys | None:
        """The first scanner that can be typed for."""
        return next((one for one in self.scanners if isinstance(one, SimKeys)), None)

    @property
    def sim_buttons(self) -> SimButtons | None:
        """The guard's buttons, when they can be pressed from here."""
        return self.buttons if isinstance(self.buttons, SimButtons) else None
