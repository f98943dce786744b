"""The cameras and scanners that are plugged into this board, each with the section that would choose it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOUNDS_LIKE_A_SCANNER = re.compile(
    r"barcode|scan|symbol|zebra|honeywell|datalogic|newland|opticon|cognex|netum|hprt|sunmi", re.IGNORECASE
)
"""Makers and words in the names of scanners that type like keyboards; true keyboards have none of them."""


DEV = Path("/dev")
"""Where devices are."""


@dataclass(frozen=True)
class Found:
    """A device that is there: what to call it, the section that chooses it, and whether it is surely what it seems."""

    name: str
    section: dict[str, Any]
    sure: bool = True


def cameras(dev: Path) -> tuple[Found, ...]:
    """Cameras on the board's own connector, then webcams by the names that stay the same in another socket."""
    webcams = sorted((dev / "v4l/by-id").glob("*-video-index0"))
    return (
        *_on_the_ribbon(),
        *(Found(f"webcam {path.name}", {"driver": "v4l2", "device": str(path)}) for path in webcams),
    )


def scanners(dev: Path) -> tuple[Found, ...]:
    """Scanners that type and scanners with a serial line; a keyboard is in the list too, but not as a sure one."""
    typing = sorted((dev / "input/by-id").glob("*-event-kbd"))
    lines = sorted((dev / "serial/by-id").glob("*"))
    return (
        *(
            Found(
                f"USB scanner {path.name}",
                {"driver": "hid", "id": path.name},
                sure=bool(SOUNDS_LIKE_A_SCANNER.search(path.name)),
            )
            for path in typing
        ),
        *(Found(f"serial scanner {path.name}", {"driver": "serial", "port": str(path)}) for path in lines),
    )


def _on_the_ribbon() -> tuple[Found, ...]:
    try:
        from picamera2 import Picamera2
    except ImportError:  # no board of that kind, or no camera software on it
        return ()
    return tuple(
        Found(f"board camera {one['Model']}", {"driver": "picamera2", "number": one["Num"]})
        for one in Picamera2.global_camera_info()
        if "usb" not in one["Id"]
    )
