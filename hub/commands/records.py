"""``hub import`` and ``hub export``: people, places, policies and rows carried by hand in, check-ins out."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from hub.commands.answering import OPERATOR, name_of, note, who
from hub.commands.opening import opened
from hub.journals import carried, export
from hub.officials.accounts import Account
from hub.policy import policies
from hub.register import people, registry
from hub.register.people import PeopleFile
from hub.storage.keyring import Keyring
from hub.storage.store import Store

_RANGES_TOLD = 20


def import_file(given: argparse.Namespace) -> int:
    """``hub import``: a people file, or rows that were carried here by hand."""
    return _import_rows(given) if carried.is_rows(given.file) else _import_people(given)


def _import_rows(given: argparse.Namespace) -> int:
    with opened(given) as (store, ring):
        with store.writing() as connection:
            what = "rows-given-up" if given.give_up else "rows"
            note(connection, who(connection, given), "import", detail={"what": what})
        taken = carried.take(store, ring, given.file, datetime.now(UTC), _rows_told, give_up=given.give_up)
    if given.json:
        print(msgspec.json.encode(taken).decode())
    for each in [] if given.json else taken:
        print(f"{each.station} {each.epoch}: {', '.join(_as_words(each))}")
    for each in taken:
        if each.missing is not None:
            print(f"hub: {given.file}: {_cure(given.file, each)}", file=sys.stderr)
    return 1 if any(each.unkept for each in taken) else os.EX_OK


def _as_words(taken: carried.Taken) -> Iterator[str]:
    yield f"{taken.rows} rows, {taken.new} new, held through {taken.through}"
    if taken.lost:
        yield f"rows {_ranges(taken.lost)} are lost: the card has them no more"
    if taken.waiting:
        yield f"{taken.waiting} wait for rows that are missing before them"
    if taken.unkept:
        yield f"rows {_ranges(taken.unkept)} were NOT kept"
    if taken.refused:
        yield f"{taken.refused} contradict rows already held"


def _cure(file: Path, taken: carried.Taken) -> str:
    first, last = taken.missing or (0, 0)
    lacks = f"{taken.station} {taken.epoch} lacks rows {first} to {last}"
    bring = "import those" + (", then this file again" if taken.unkept else "")
    return f"{lacks}; {bring}, or when no card has them any more: hub import --give-up {file}"


def _ranges(ranges: tuple[tuple[int, int], ...]) -> str:
    told = ", ".join(f"{first} to {last}" for first, last in ranges[:_RANGES_TOLD])
    return told + (f" and {len(ranges) - _RANGES_TOLD} more ranges" if len(ranges) > _RANGES_TOLD else "")


def _rows_told(done: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} rows", end="", file=sys.stderr, flush=True)


def _import_people(given: argparse.Namespace) -> int:
    file = people.read(given.file)
    with opened(given) as (store, ring):
        with store.reading() as connection:
            by = who(connection, given)
        new = vars(bring_in(store, ring, file, by))
    print(json.dumps(new) if given.json else "new: " + ", ".join(f"{value} {name}" for name, value in new.items()))
    return os.EX_OK


def bring_in(store: Store, ring: Keyring, file: PeopleFile, by: Account | str = OPERATOR) -> registry.Imported:
    """Takes a people file in and publishes its policies, oldest first; how much of it was new.

    Both stand in the log first, with who answers.
    """
    for policy in file.policies:
        policies.check(policy)
    with store.writing() as connection:
        counts = {"what": "people", "people": len(file.people), "places": len(file.places)}
        note(connection, by, "import", detail=counts)
    count = registry.import_people(store, ring, file, _progress)
    for policy in sorted(file.policies, key=lambda each: each.version):
        with store.writing() as connection:
            is_new = policies.publish(connection, ring, policy, datetime.now(UTC), name_of(by))
            count.policies += is_new
            if is_new:
                note(connection, by, "policy", detail={"version": policy.version, "scope": policy.scope})
    return count


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} people", end="\n" if done == of else "", file=sys.stderr, flush=True)


def export_checkins(given: argparse.Namespace) -> int:
    """``hub export checkins``."""
    with opened(given) as (store, ring):
        if given.identities:
            with store.writing() as connection:
                taken = {"what": "checkins", "since": f"{given.since or ''}", "as": "identities"}
                note(connection, who(connection, given), "export", why=given.reason, detail=taken)
        _print_checkins(store, ring, given)
    return os.EX_OK


def _print_checkins(store: Store, ring: Keyring, given: argparse.Namespace) -> None:
    with store.reading() as connection:
        for record in export.checkins(connection, given.station, given.since, ring if given.identities else None):
            print(msgspec.json.encode(record).decode())
