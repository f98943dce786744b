"""``hub keys`` and ``hub client``: which keys gates must believe, their rotation, and other systems' tokens."""

from __future__ import annotations

import argparse
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from core import keys
from hub.commands.answering import note, who
from hub.commands.opening import opened
from hub.doors import clients
from hub.register import signers
from hub.storage.keyring import Keyring


def show_keys(given: argparse.Namespace) -> int:
    """``hub keys show``."""
    now = datetime.now(UTC)
    with opened(given) as (store, ring), store.reading() as connection:
        signing = signers.current(connection, ring).public_key().public_bytes_raw()
        if given.trust:
            write_trust(connection, ring, given.trust, now)
        ends = {name: end.isoformat() for name, end in signers.trusted(connection, ring, now).items() if end}
    public = {"policy_key": ring.policy_public, "sealing_key": ring.sealing_public, "declaring_key": signing}
    shown = {name: {"key": keys.encode_key(raw), "id": keys.key_id(raw)} for name, raw in public.items()}
    if given.json:
        print(json.dumps({**shown, "retired": ends}))
        return os.EX_OK
    for name, each in shown.items():
        print(f"{name}  {each['key']}  id {each['id']}")
    for name, end in ends.items():
        print(f"retired declaring key  id {name}  believed until {end}")
    return os.EX_OK


def rotate_keys(given: argparse.Namespace) -> int:
    """``hub keys rotate``."""
    now = datetime.now(UTC)
    with opened(given) as (store, ring), store.writing() as connection:
        name = signers.rotate(connection, ring, now)
        note(connection, who(connection, given), "keys", detail={"what": f"rotated to {name}"})
        if given.trust:
            write_trust(connection, ring, given.trust, now)
        believed = signers.trusted(connection, ring, now)
    if given.json:
        print(json.dumps({"id": name, "retired": {each: end.isoformat() for each, end in believed.items() if end}}))
    else:
        print(f"declarations are now signed by key {name}; put it into every station's trust folder:")
        print("  hub keys show --trust trust/")
    return os.EX_OK


def add_client(given: argparse.Namespace) -> int:
    """``hub client add``."""
    with opened(given) as (store, _), store.writing() as connection:
        token = clients.add(connection, given.name, datetime.now(UTC))
    print(json.dumps({"name": given.name, "token": token}) if given.json else token)
    return os.EX_OK


def write_trust(connection: sa.Connection, ring: Keyring, folder: Path, now: datetime) -> None:
    """Puts in what must be believed and takes out what has ended; other signers' files stay."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in signers.ended(connection, now):
        (folder / f"{name}.pem").unlink(missing_ok=True)
    for name, pem in signers.pems(connection, ring, now).items():
        (folder / f"{name}.pem").write_bytes(pem)
