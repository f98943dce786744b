"""Policy out: signed by the hub's key, versions rising, the narrowest scope wins."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from core import keys, wire
from core.model import GateKind
from core.rules import Policy
from hub.errors import DataError
from hub.policy import policies
from hub.stations import fleet
from hub.stations.fleet import Gate

AT = datetime(2026, 3, 1, tzinfo=UTC)
GATE = Gate("s1", GateKind.VENUE, "cho", "Chợ", "63", "475")


def policy(version: int, scope: str = "all", **changed: object) -> Policy:
    return Policy(version=version, issued=AT, effective=AT, scope=scope, **changed)


def publish(store, ring, *documents: Policy) -> list[bool]:
    with store.writing() as connection:
        return [policies.publish(connection, ring, document, AT) for document in documents]


def winner(store, scopes=GATE.scopes, at: datetime = AT) -> int:
    with store.reading() as connection:
        found = policies.narrowest(policies.in_force(connection, at), scopes)
    return found.version if found else 0


def test_the_narrowest_scope_wins(store, ring):
    order = ["all", "kind/venue", "district/63/475", "station/s1"]
    won = []
    for version, scope in enumerate(order, 1):
        publish(store, ring, policy(version, scope))
        won.append(winner(store))
    assert won == [1, 2, 3, 4]
    publish(store, ring, policy(5))
    assert winner(store) == 4


def test_another_scopes_policy_is_not_a_stations(store, ring):
    publish(store, ring, policy(1, "kind/checkpoint"), policy(2, "district/63/482"), policy(3, "station/s2"))
    assert winner(store) == 0


def test_a_version_must_rise_through_all_scopes(store, ring):
    publish(store, ring, policy(5))
    with pytest.raises(DataError, match="policy version 5: must be above 5"):
        publish(store, ring, policy(5, "station/s1"))
    with pytest.raises(DataError, match="policy version 4: must be above 5"):
        publish(store, ring, policy(4))


def test_publishing_the_same_document_again_changes_nothing(store, ring):
    assert publish(store, ring, policy(1), policy(2), policy(1), policy(2)) == [True, True, False, False]


def test_a_policy_is_in_force_between_its_dates(store, ring):
    publish(store, ring, policy(1), policy(2, expires=AT + timedelta(days=1)))
    later = msgspec.structs.replace(policy(3), effective=AT + timedelta(days=3))
    publish(store, ring, later)
    assert [winner(store, at=AT + timedelta(days=day)) for day in (-1, 0, 2, 3)] == [0, 2, 1, 3]


@pytest.mark.parametrize("scope", ["", "everybody", "kind/disco", "station/UPPER", "district/475", "all/", "#"])
def test_an_unknown_scope_is_refused(store, ring, scope):
    with pytest.raises(DataError, match="policy scope"):
        publish(store, ring, policy(1, scope))


def test_the_document_is_signed_with_the_policy_key(store, ring):
    publish(store, ring, policy(1))
    with store.reading() as connection:
        document = policies.in_force(connection, AT)["all"].document
    payload = keys.verify(ring.policy_public, msgspec.json.decode(document, type=wire.Signed))
    assert msgspec.json.decode(payload, type=Policy) == policy(1)


@pytest.mark.parametrize(("reported", "following"), [(2, 6), (9, 10), (2_000_000_000, 6)])
def test_the_next_version_is_above_what_stations_hold_unless_that_is_out_of_all_reason(
    peopled, ring, reported, following
):
    publish(peopled, ring, policy(5))
    with peopled.writing() as connection:
        fleet.hear(connection, wire.State("s1", True, "a", AT, policy_version=reported), AT)
        assert policies.next_version(connection) == following


def test_every_version_is_kept_with_its_author_and_can_come_back_as_a_new_one(store, ring):
    later = AT + timedelta(days=1)
    with store.writing() as connection:
        policies.publish(connection, ring, policy(1, note="first"), AT, "lan")
        policies.publish(connection, ring, policy(2, note="second", expires=later), AT, "hoa")
        back = policies.again(connection, policies.version(connection, ring, 1).policy, later)
        policies.publish(connection, ring, back, later, "hoa")
        told = [(each.policy.version, each.policy.note, each.author) for each in policies.history(connection, ring)]
        assert told == [(3, "first", "hoa"), (2, "second", "hoa"), (1, "first", "lan")]
        assert policies.version(connection, ring, 4) is None
    assert winner(store, at=later) == 3


def test_a_version_ahead_that_a_later_number_has_overtaken_never_comes_and_is_not_called_so(store, ring):
    soon, later = AT + timedelta(days=1), AT + timedelta(days=2)
    ahead = msgspec.structs.replace(policy(1), effective=soon)
    publish(store, ring, ahead, msgspec.structs.replace(policy(2), effective=later), policy(3, "kind/venue"))
    with store.reading() as connection:
        assert policies.overtaken(policies.history(connection, ring)) == set()
    publish(store, ring, policy(4))
    with store.reading() as connection:
        assert policies.overtaken(policies.history(connection, ring)) == {1, 2}
    assert winner(store, at=later) == 3
    assert winner(store, ("all",), at=later) == 4


def test_a_later_number_that_ends_before_does_not_overtake_for_good(store, ring):
    soon = AT + timedelta(days=2)
    publish(store, ring, msgspec.structs.replace(policy(1), effective=soon), policy(2, expires=AT + timedelta(days=1)))
    with store.reading() as connection:
        assert policies.overtaken(policies.history(connection, ring)) == set()
    assert winner(store, ("all",), at=soon) == 1
