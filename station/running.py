"""The settings that this station runs with, as its hub may see them: of secrets only that they are set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from core.health import shortened
from core.shown import RunningSettings, Value
from station import __version__
from station.orders.overriding import Override
from station.settings import DEVICES, SECTIONS, Settings

SET = "•••"
"""What stands for a secret that is set."""

_LONGEST = 300
_WITHIN_URL = re.compile(r"(?<=://)[^/@]*@")


def running(settings: Settings, override: Override, session: str, now: datetime) -> RunningSettings:
    """Everything in force now, what was ordered otherwise under ``ordered``."""
    sections = dict(_sections(settings))
    if override != Override():
        sections["ordered"] = _plain(override)
    own = settings.station.name
    return RunningSettings(station=own, session=session, at=now, version=__version__, sections=sections)


def _sections(settings: Settings) -> Iterator[tuple[str, dict[str, Value]]]:
    for name in SECTIONS:
        yield name, _plain(getattr(settings, name))
    for name, drivers in DEVICES.items():
        if name == "scanner":
            for number, one in enumerate(settings.scanners[:8], 1):
                yield f"scanner {number}", _device(one.device, drivers) | _plain(one.framing)
        else:
            yield name, _device(getattr(settings, name), drivers)
    yield "release", _plain(settings.release)


def _device(device: object, drivers: Mapping[str, type]) -> dict[str, Value]:
    named = next((name for name, kind in drivers.items() if type(device) is kind), "?")
    return {"driver": named} | _plain(device)


def _plain(section: Any) -> dict[str, Value]:  # noqa: ANN401  # a section is a struct, a device a dataclass
    if isinstance(section, Struct):
        secret = {each.name for each in msgspec.structs.fields(section) if _is_secret(each.type)}
        names = section.__struct_fields__
    else:
        secret, names = set(), tuple(getattr(section, "__dataclass_fields__", ()))
    shown = (name for name in names if not name.startswith("_"))
    return {name: _value(getattr(section, name), hidden=name in secret) for name in shown}


def _is_secret(kind: object) -> bool:
    return any((getattr(each, "extra", None) or {}).get("secret") for each in getattr(kind, "__metadata__", ()))


def _value(value: object, *, hidden: bool) -> Value:
    if hidden or isinstance(value, bytes):
        return SET if value else ""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        value = ", ".join(str(each) for each in value)
    return shortened(_WITHIN_URL.sub(f"{SET}@", str(value)), _LONGEST)
