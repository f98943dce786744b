"""Brings an invented fleet into a hub: its places, its people and its stations, with the tokens they sign in by."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from core import keys
from hub.errors import DataError, MissingFile
from hub.register import registry
from hub.register.people import PeopleFile, PersonRecord
from hub.simulation.plan import Plan
from hub.stations import fleet
from hub.storage.keyring import Keyring
from hub.storage.store import Store

STATIONS_A_TRANSACTION = 100


class Founded(msgspec.Struct, frozen=True):
    """What stations must have of their hub: its public keys, and a token each.  Whoever has this can be any of them."""

    sealing_key: str
    policy_key: str
    tokens: dict[str, str]


def found(
    store: Store,
    ring: Keyring,
    plan: Plan,
    people: Sequence[PersonRecord],
    now: datetime,
    told: Callable[[str], None] = lambda _: None,
) -> Founded:
    """Registers everything, beside a running hub if need be; again changes nothing but the tokens."""
    told(f"registering {len(plan.places)} places and {len(people)} people")
    registry.import_people(store, ring, PeopleFile(plan.places, tuple(people)))
    told(f"registering {len(plan.posts)} stations")
    tokens: dict[str, str] = {}
    for first in range(0, len(plan.posts), STATIONS_A_TRANSACTION):
        with store.writing() as connection:
            for post in plan.posts[first : first + STATIONS_A_TRANSACTION]:
                tokens[post.name] = fleet.add_station(connection, post.name, post.place, post.kind, now)
    return Founded(keys.encode_key(ring.sealing_public), keys.encode_key(ring.policy_public), tokens)


def keep(path: Path, founded: Founded) -> None:
    """Writes the tokens down for another run, for nobody else to read."""
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.encode(founded))
    beside.replace(path)


def kept(path: Path, plan: Plan) -> Founded:
    """The tokens that an earlier run wrote; ``DataError`` when they are another fleet's."""
    try:
        founded = msgspec.json.decode(path.read_bytes(), type=Founded)
    except OSError as error:
        raise MissingFile(f"{path}: {error.strerror or error}") from error
    except msgspec.MsgspecError as error:
        raise DataError(
            [f"{path}: no tokens of a simulated fleet: {error}; remove it to have it written anew"]
        ) from error
    missing = [post.name for post in plan.posts if post.name not in founded.tokens]
    if missing:
        cure = "run with the same --stations and --prefix, or remove it to register the fleet anew"
        raise DataError([f"{path}: no token of {missing[0]} and {len(missing) - 1} others; {cure}"])
    return founded
