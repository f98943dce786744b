"""``hub keys`` and ``hub client``: which keys there are, their rotation and erasure, and other systems' tokens."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from core import keys
from hub.commands.answering import note, who
from hub.commands.opening import opened, settings_of
from hub.doors import clients
from hub.errors import DataError
from hub.register import announcing, sealing, signers
from hub.storage import tables
from hub.storage.keyring import Keyring

LEFT = 1
WARNING = (
    "no row sealed to it can be read any more, here, on stations' cards or from a backup put back later; "
    "rows that were read already stay what they are. Backups made before still hold the key: destroy them too."
)


def show_keys(given: argparse.Namespace) -> int:
    """``hub keys show``."""
    now = datetime.now(UTC)
    with opened(given) as (store, ring), store.reading() as connection:
        signing = signers.current(connection, ring).public_key().public_bytes_raw()
        if given.trust:
            write_trust(connection, ring, given.trust, now)
        ends = {name: end.isoformat() for name, end in signers.trusted(connection, ring, now).items() if end}
        seals = sealing.listed(connection, ring)
        own = sealing.current(connection, ring).public
    public = {"policy_key": ring.policy_public, "sealing_key": own, "declaring_key": signing}
    shown = {name: {"key": keys.encode_key(raw), "id": keys.key_id(raw)} for name, raw in public.items()}
    if given.json:
        told = [{"id": each.id, "begins": _when(each.begins), "erased": _when(each.erased)} for each in seals]
        print(json.dumps({**shown, "retired": ends, "sealing": told}))
        return os.EX_OK
    for name, each in shown.items():
        print(f"{name}  {each['key']}  id {each['id']}")
    for name, end in ends.items():
        print(f"retired declaring key  id {name}  believed until {end}")
    for seal in seals:
        since = f"since {_when(seal.begins)}" if seal.begins else "since the beginning"
        state = f"erased {_when(seal.erased)}" if seal.erased else "in use" if seal.public == own else "opens"
        print(f"sealing key  id {seal.id}  {since}  {state}")
    return os.EX_OK


def _when(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment is not None else None


def rotate_keys(given: argparse.Namespace) -> int:
    """``hub keys rotate``."""
    now = datetime.now(UTC)
    with opened(given) as (store, ring), store.writing() as connection:
        name = (sealing if given.sealing else signers).rotate(connection, ring, now)
        announcing.renew(connection, ring, now)
        if given.trust:
            write_trust(connection, ring, given.trust, now)
        believed = signers.trusted(connection, ring, now)
        detail = {"rotated": "sealing" if given.sealing else "declaring", "id": name}
        note(connection, who(connection, given), "keys", detail=detail)
    if given.json:
        print(json.dumps({"id": name, "retired": {each: end.isoformat() for each, end in believed.items() if end}}))
    elif given.sealing:
        print(f"stations seal to key {name} from now on; a running hub tells them, and opens with the earlier ones")
    else:
        print(f"declarations are now signed by key {name}; a running hub tells its stations, which then believe it")
        print("for a station that this hub never reaches: hub keys show --trust trust/")
    return os.EX_OK


def erase_key(given: argparse.Namespace) -> int:
    """``hub keys erase``."""
    now, settings = datetime.now(UTC), settings_of(given)
    with opened(given) as (store, ring):
        if not given.yes and not _is_meant(given.id):
            print("hub: nothing was erased", file=sys.stderr)
            return LEFT
        with store.writing() as connection:
            account = who(connection, given)
            sealing.erase(connection, ring, given.id, now)
            note(connection, account, "keys", detail={"erased": given.id})
        with store.reading() as connection:
            sealing.forget_erased(connection, settings.folder / "keys")
        store.settle()
    print(json.dumps({"erased": given.id}) if given.json else f"key {given.id} is erased: {WARNING}")
    return os.EX_OK


def _is_meant(name: str) -> bool:
    """Whether whoever sits there types the key's id once more; ``DataError`` where nobody can type."""
    if not sys.stdin.isatty():
        raise DataError([f"{name}: to erase it from a script, say --yes"])
    print(f"Once key {name} is erased, {WARNING}", file=sys.stderr)
    return input("Type its id to erase it: ").strip() == str(name)


def add_client(given: argparse.Namespace) -> int:
    """``hub client add``."""
    with opened(given) as (store, _), store.writing() as connection:
        account = who(connection, given)
        is_known = connection.scalar(sa.select(tables.clients.c.name).where(tables.clients.c.name == given.name))
        token = clients.add(connection, given.name, datetime.now(UTC))
        note(connection, account, "client", detail={"client": given.name, "what": "new-token" if is_known else "added"})
    print(json.dumps({"name": given.name, "token": token}) if given.json else token)
    return os.EX_OK


def write_trust(connection: sa.Connection, ring: Keyring, folder: Path, now: datetime) -> None:
    """Puts in what must be believed and takes out what has ended; other signers' files stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in signers.ended(connection, now):
        (folder / f"{name}.pem").unlink(missing_ok=True)
    for name, pem in signers.pems(connection, ring, now).items():
        (folder / f"{name}.pem").write_bytes(pem)
