"""The files that a configuration names: secrets are read, certificates and folders are looked for."""

from __future__ import annotations

from pathlib import Path

import msgspec

from station.errors import ConfigError
from station.settings import Settings

OTHERS = 0o007
"""The mode bits that let anyone on the board at a file."""


def opened(settings: Settings, path: Path) -> Settings:
    """The settings with token and passwords read from their files; ``ConfigError`` lists what cannot be read."""
    faults: list[str] = []
    token = _secret("[hub] token_file", settings.hub.token_file, faults)
    password = _secret("[mqtt] password_file", settings.mqtt.password_file, faults)
    of_place = _secret("[place] password_file", settings.place.password_file, faults)
    _look_for("[hub] ca_file", settings.hub.ca_file, faults)
    _look_for("[mqtt] ca_file", settings.mqtt.ca_file, faults)
    _look_for("[place] ca_file", settings.place.ca_file, faults)
    _look_for("[trust] folder", settings.trust.folder, faults, folder=True)
    if faults:
        raise ConfigError(str(path), faults)
    return msgspec.structs.replace(
        settings,
        hub=msgspec.structs.replace(settings.hub, token=token, token_file=None) if token else settings.hub,
        mqtt=msgspec.structs.replace(settings.mqtt, password=password, password_file=None)
        if password
        else settings.mqtt,
        place=msgspec.structs.replace(settings.place, password=of_place, password_file=None)
        if of_place
        else settings.place,
    )


def _secret(where: str, path: Path | None, faults: list[str]) -> str:
    if path is None:
        return ""
    try:
        words, mode = path.read_text("utf-8").split(), path.stat().st_mode
    except UnicodeDecodeError:
        faults.append(f"{where}: {path} is not text; put the secret there on one line")
        return ""
    except OSError as error:
        faults.append(f"{where}: {path}: {error.strerror}; put the secret there, readable by the service's user")
        return ""
    if mode & OTHERS:
        faults.append(f"{where}: anyone on this board may open {path}; chmod 640 {path}")
    if len(words) != 1:
        faults.append(f"{where}: {path} holds {len(words)} words; put the secret there alone, on one line")
    return words[0] if words else ""


def _look_for(where: str, path: Path | None, faults: list[str], *, folder: bool = False) -> None:
    if path is not None and not (path.is_dir() if folder else path.is_file()):
        kind = "folder" if folder else "file"
        faults.append(f"{where}: there is no {kind} {path}; create it, or correct the path")
