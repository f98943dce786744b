"""Whose signed declarations this gate believes: the trust folder's keys and those the hub has announced."""

from __future__ import annotations

from collections.abc import Iterator

from station.config import Settings
from station.doctor.findings import Finding, ok, warn
from station.hub_keys import held_by


def find(settings: Settings) -> Iterator[Finding]:
    """Read both and name the key ids; ``ConfigError`` when the folder cannot be read."""
    held = held_by(settings)
    told = f"; the hub's list is version {held.version}" if held.version else ""
    if held.ids:
        yield ok("signers", f"believes {', '.join(held.ids)}{told}")
    elif settings.has_hub:
        yield warn("signers", "believes no signed declaration", "let it reach its hub once, or fill [trust] folder")
    else:
        yield ok("signers", "believes no signed declaration, and has no hub")
