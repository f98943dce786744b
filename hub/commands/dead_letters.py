"""``hub dead-letter``: rows that could not be read, listed, shown and replayed."""

from __future__ import annotations

import argparse
import base64
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from core import keys
from hub.commands.answering import here, name_of, who
from hub.commands.opening import opened
from hub.errors import DataError, MissingFile
from hub.journals import dead_letters
from hub.journals.dead_letters import Letter, Replayed, Wanted

LEFT = 1
SHOWN_AT_MOST = 100_000


def list_letters(given: argparse.Namespace) -> int:
    """``hub dead-letter list``."""
    with opened(given) as (store, _), store.reading() as connection:
        found = dead_letters.listed(connection, _wanted(given), SHOWN_AT_MOST)
    if given.json:
        print(msgspec.json.encode(found).decode())
        return os.EX_OK
    for each in found:
        print(f"{_name(each)}  {each.arrived:%Y-%m-%d %H:%M}  {each.size} bytes  {each.cause}")
    if not found:
        print("no dead letters")
    return os.EX_OK


def show_letter(given: argparse.Namespace) -> int:
    """``hub dead-letter show``."""
    with opened(given) as (store, _), store.reading() as connection:
        found = dead_letters.listed(connection, Wanted(*given.letter), 1)
        if not found:
            raise DataError([f"{'/'.join(map(str, given.letter))}: no such dead letter"])
        raw = dead_letters.raw(connection, found[0])
    told = msgspec.to_builtins(found[0], builtin_types=(datetime,))
    if given.raw:
        told["raw"] = base64.b64encode(raw).decode()
    if given.json:
        print(msgspec.json.encode(told).decode())
        return os.EX_OK
    for name, value in told.items():
        print(f"{name}  {value}")
    return os.EX_OK


def replay(given: argparse.Namespace) -> int:
    """``hub dead-letter replay``."""
    wanted = Wanted(*given.letter) if given.letter else _wanted(given)
    if not (given.all or given.letter or given.station or given.cause):
        raise DataError(["say which: one by its name, --station, --cause, or --all"])
    earlier = _key(given.key) if given.key else None
    with opened(given) as (store, ring):
        with store.reading() as connection:
            by = name_of(who(connection, given))
        done = dead_letters.replay(
            *(store, ring, wanted, by, here(), lambda: datetime.now(UTC)), earlier=earlier, told=_progress
        )
    if given.json:
        print(msgspec.json.encode(done).decode())
    else:
        print(f"{done.read} rows read")
        for cause, count in done.left.items():
            print(f"{count} left: {cause}")
    return LEFT if done.left else os.EX_OK


def _wanted(given: argparse.Namespace) -> Wanted:
    return Wanted(station=given.station or "", cause=given.cause or "")


def _name(letter: Letter) -> str:
    return f"{letter.station}/{letter.epoch}/{letter.seq}"


def _key(path: Path) -> bytes:
    try:
        return keys.decode_key(path.read_text())
    except OSError as error:
        raise MissingFile(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError([f"{path}: {error}"]) from error


def _progress(so_far: Replayed) -> None:
    if sys.stderr.isatty():
        print(f"\r{so_far.read} read, {sum(so_far.left.values())} left", end="", file=sys.stderr, flush=True)
