"""``hub order`` and ``hub orders``: tell a station what to do, see what became of it."""

from __future__ import annotations

import argparse
import getpass
import gzip
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from core.model import Direction
from core.orders import Task
from hub.commands.answering import name_of, who
from hub.commands.opening import opened
from hub.errors import DataError, MissingFile
from hub.journals import intake
from hub.stations import orders
from hub.stations.orders import Given
from hub.storage.keyring import Keyring
from hub.storage.store import Store

NOT_DONE = 1
_LOOK_EVERY = 0.2


def give(given: argparse.Namespace) -> int:
    """``hub order STATION KIND``."""
    with opened(given) as (store, ring):
        now = datetime.now(UTC)
        with store.writing() as connection:
            epoch = intake.newest_epoch(connection, given.station) if given.kind == "resend" else ""
            by = name_of(who(connection, given)) if given.by else getpass.getuser()
            task = _task(given, epoch)
            number = orders.issue(connection, ring, given.station, task, now, by, why=given.why, life=given.within)
        found = _awaited(store, number, given.wait) if given.wait else _found(store, number)
        kept = _save(store, ring, found, given.out) if given.wait and found.media else b""
    _tell(found, kept, as_json=given.json)
    return os.EX_OK if found.status == "succeeded" or not given.wait else NOT_DONE


def _task(given: argparse.Namespace, epoch: str) -> Task:
    """The order that the words on the command line are; ``DataError`` when they are none."""
    said = {name: getattr(given, name) for name in given.fields}
    if given.kind == "resend":
        said["epoch"] = said["epoch"] or epoch
    if said.get("direction"):
        said["direction"] = Direction(said["direction"])
    try:
        kept = {name: value for name, value in said.items() if value is not None}
        return msgspec.convert({"type": given.kind, **kept}, Task)  # type: ignore[no-any-return]  # a union is no type
    except msgspec.ValidationError as error:
        raise DataError([f"{given.kind}: {error}"]) from error


def _found(store: Store, number: str) -> Given:
    with store.reading() as connection:
        found = orders.find(connection, number, datetime.now(UTC))
    if found is None:
        raise DataError([f"there is no order {number}; hub orders list names them all"])
    return found


def _awaited(store: Store, number: str, patience: timedelta) -> Given:
    """The order once something became of it, or as it is when patience ends."""
    until, told = time.monotonic() + patience.total_seconds(), ""
    while (found := _found(store, number)).is_open and time.monotonic() < until:
        if found.status != told and sys.stderr.isatty():
            print(f"{found.status} …", file=sys.stderr, flush=True)
        told = found.status
        time.sleep(_LOOK_EVERY)
    return found


def _save(store: Store, ring: Keyring, found: Given, out: Path | None) -> bytes:
    """What a result brought, written to ``out`` if that is given."""
    with store.reading() as connection:
        data = orders.data(connection, ring, found.id)
    if out is not None and data:
        try:
            out.write_bytes(data)
        except OSError as error:
            raise MissingFile(f"{out}: {error.strerror or error}") from error
    return b"" if out is not None else data


def _tell(found: Given, data: bytes, *, as_json: bool) -> None:
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    if found.media == "application/gzip" and data:
        sys.stdout.write(gzip.decompress(data).decode(errors="replace"))
    print(_line(found), file=sys.stderr if data else sys.stdout)


def _line(found: Given) -> str:
    words = f": {found.words}" if found.words else ""
    why = f" ({found.why})" if found.why else ""
    return f"{found.id}  {found.issued:%Y-%m-%d %H:%M:%S}  {found.station}  {found.kind}  {found.status}{words}" + (
        f"  by {found.by}{why}"
    )


def list_all(given: argparse.Namespace) -> int:
    """``hub orders list``."""
    with opened(given) as (store, _), store.reading() as connection:
        now = datetime.now(UTC)
        found = orders.listing(connection, now, station=given.station, open_only=given.open, at_most=given.last)
    if given.json:
        print(msgspec.json.encode(found).decode())
    for each in [] if given.json else found:
        print(_line(each))
    return os.EX_OK


def show(given: argparse.Namespace) -> int:
    """``hub orders show``."""
    with opened(given) as (store, ring):
        found = _found(store, given.order)
        data = _save(store, ring, found, given.out) if found.media else b""
    _tell(found, data, as_json=given.json)
    return os.EX_OK
