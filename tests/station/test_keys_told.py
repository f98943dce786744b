"""Keys that the hub announces: believed when signed and newer, kept over restarts, beside a trust folder left alone."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from mqtt_hub import PRIVATE, PUBLIC, SmallHub
from test_journal import checkin
from test_sync import wait

from core import codes, keys, rows, wire
from core.announcement import Announcement, DeclaringKey, SealingKey
from core.codes import declaration
from core.codes.trust import Trust, TrustedKey, Usage
from core.model import DeclarationKind, GateKind, Scheme, SignatureState
from station.broker import Broker
from station.errors import HubUnreachable
from station.hub_keys import FILE, HubKeys
from station.journal.record import Journal
from station.link import MqttHub

NOW = datetime(2026, 11, 28, 8, tzinfo=UTC)
SIGNING, POLICY_KEY = keys.new_signing_key()


class Signer:
    """A hub's key for declaration codes."""

    def __init__(self) -> None:
        self.private, self.public = keys.new_signing_key()
        self.id = keys.key_id(self.public)

    def told(self, ends: datetime | None = None) -> DeclaringKey:
        return DeclaringKey(self.id, keys.encode_key(self.public), ends)

    def code(self, at: datetime = NOW) -> bytes:
        return declaration.issue(
            Ed25519PrivateKey.from_private_bytes(self.private),
            key_id=bytes.fromhex(self.id),
            issuer="hue",
            issued=at,
            expires=at + timedelta(days=21),
            subject=bytes(16),
            kind=DeclarationKind.HEALTH,
        ).encode()


def announced(version: int, *signers: DeclaringKey, sealing: bytes = PUBLIC, by: bytes = SIGNING) -> bytes:
    sealing_key = SealingKey(keys.key_id(sealing), keys.encode_key(sealing))
    payload = wire.encode(Announcement("keys", version, NOW, signers, sealing_key))
    return wire.encode(keys.sign(by, payload))


@pytest.fixture
def held(tmp_path: Path) -> HubKeys:
    return HubKeys(tmp_path / FILE, POLICY_KEY, Trust())


def state_of(held: HubKeys, code: bytes, now: datetime = NOW) -> SignatureState:
    signed = codes.parse(code, held.trust, now).signed
    assert signed is not None
    return signed.state


def test_a_new_signers_code_is_believed_from_the_announcement_on_and_after_a_restart(held, tmp_path):
    old, new = Signer(), Signer()
    assert held.offer(announced(1, old.told()))
    assert (state_of(held, old.code()), state_of(held, new.code())) == (
        SignatureState.VERIFIED,
        SignatureState.SIGNER_UNKNOWN,
    )
    assert held.offer(announced(2, new.told(), old.told(NOW + timedelta(days=21))))
    again = HubKeys(tmp_path / FILE, POLICY_KEY, Trust())
    for each in (held, again):
        assert {state_of(each, old.code()), state_of(each, new.code())} == {SignatureState.VERIFIED}
        assert (each.version, set(each.ids)) == (2, {old.id, new.id})


@pytest.mark.parametrize(
    "document",
    [
        lambda signer: announced(5, signer.told(), by=keys.new_signing_key()[0]),
        lambda signer: announced(3, signer.told()),
        lambda signer: announced(2, signer.told()),
        lambda signer: wire.encode(keys.sign(SIGNING, b'{"what":"keys","version":9}')),
        lambda signer: announced(9, msgspec.structs.replace(signer.told(), id="0" * 16)),
        lambda signer: b"[" * 5_000,
        lambda signer: announced(9, signer.told())[:-3] + b'"}',
    ],
    ids=["another's signature", "the same version", "played again", "no list", "a false id", "rubbish", "torn"],
)
def test_what_is_unsigned_or_played_again_changes_nothing(held, tmp_path, document):
    known, other = Signer(), Signer()
    held.offer(announced(3, known.told()))
    before = (tmp_path / FILE).read_bytes()
    assert not held.offer(document(other))
    assert (held.ids, (tmp_path / FILE).read_bytes()) == ((known.id,), before)


def test_without_a_pinned_key_no_list_is_believed(tmp_path):
    held = HubKeys(tmp_path / FILE, b"", Trust())
    assert not held.offer(announced(1, Signer().told()))
    assert held.ids == ()


def test_a_key_that_is_named_no_more_is_believed_no_more_but_the_folders_own_stay(tmp_path):
    own, theirs, later = Signer(), Signer(), Signer()
    public = Ed25519PrivateKey.from_private_bytes(own.private).public_key()
    held = HubKeys(tmp_path / FILE, POLICY_KEY, Trust({bytes.fromhex(own.id): TrustedKey(public, Usage.DECLARATION)}))
    held.offer(announced(1, theirs.told()))
    held.offer(announced(2, later.told()))
    assert set(held.ids) == {own.id, later.id}
    assert state_of(held, own.code()) is SignatureState.VERIFIED


def test_a_retired_signers_code_has_ended_once_the_key_has(held):
    signer = Signer()
    held.offer(announced(1, signer.told(ends=NOW + timedelta(days=1))))
    signed = codes.parse(signer.code(), held.trust, NOW + timedelta(days=2)).signed
    assert signed is not None
    assert signed.expires == NOW + timedelta(days=1)


def test_a_damaged_file_is_told_and_the_next_announcement_replaces_it(tmp_path, caplog):
    (tmp_path / FILE).write_bytes(b"torn")
    held = HubKeys(tmp_path / FILE, POLICY_KEY, Trust())
    assert "the hub will send it again" in caplog.records[0].problem
    signer = Signer()
    assert held.offer(announced(1, signer.told()))
    assert HubKeys(tmp_path / FILE, POLICY_KEY, Trust()).ids == (signer.id,)


def test_rows_are_sealed_to_the_announced_key_and_name_it_from_then_on(held, tmp_path):
    private, public = keys.new_sealing_key()
    with Journal(tmp_path / "journal.db", "gate-1", PUBLIC) as journal:
        held.seal_by([journal.seal_to])
        before = journal.append(checkin("046193000001"))
        held.offer(announced(1, Signer().told(), sealing=public))
        after = journal.append(checkin("046193000002"))
    assert (before.sealed_to, after.sealed_to) == ("", keys.key_id(public))
    for key, row in ((PRIVATE, before), (private, after)):
        context = rows.context("gate-1", row.epoch, row.seq)
        assert b"0461930000" in keys.open_sealed(key, base64.b64decode(row.sealed), context)


def test_a_station_that_starts_again_goes_on_sealing_to_the_announced_key(held, tmp_path):
    _, public = keys.new_sealing_key()
    held.offer(announced(1, Signer().told(), sealing=public))
    with Journal(tmp_path / "journal.db", "gate-1", PUBLIC) as journal:
        HubKeys(tmp_path / FILE, POLICY_KEY, Trust()).seal_by([journal.seal_to])
        assert journal.append(checkin("046193000001")).sealed_to == keys.key_id(public)


def test_look_ups_are_sealed_to_the_announced_key_and_say_so(broker):
    hub = SmallHub(broker.port)
    hub.answers = False
    state = wire.State("gate-1", True, "s", NOW)
    private, public = keys.new_sealing_key()
    address = Broker("127.0.0.1", broker.port, "gate-1", "token")
    with MqttHub(address, "gate-1", GateKind.VENUE, PUBLIC, ["all"], state, lambda: None) as line:
        wait(lambda: line.connected)
        line.asks.seal_to(public, keys.key_id(public))
        with pytest.raises(HubUnreachable, match="no answer"):
            line.ask(wire.Who(Scheme.CITIZEN, "046193000001"), NOW, 1.0)
        ask = hub.asked.get(timeout=30)
    hub.close()
    channel = keys.AskingChannel.hub(private, keys.decode_key(ask.key))
    assert ask.to == keys.key_id(public)
    assert b"046193000001" in channel.open_ask(base64.b64decode(ask.box), ask.id)
