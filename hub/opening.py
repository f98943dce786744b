"""A hub's database and keys, opened together."""

from __future__ import annotations

from hub.config import Settings
from hub.errors import ConfigError
from hub.storage import keyring
from hub.storage.keyring import Keyring
from hub.storage.store import Store, not_opened
from hub.storage.weather import AWAY


def open_store(settings: Settings) -> tuple[Store, Keyring]:
    """The database at this program's schema and the keys that belong to it, both made at the first start."""
    try:
        settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"data folder {settings.folder}: {error.strerror or error}") from error
    store = Store(settings.database_url)
    store.upgrade()
    ring = keyring.load(settings.folder / "keys")
    try:
        with store.writing() as connection:
            keyring.tie(connection, ring)
    except AWAY as error:
        raise not_opened(settings.database_url, error) from error
    return store, ring
