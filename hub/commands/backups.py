"""``hub backup`` and ``hub restore``."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import time
from datetime import UTC, datetime

import msgspec

from hub.commands.answering import note, who
from hub.commands.opening import opened, settings_of
from hub.custody import backups, restoring
from hub.custody.strongbox import SHORTEST_PASSPHRASE
from hub.errors import DataError, MissingFile


def backup(given: argparse.Namespace) -> int:
    """``hub backup``."""
    passphrase = _passphrase(given, twice=True)
    label = backups.write(settings_of(given), given.file, passphrase, datetime.now(UTC), _Meter().tell)
    size = given.file.stat().st_size
    said = f"{given.file}: {size} bytes, {label.people} people, {label.rows} rows of stations"
    print(msgspec.json.encode(label).decode() if given.json else said)
    return os.EX_OK


def restore(given: argparse.Namespace) -> int:
    """``hub restore``."""
    settings = settings_of(given)
    lists, passphrase = given.erasures or [], _passphrase(given, twice=False)
    restored = restoring.read(settings, given.file, passphrase, datetime.now(UTC), lists, _Meter().tell)
    label = restored.label
    with opened(given) as (store, _), store.writing() as connection:
        detail = {"file": given.file.name, "made": label.made.isoformat(timespec="minutes")}
        note(connection, who(connection, given), "restore", detail=detail)
    if given.json:
        print(msgspec.json.encode(restored).decode())
        return os.EX_OK
    made = f"made {label.made:%Y-%m-%d %H:%M} UTC, {label.people} people, {label.rows} rows of stations"
    print(f"restored to {settings.folder}, {made}")
    print(f"erased again: {restored.erased_again} people who had been erased after the backup was made")
    return os.EX_OK


class _Meter:
    """Says on a terminal how far it is, once it takes longer than a second."""

    def __init__(self) -> None:
        self._said = time.monotonic()
        self._is_begun = False

    def tell(self, done: int, of: int) -> None:
        """Hears how many rows are done."""
        now = time.monotonic()
        if not sys.stderr.isatty() or (now - self._said < 1 and not (self._is_begun and done >= of)):
            return
        self._said, self._is_begun = now, True
        print(f"\r{done} of {of} records", end="\n" if done >= of else "", file=sys.stderr, flush=True)


def _passphrase(given: argparse.Namespace, *, twice: bool) -> str:
    """From the file named, else asked for at the terminal; ``DataError`` when it is too short to protect anything."""
    if given.passphrase_file:
        try:
            typed = str(given.passphrase_file.read_text("utf-8")).strip()
        except OSError as error:
            raise MissingFile(f"{given.passphrase_file}: {error.strerror or error}") from error
    elif sys.stdin.isatty():
        typed = getpass.getpass("Passphrase: ")
        if twice and getpass.getpass("Again: ") != typed:
            raise DataError(["the two passphrases differ"])
    else:
        raise DataError(["no passphrase: name a file with --passphrase-file"])
    if len(typed) < SHORTEST_PASSPHRASE:
        raise DataError([f"the passphrase needs at least {SHORTEST_PASSPHRASE} characters"])
    return typed
