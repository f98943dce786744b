"""Which policy documents a station believes, which one decides, and what is left of them after a restart."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core import keys, wire
from core.model import GateKind
from core.rules import Policy
from station.policies import Policies, scopes

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PRIVATE, PUBLIC = keys.new_signing_key()
OWN = scopes("gate-1", "63/474", GateKind.VENUE)


def document(version: int, scope: str = "all", private: bytes = PRIVATE, **fields) -> bytes:
    policy = Policy(version, NOW - DAY, **({"effective": NOW - DAY, "scope": scope} | fields))
    return wire.encode(keys.sign(private, wire.encode(policy)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "policies.json"


@pytest.fixture
def policies(path: Path) -> Policies:
    return Policies(path, PUBLIC, OWN)


def version(policies: Policies, now: datetime = NOW) -> int:
    found = policies.current(now)
    return found.version if found is not None else 0


def test_a_signed_policy_is_in_force_at_once_and_after_a_restart(path, policies):
    assert policies.current(NOW) is None
    assert policies.offer(document(3), NOW)
    assert version(policies) == version(Policies(path, PUBLIC, OWN)) == policies.newest == 3


@pytest.mark.parametrize(
    "refused",
    [
        document(9, private=keys.new_signing_key()[0]),
        document(9).replace(b"payload", b"paylord"),
        document(9, scope="station/gate-2"),
        document(9, scope="kind/checkpoint"),
        document(9, scope="district/63/475"),
        wire.encode(keys.sign(PRIVATE, b'{"version":9,"misspelt":1}')),
        wire.encode(keys.sign(PRIVATE, b"\xff\xfe")),
        b"",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"x":' + b"[" * 100_000,
        b"null",
    ],
    ids=range(12),
)
def test_what_is_not_signed_for_this_gate_changes_nothing_and_is_told_once(policies, caplog, refused):
    policies.offer(document(3), NOW)
    assert not policies.offer(refused, NOW)
    assert not policies.offer(refused, NOW)
    assert version(policies) == 3
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == ["policy refused"]


def test_versions_only_rise(policies):
    policies.offer(document(3), NOW)
    assert not policies.offer(document(3), NOW)
    assert not policies.offer(document(2), NOW)
    assert policies.offer(document(4), NOW)
    assert version(policies) == 4


def test_the_narrowest_scope_decides_whatever_its_version(policies):
    policies.offer(document(9), NOW)
    for number, scope in enumerate(("kind/venue", "district/63/474", "station/gate-1"), start=1):
        assert policies.offer(document(number, scope), NOW)
        assert version(policies) == number


def test_when_a_narrow_policy_has_ended_the_wider_one_decides_again(policies):
    policies.offer(document(1), NOW)
    policies.offer(document(2, "station/gate-1", expires=NOW + DAY), NOW)
    assert (version(policies), version(policies, NOW + DAY)) == (2, 1)


def test_policies_to_come_never_push_out_the_one_in_force(policies, path):
    policies.offer(document(1), NOW)
    for days in range(2, 6):
        policies.offer(document(days, effective=NOW + days * DAY), NOW)
    for held in (policies, Policies(path, PUBLIC, OWN)):
        assert [version(held, NOW + days * DAY) for days in range(6)] == [1, 1, 2, 3, 4, 5]


def test_a_policy_for_some_days_gives_way_to_the_one_before_it(policies):
    policies.offer(document(1), NOW)
    policies.offer(document(2, expires=NOW + DAY), NOW)
    assert (version(policies), version(policies, NOW + DAY)) == (2, 1)


def test_only_what_can_still_decide_is_kept(policies, path):
    for number in range(1, 200):
        policies.offer(document(number), NOW)
    small = path.stat().st_size
    for number in range(200, 300):
        policies.offer(document(number, effective=NOW + number * DAY), NOW)
    assert small < 1000
    assert path.stat().st_size < 20 * small


@pytest.mark.parametrize("damaged", [b"", b"[", b"\xff\xff", b'[{"payload":"","key":"","signature":""}]', b"{}"])
def test_a_damaged_file_is_told_and_replaced_by_the_next_policy(path, caplog, damaged):
    path.write_bytes(damaged)
    policies = Policies(path, PUBLIC, OWN)
    assert policies.current(NOW) is None
    assert [record.message for record in caplog.records] == ["policy refused"]
    policies.offer(document(3), NOW)
    assert version(Policies(path, PUBLIC, OWN)) == 3


def test_a_file_whose_documents_another_key_signed_is_not_believed(path):
    Policies(path, PUBLIC, OWN).offer(document(3), NOW)
    assert Policies(path, keys.new_signing_key()[1], OWN).current(NOW) is None
    assert Policies(path, b"", OWN).current(NOW) is None


def test_a_card_that_keeps_nothing_is_told_and_the_policy_decides_all_the_same(tmp_path, caplog):
    policies = Policies(tmp_path / "absent" / "policies.json", PUBLIC, OWN)
    assert policies.offer(document(3), NOW)
    assert version(policies) == 3
    assert "policy cannot be kept over a restart" in caplog.messages


# a scope's rules taken back


def withdrawal(version: int, scope: str, **fields) -> bytes:
    return document(version, scope, **fields, withdrawn=True)


def test_after_a_withdrawal_the_next_wider_scope_that_is_held_decides_also_after_a_restart(policies, path):
    for number, scope in enumerate(("all", "kind/venue", "district/63/474", "station/gate-1"), start=1):
        policies.offer(document(number, scope), NOW)
    for number, (scope, left) in enumerate((("station/gate-1", 3), ("kind/venue", 3), ("district/63/474", 1)), start=5):
        assert policies.offer(withdrawal(number, scope), NOW)
        assert version(policies) == version(Policies(path, PUBLIC, OWN)) == left
        assert policies.newest == Policies(path, PUBLIC, OWN).newest == number


def test_what_was_withdrawn_never_comes_back_by_being_sent_once_more(policies, path):
    policies.offer(document(1), NOW)
    policies.offer(document(2, "station/gate-1"), NOW)
    policies.offer(withdrawal(3, "station/gate-1"), NOW)
    for held in (policies, Policies(path, PUBLIC, OWN)):
        assert not held.offer(document(2, "station/gate-1"), NOW)
        assert version(held) == 1


def test_a_gate_that_never_had_the_withdrawn_policy_does_not_take_it_afterwards(policies):
    policies.offer(document(1), NOW)
    assert policies.offer(withdrawal(3, "station/gate-1"), NOW)
    assert not policies.offer(document(2, "station/gate-1"), NOW)
    assert version(policies) == 1


def test_a_withdrawn_scope_gets_rules_again_by_a_later_number(policies, path):
    policies.offer(document(1), NOW)
    policies.offer(withdrawal(3, "station/gate-1"), NOW)
    policies.offer(document(4, "station/gate-1", expires=NOW + DAY), NOW)
    for held in (policies, Policies(path, PUBLIC, OWN)):
        assert (version(held), version(held, NOW + DAY)) == (4, 1)


def test_a_withdrawal_is_not_in_force_before_its_time(policies):
    policies.offer(document(1), NOW)
    policies.offer(document(2, "station/gate-1"), NOW)
    policies.offer(withdrawal(3, "station/gate-1", effective=NOW + DAY), NOW)
    assert (version(policies), version(policies, NOW + DAY)) == (2, 1)


def test_a_withdrawal_that_the_hub_did_not_sign_takes_nothing_back(policies):
    forged = keys.new_signing_key()[0]
    policies.offer(document(1), NOW)
    policies.offer(document(2, "station/gate-1"), NOW)
    assert not policies.offer(withdrawal(3, "station/gate-1", private=forged), NOW)
    assert version(policies) == 2


def test_policies_without_a_withdrawal_have_no_key_that_an_older_station_would_refuse():
    assert b"withdrawn" not in wire.encode(Policy(1, NOW, NOW))
    assert b'"withdrawn":true' in wire.encode(Policy(1, NOW, NOW, withdrawn=True))


def test_what_is_held_is_named_by_scope_with_its_highest_version(policies):
    assert policies.held == {}
    for each in (document(1), document(4), document(2, "kind/venue"), withdrawal(5, "station/gate-1")):
        policies.offer(each, NOW)
    assert policies.held == {"station/gate-1": 5, "kind/venue": 2, "all": 4}
