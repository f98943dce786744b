"""``hub import`` and ``hub export``: people, places, policies and rows carried by hand in, check-ins out."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime

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


def import_file(given: argparse.Namespace) -> int:
    """``hub import``: a people file, or rows that were carried here by hand."""
    return _import_rows(given) if carried.is_rows(given.file) else _import_people(given)


def _import_rows(given: argparse.Namespace) -> int:
    with opened(given) as (store, ring):
        with store.writing() as connection:
            note(connection, who(connection, given), "import", detail={"what": "rows"})
        taken = carried.take(store, ring, given.file, datetime.now(UTC), _rows_told)
    if given.json:
        print(msgspec.json.encode(taken).decode())
    for each in [] if given.json else taken:
        beside = f", {each.waiting} wait for rows that are missing before them" if each.waiting else ""
        refused = f", {each.refused} contradict rows already held" if each.refused else ""
        told = f"{each.rows} rows, {each.new} new, held through {each.through}"
        print(f"{each.station} {each.epoch}: {told}{beside}{refused}")
    return os.EX_OK


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
