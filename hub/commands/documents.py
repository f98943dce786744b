"""``hub policy`` and ``hub schemas``: what the hub signs, and what its files and messages look like."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime

import msgspec

from core import wire
from core.rules import Policy
from hub.commands.answering import name_of, note, who
from hub.commands.opening import opened
from hub.errors import DataError, MissingFile
from hub.policy import editions, policies, withdrawing

AMISS = 1


def publish_policy(given: argparse.Namespace) -> int:
    """``hub policy publish``."""
    try:
        policy = wire.decode(given.file.read_bytes(), Policy)
    except OSError as error:
        raise MissingFile(f"{given.file}: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError([f"{given.file}: {error}"]) from error
    if policy.is_withdrawn:
        raise DataError([f"{given.file}: gives no rules; to take a scope's back: hub policy withdraw {policy.scope}"])
    with opened(given) as (store, ring), store.writing() as connection:
        if given.next:
            policies.alone(connection)
            policy = msgspec.structs.replace(policy, version=policies.next_version(connection))
        by = who(connection, given)
        policies.must_reach(connection, policy.scope)
        is_new = policies.publish(connection, ring, policy, datetime.now(UTC), name_of(by))
        if is_new:
            note(connection, by, "policy", detail={"version": policy.version, "scope": policy.scope})
    for zone in editions.on_both_maps(policy):
        if zone.partly:
            print(f"{zone.name}: taken in whole, though only partly in it: {'; '.join(zone.partly)}", file=sys.stderr)
    told = {"version": policy.version, "scope": policy.scope, "new": is_new}
    sentence = f"policy {policy.version} for {policy.scope}: {'published' if is_new else 'was published already'}"
    print(json.dumps(told) if given.json else sentence)
    return os.EX_OK


def withdraw_policy(given: argparse.Namespace) -> int:
    """``hub policy withdraw``."""
    now = datetime.now(UTC)
    with opened(given) as (store, ring), store.writing() as connection:
        by = who(connection, given)
        would = withdrawing.plan(connection, given.scope, now)
        word = withdrawing.withdraw(connection, ring, given.scope, now, name_of(by), given.note)
        detail = {"version": word.version, "scope": word.scope, "withdrawn": ", ".join(map(str, would.taken))}
        note(connection, by, "policy", detail=detail)
    if given.json:
        heirs = {name: heir.published.version for heir in would.heirs for name in heir.stations}
        told = {"version": word.version, "scope": word.scope, "withdrawn": would.taken, "instead": heirs}
        print(json.dumps(told))
        return os.EX_OK
    print(f"policy {word.version} takes {', '.join(map(str, would.taken))} for {word.scope} back")
    for heir in would.heirs:
        named = ", ".join(heir.stations)
        print(f"policy {heir.published.version} for {heir.published.scope} decides instead at {named}")
    return os.EX_OK


def write_schemas(given: argparse.Namespace) -> int:
    """``hub schemas``."""
    from hub import schemas  # brings in everything it describes

    if not given.check:
        schemas.write(given.folder)
        return os.EX_OK
    stale = schemas.outdated(given.folder)
    for name in stale:
        print(f"hub: {given.folder / name} is not current; run: hub schemas {given.folder}", file=sys.stderr)
    return AMISS if stale else os.EX_OK
