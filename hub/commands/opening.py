"""What every command opens first: its settings, the store, the keys."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from hub import config
from hub.config import Settings
from hub.opening import open_store
from hub.storage.keyring import Keyring
from hub.storage.store import Store


def settings_of(given: argparse.Namespace) -> Settings:
    """The settings file's, with the command line's data folder on top."""
    settings = config.load(given.config) if given.config else Settings()
    return msgspec.structs.replace(settings, data=str(given.data)) if given.data else settings


@contextmanager
def opened(given: argparse.Namespace) -> Iterator[tuple[Store, Keyring]]:
    """The store and keys for one command."""
    store, ring = open_store(settings_of(given))
    try:
        yield store, ring
    finally:
        store.close()
