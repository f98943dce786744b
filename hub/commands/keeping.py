"""``hub keep`` and ``hub person``: what is erased and when, and what one person may ask for."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from hub.commands.answering import name_of, note, who
from hub.commands.opening import opened, settings_of
from hub.custody import erasing, holds, own_data
from hub.custody.keeper import carry_out
from hub.custody.keeping import recorded
from hub.erasure import station_erasing
from hub.erasure.station_erasing import Line
from hub.errors import DataError
from hub.register.people import IdentityRecord
from hub.storage.keyring import Keyring

REFUSED = 1
LONGEST_NUMBER = 512


def keep_now(given: argparse.Namespace) -> int:
    """``hub keep now``."""
    with opened(given) as (store, ring):
        counts = carry_out(store, ring, settings_of(given), datetime.now(UTC))
        settled = store.settle()
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing was due"
    print(json.dumps(counts) if given.json else f"erased: {said}")
    if not settled:
        print("hub: a reader keeps SQLite's log from being emptied; a running hub does it shortly", file=sys.stderr)
    return os.EX_OK


def keep_record(given: argparse.Namespace) -> int:
    """``hub keep record``."""
    with opened(given) as (store, _), store.reading() as connection:
        lines = recorded(connection)
    if given.json:
        print(msgspec.json.encode(lines).decode())
    for each in [] if given.json else lines:
        counts = ", ".join(f"{count} {name}" for name, count in each.counts.items())
        print(f"{each.at:%Y-%m-%d %H:%M}  {each.cause}  by {each.by}  {counts}")
    return os.EX_OK


def person_export(given: argparse.Namespace) -> int:
    """``hub person export``."""
    with opened(given) as (store, ring), store.writing() as connection:
        person = _person(connection, ring, given)
        note(connection, who(connection, given), "own-data", person=person, why=given.reason)
        print(msgspec.json.format(msgspec.json.encode(own_data.export(connection, ring, person))).decode())
    return os.EX_OK


def person_erase(given: argparse.Namespace) -> int:
    """``hub person erase``."""
    moment = datetime.now(UTC)
    with opened(given) as (store, ring):
        try:
            with store.writing() as connection:
                person = _person(connection, ring, given)
                by = who(connection, given)
                note(connection, by, "erase", person=person)
                counts = erasing.erase(connection, ring, person, name_of(by), moment)
        except holds.OnHold as held:
            print(f"hub: not erased: {held}", file=sys.stderr)
            return REFUSED
        erasing.settle(store, ring, settings_of(given).erasures)
        with store.reading() as connection:
            lines = [each for each in station_erasing.listing(connection, moment) if each.at == moment]
    if given.json:
        print(msgspec.json.encode({**counts, "stations": lines}).decode())
        return os.EX_OK
    print("erased: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count))
    print("\n".join(map(_told, lines)) if lines else "no station holds a row of theirs")
    return os.EX_OK


STATES = {
    "queued": "ordered, not reached yet",
    "sent": "ordered, not answered yet",
    "again": "will be ordered again",
    "done": "erased there",
    "moot": "gone there by the station's own retention",
    "unregistered": "the station is not registered any more",
}


def _told(line: Line) -> str:
    since = f" {line.since:%Y-%m-%d %H:%M}" if line.since and line.state == "done" else ""
    said = f"{STATES[line.state]}{since}  {line.words}".rstrip()
    return f"{line.at:%Y-%m-%d %H:%M}  {line.station}  {line.rows} rows  {said}"


def keep_stations(given: argparse.Namespace) -> int:
    """``hub keep stations``."""
    with opened(given) as (store, _), store.reading() as connection:
        lines = station_erasing.listing(connection, datetime.now(UTC))
    if given.json:
        print(msgspec.json.encode(lines).decode())
        return os.EX_OK
    print("\n".join(map(_told, lines)) if lines else "nothing is left to erase at stations")
    return os.EX_OK


def person_hold(given: argparse.Namespace) -> int:
    """``hub person hold``."""
    with opened(given) as (store, ring), store.writing() as connection:
        person = _person(connection, ring, given)
        by = who(connection, given)
        number = holds.place(connection, person, name_of(by), given.reason, given.until, datetime.now(UTC))
        note(connection, by, "hold", person=person)
    print(json.dumps({"hold": number}) if given.json else f"hold {number} stands until {given.until:%Y-%m-%d}")
    return os.EX_OK


def person_release(given: argparse.Namespace) -> int:
    """``hub person release``."""
    with opened(given) as (store, _), store.writing() as connection:
        by = who(connection, given)
        released = holds.release(connection, given.hold, name_of(by), datetime.now(UTC))
        note(connection, by, "release", detail={"hold": given.hold})
    if not released:
        raise DataError([f"no hold {given.hold} stands"])
    print(json.dumps({"released": given.hold}) if given.json else f"hold {given.hold} is released")
    return os.EX_OK


def _person(connection: sa.Connection, ring: Keyring, given: argparse.Namespace) -> int:
    """Whom the code on standard input names; never an argument, which others on the machine can read."""
    typed = sys.stdin.readline(LONGEST_NUMBER).strip()
    try:
        return erasing.person_by(connection, ring, IdentityRecord(given.scheme, typed).subject)
    except ValueError as error:
        raise DataError([f"standard input: {error}"]) from error
    except erasing.Unknown:
        raise DataError([f"nobody is registered with this {given.scheme.value}"]) from None
