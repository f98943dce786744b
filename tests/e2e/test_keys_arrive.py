"""A rotated key reaches a real station by itself: the new code is believed, and rows are sealed to the new key."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gates import number, wait

from core import keys, wire
from core.announcement import Announcement, DeclaringKey, SealingKey
from core.codes import declaration
from core.model import DeclarationKind
from hub.register import signers
from hub.storage.tables import announcements


def code_by(key: Ed25519PrivateKey) -> str:
    now = datetime.now(UTC)
    return declaration.issue(
        key,
        key_id=bytes.fromhex(keys.key_id(key.public_key().public_bytes_raw())),
        issuer="hue",
        issued=now - timedelta(hours=1),
        expires=now + timedelta(days=7),
        subject=bytes(16),
        kind=DeclarationKind.HEALTH,
    )


def new_code(centre) -> str:
    """A code that the hub signs with the key of now."""
    store, ring = centre.opened()
    with store.reading() as connection:
        key = signers.current(connection, ring)
    store.close()
    return code_by(key)


@pytest.mark.parametrize("transport", ["mqtt", "http"])
def test_a_station_believes_codes_by_a_rotated_key_and_seals_to_a_rotated_one_without_a_hand_on_its_card(
    centre, open_gate, transport
):
    gate = open_gate("gate-1", transport).start()
    wait(lambda: gate.told("keys taken"))
    old = new_code(centre)
    believed = [gate.show(old)]
    centre.run("keys", "rotate")
    sealing = json.loads(centre.run("keys", "rotate", "--sealing", "--json"))["id"]
    status = gate.config.parent / "gate-1" / "announced-keys.json"
    wait(lambda: sealing in base64.b64decode(json.loads(status.read_bytes())["payload"]).decode())
    believed += [gate.show(new_code(centre)), gate.show(old)]
    assert not any("signer-unknown" in each["reasons"] for each in believed)
    assert "signer-unknown" in gate.show(code_by(Ed25519PrivateKey.generate()))["reasons"]
    gate.show(number(1))
    wait(lambda: centre.counted("gate-1") >= 5)
    assert json.loads(centre.run("dead-letter", "list", "--json")) == []
    gate.stop()
    gate.start()
    assert "signer-unknown" not in gate.show(new_code(centre))["reasons"]


def test_a_list_of_keys_that_another_signed_is_refused(centre, open_gate):
    gate = open_gate("gate-1").start()
    wait(lambda: gate.told("keys taken"))
    held = (gate.config.parent / "gate-1" / "announced-keys.json").read_bytes()
    foreign, (signing, _) = Ed25519PrivateKey.generate(), keys.new_signing_key()
    public = foreign.public_key().public_bytes_raw()
    sealing = SealingKey(keys.key_id(public), keys.encode_key(public))
    told = Announcement("keys", 1 << 40, datetime.now(UTC), (DeclaringKey(sealing.id, sealing.public),), sealing)
    store, _ = centre.opened()
    with store.writing() as connection:
        forged = wire.encode(keys.sign(signing, wire.encode(told)))
        connection.execute(announcements.insert().values(version=1 << 40, document=forged, published=datetime.now(UTC)))
    store.close()
    wait(lambda: gate.told("list of keys refused"))
    assert "signer-unknown" in gate.show(code_by(foreign))["reasons"]
    assert (gate.config.parent / "gate-1" / "announced-keys.json").read_bytes() == held
