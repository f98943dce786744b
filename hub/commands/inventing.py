"""``hub demo-province``: people and places that nobody has."""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime

import msgspec

from hub.commands import records, signing, stations
from hub.commands.opening import opened, settings_of
from hub.errors import DataError
from hub.storage import keyring
from hub.synthetic import province
from hub.synthetic.province import Province


def invent_province(given: argparse.Namespace) -> int:
    """``hub demo-province``."""
    ring = keyring.load(settings_of(given).folder / "keys")
    invented = province.invent(given.people, given.seed, given.at or datetime.now(UTC), ring.declaring)
    if given.cast:
        given.cast.write_bytes(msgspec.json.encode(invented.cast))
    if given.trust:
        given.trust.mkdir(parents=True, exist_ok=True)
        for name, pem in invented.trust.items():
            (given.trust / name).write_bytes(pem)
    print(json.dumps(_found(given, invented)) if given.found else msgspec.json.encode(invented.file).decode())
    return os.EX_OK


def _found(given: argparse.Namespace, invented: Province) -> dict[str, dict[str, str]]:
    """Brings the province into the hub, and a station at its place with such a gate; that station's settings."""
    place = invented.cast.places.get(given.kind)
    if place is None:
        raise DataError([f"the invented province has no place with a {given.kind.value} gate; choose another --kind"])
    with opened(given) as (store, ring):
        records.bring_in(store, ring, invented.file)
        if given.trust:
            with store.reading() as connection:
                signing.write_trust(connection, ring, given.trust, datetime.now(UTC))
        return stations.register(store, ring, settings_of(given), given.found, place, given.kind)
