"""The desk that the settings ask for, with everything it needs looked at before the hub says that it is ready."""

from __future__ import annotations

from pathlib import Path

from hub.config import ProvinceSettings
from hub.logs import Tally
from hub.province import line, mapping_file
from hub.province.desk import Desk
from hub.storage.keyring import Keyring


def open_desk(settings: ProvinceSettings, ring: Keyring, tally: Tally) -> Desk | None:
    """None when the registry is the hub's own; ``ConfigError`` names the file and key that does not do."""
    if not settings.is_asked:
        return None
    mapping = mapping_file.load(Path(settings.mapping))
    line.trust(settings)
    line.check_token(settings)
    return Desk(settings, mapping, ring, tally)
