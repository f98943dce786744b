"""``config.toml`` to frozen settings: every fault is listed at once, with its key and the cure.

``read`` is arithmetic on text; ``load`` also opens the files that the text names.  Keys that nobody knows are refused,
so that a misspelt one is a fault and not a setting that silently does nothing.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from station import secretfiles
from station.contradictions import contradictions, remarks
from station.document import Reader
from station.errors import ConfigError, StationError
from station.options import options
from station.settings import COMPANIONS, DEVICES, SECTIONS, Scanner, Settings

__all__ = [
    "COMPANIONS",
    "DEFAULT_PATH",
    "DEVICES",
    "SECTIONS",
    "ConfigMissing",
    "Scanner",
    "Settings",
    "find",
    "load",
    "options",
    "read",
    "remarks",
]

DEFAULT_PATH: Final = Path("/etc/tram-quet/config.toml")
"""Where a packaged station keeps its configuration."""


class ConfigMissing(StationError, FileNotFoundError):
    """The configuration that the command line names cannot be opened."""

    exit_code = 78

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(str(path), problem)
        self.path = path
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}; write one with `station configure`, or name another with --config"


def load(
    path: Path, *, data: Path | None = None, environ: Mapping[str, str] = os.environ, here: bool = True
) -> Settings:
    """The settings of a file; ``ConfigError`` with every fault, ``ConfigMissing`` when there is no such file.

    ``data`` overrides the data folder, and so does systemd's ``STATE_DIRECTORY``.  With ``here`` false the file is
    meant for another board: the secrets and certificates it names are not opened.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), [f"byte {error.start} is not UTF-8; save the file as UTF-8"]) from error
    except OSError as error:
        raise ConfigMissing(path, error.strerror or str(error)) from error
    settings = _in_folder(read(text, path=str(path), base=path.parent), data, environ)
    return secretfiles.opened(settings, path) if here else settings


def find(path: Path | None) -> Path | None:
    """The file to read: the one named, else the packaged one when it is there, else None."""
    if path is not None:
        return path
    return DEFAULT_PATH if DEFAULT_PATH.exists() else None


def read(text: str, *, path: str = "config.toml", base: Path = Path()) -> Settings:
    """The settings that a text holds, without opening anything; ``path`` is its name in faults.

    Paths in the text are taken from the folder ``base``.  Raises ``ConfigError``.
    """
    document = _parse(text, path)
    reader = Reader(base)
    parts = reader.sections(document)
    reader.expect_name(document.get("station"))
    settings = Settings(**parts)
    told = [fault for sections, fault in contradictions(settings) if not sections & reader.broken]
    if faults := [*reader.faults, *told]:
        raise ConfigError(path, faults)
    return settings


def _parse(text: str, path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        lines = text.split("\n")
        end = f"at line {len(lines)}, column {len(lines[-1]) + 1}"
        problem = str(error).replace("at end of document", end)
        raise ConfigError(path, [f"not TOML: {problem}; text stands in quotes, each key on its own line"]) from error
    except RecursionError as error:
        raise ConfigError(path, ["nested too deeply to be a configuration"]) from error


def _in_folder(settings: Settings, data: Path | None, environ: Mapping[str, str]) -> Settings:
    folder = data or environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if not folder:
        return settings
    return msgspec.structs.replace(settings, station=msgspec.structs.replace(settings.station, data=Path(folder)))
