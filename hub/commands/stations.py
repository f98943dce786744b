"""``hub station`` and ``hub journal``: who may bring rows, and whether none of theirs is missing."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import sqlalchemy as sa

from core import keys
from core.model import GateKind
from hub.commands.answering import OPERATOR, note, who
from hub.commands.opening import opened, settings_of
from hub.config import Settings
from hub.errors import DataError
from hub.journals import conflicts, proof
from hub.officials.accounts import Account
from hub.register import place_keys, places, sealing
from hub.stations import fleet
from hub.storage.keyring import Keyring
from hub.storage.store import Store
from hub.storage.tables import stations

AMISS = 1


def add_station(given: argparse.Namespace) -> int:
    """``hub station add``."""
    with opened(given) as (store, ring):
        with store.reading() as connection:
            by = who(connection, given)
        pinned = register(store, ring, settings_of(given), given.name, given.place, given.kind, given.url, by)
    print(json.dumps(pinned) if given.json else _toml(pinned))
    return os.EX_OK


def register(
    store: Store,
    ring: Keyring,
    settings: Settings,
    name: str,
    place: str,
    kind: GateKind | None,
    url: str = "",
    by: Account | str = OPERATOR,
) -> dict[str, dict[str, str]]:
    """Lets a station in; the sections of its config.toml that only the hub can fill in, with its token."""
    tokens = fleet.Tokens()
    with store.writing() as connection:
        is_known = connection.scalar(sa.select(stations.c.name).where(stations.c.name == name)) is not None
        detail = {"station": name, "place": place, "what": "new-token" if is_known else "added"}
        note(connection, by, "station", detail=detail)
        token = fleet.add_station(connection, name, place, kind, datetime.now(UTC))
        tokens.reload(connection)
        own_key = sealing.current(connection, ring).public
        place_key = place_keys.key_of(connection, ring, place, datetime.now(UTC))
    gate = tokens.named(name)
    assert gate is not None
    own = {"name": gate.name, "place": gate.place, "place_name": gate.place_name, "kind": gate.kind.value}
    return {
        "station": {**own, "district": f"{gate.edition}/{gate.district}" if gate.district else ""},
        "hub": {
            "url": url or f"http://{settings.http.host}:{settings.http.port}",
            "token": token,
            "policy_key": keys.encode_key(ring.policy_public),
            "sealing_key": keys.encode_key(own_key),
        },
        "place": {"place_key": keys.encode_key(place_key)},
    }


def _toml(sections: Mapping[str, Mapping[str, str]]) -> str:
    lines = []
    for section, values in sections.items():
        lines += [
            f"[{section}]",
            *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()),
            "",
        ]
    return "\n".join(lines[:-1])


def tell_place_key(given: argparse.Namespace) -> int:
    """``hub place key``."""
    now = datetime.now(UTC)
    with opened(given) as (store, ring), store.writing() as connection:
        if places.find(connection, given.place) is None:
            raise DataError([f"place {given.place!r} is not registered; hub place list shows those that are"])
        what = "new-place-key" if given.new else "told-place-key"
        note(connection, who(connection, given), "site", detail={"place": given.place, "what": what})
        key = (place_keys.draw if given.new else place_keys.key_of)(connection, ring, given.place, now)
        gates = fleet.names_at(connection, given.place)
    section = {"place": {"place_key": keys.encode_key(key)}}
    print(json.dumps({**section, "gates": gates}) if given.json else _toml(section))
    whose = ", ".join(gates) or "its gates; none is registered"
    print(f"{given.place}: for the config.toml of {whose}", file=sys.stderr)
    return os.EX_OK


def list_stations(given: argparse.Namespace) -> int:
    """``hub station list``."""
    with opened(given) as (store, _), store.reading() as connection:
        known = fleet.overview(connection)
    if given.json:
        print(msgspec.json.encode(known).decode())
    for each in [] if given.json else known:
        seen = (
            f"{'online' if each.online else 'offline'}, heard {each.heard}" if each.heard else "never heard over MQTT"
        )
        print(f"{each.name}  {each.kind} at {each.place}  {each.rows} rows held  {seen}")
    return os.EX_OK


def verify_journal(given: argparse.Namespace) -> int:
    """``hub journal verify``."""
    with opened(given) as (store, _), store.reading() as connection:
        proofs = proof.prove(connection, given.station)
    if given.json:
        print(msgspec.json.encode(proofs).decode())
    else:
        print("\n".join(_told(each) for each in proofs) or f"{given.station}: no journal is held")
    return os.EX_OK if proofs and all(each.whole for each in proofs) else AMISS


def list_conflicts(given: argparse.Namespace) -> int:
    """``hub journal conflicts``."""
    with opened(given) as (store, _), store.reading() as connection:
        found = list(conflicts.listed(connection, given.station))
    if given.json:
        print(msgspec.json.encode(found).decode())
        return os.EX_OK
    for each in found:
        hashes = f"{each.came[:_HASH_SHOWN]}, held is {each.held[:_HASH_SHOWN] or 'no more'}"
        print(f"{each.station}/{each.epoch}/{each.seq}  {each.arrived:%Y-%m-%d %H:%M}  {each.size} bytes  {hashes}")
    if not found:
        print("no conflicts")
    return os.EX_OK


_HASH_SHOWN = 16


def _told(each: proof.Proof) -> str:
    lines = [
        f"{each.station} {each.epoch}: rows {each.first} to {each.through}, {'whole' if each.whole else 'NOT whole'}"
    ]
    lines += [f"  {each.emptied} rows emptied for somebody's sake, their hashes kept"] if each.emptied else []
    lines += [f"  missing {first} to {last}" for first, last in each.missing]
    lines += [f"  lost {first} to {last}: its card has them no more" for first, last in each.lost]
    lines += [f"  broken at {fault.seq}: {fault.problem}" for fault in each.broken]
    if each.unheld is not None:
        first, last = each.unheld
        waits = f"{last - max(first - 1, each.believed)} of them wait on its card"
        lines.append(f"  written but not held: {first} to {last}, as its station last said; {waits}")
    lines += [f"  {each.refused} dead letters"] if each.refused else []
    contradict = f"{each.conflicts} rows contradict one already held: hub journal conflicts {each.station}"
    lines += [f"  {contradict}"] if each.conflicts else []
    return "\n".join(lines)
