"""A narrower scope's rules taken back at the hub: what stations are left with, and what the history says."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from core.rules import Policy
from hub.errors import DataError
from hub.journals import rehearsal
from hub.policy import policies, withdrawing
from hub.stations.fleet import add_station

AT = datetime(2026, 3, 1, tzinfo=UTC)
LATER = AT + timedelta(days=1)


def publish(store, ring, *scopes: str, **changed: object) -> None:
    with store.writing() as connection:
        for scope in scopes:
            number = policies.next_version(connection)
            policies.publish(connection, ring, Policy(number, AT, **{"effective": AT, "scope": scope, **changed}), AT)


def withdraw(store, ring, scope: str, now: datetime = AT) -> Policy:
    with store.writing() as connection:
        return withdrawing.withdraw(connection, ring, scope, now, "lan", "theo công văn 7")


def plan(store, scope: str, now: datetime = AT):
    with store.reading() as connection:
        return withdrawing.plan(connection, scope, now)


def published(store, now: datetime = AT):
    with store.reading() as connection:
        return policies.in_force(connection, now)


@pytest.fixture
def ruled(peopled, ring):
    """A hub with a venue s1 in district 475 and a checkpoint s2, and policies 1 for all, 2 for venues, 3 for s1."""
    with peopled.writing() as connection:
        add_station(connection, "s2", "chot", None, AT)
    publish(peopled, ring, "all", "kind/venue", "station/s1")
    return peopled


def test_the_next_wider_scope_decides_and_the_history_keeps_both(ruled, ring):
    word = withdraw(ruled, ring, "station/s1")
    own = ("station/s1", "district/63/475", "kind/venue", "all")
    assert policies.narrowest(published(ruled), own).version == 2
    with ruled.reading() as connection:
        newest, former = policies.history(connection, ring)[:2]
    assert (newest.policy, newest.author, newest.policy.note) == (word, "lan", "theo công văn 7")
    assert (word.version, word.is_withdrawn, former.policy.version, former.policy.is_withdrawn) == (4, True, 3, False)


def test_a_plan_names_what_would_be_taken_and_who_goes_by_what_instead(ruled):
    would = plan(ruled, "kind/venue")
    assert (would.taken, would.heirs, would.bare) == ((2,), (), ())  # s1 has rules of its own
    would = plan(ruled, "station/s1")
    assert [(heir.published.version, heir.stations) for heir in would.heirs] == [(2, ("s1",))]


def test_the_whole_provinces_rules_cannot_be_taken_back_by_anybody(ruled, ring):
    with pytest.raises(DataError, match="nothing wider"):
        withdraw(ruled, ring, "all")
    with pytest.raises(DataError, match="cannot be withdrawn"):
        publish(ruled, ring, "all", withdrawn=True)


@pytest.mark.parametrize("scope", ["station/s2", "kind/checkpoint", "no such scope"])
def test_what_was_never_published_cannot_be_taken_back(ruled, ring, scope):
    with pytest.raises(DataError, match="nothing is published for it"):
        withdraw(ruled, ring, scope)


def test_a_scope_is_taken_back_once(ruled, ring):
    withdraw(ruled, ring, "station/s1")
    with pytest.raises(DataError, match="nothing is published for it"):
        withdraw(ruled, ring, "station/s1")


def test_no_station_is_left_without_rules(peopled, ring):
    publish(peopled, ring, "kind/venue")
    assert plan(peopled, "kind/venue").bare == ("s1",)
    with pytest.raises(DataError, match="nothing else is in force for s1; publish wider rules first"):
        withdraw(peopled, ring, "kind/venue")


def test_rules_that_have_not_begun_yet_are_taken_back_with_those_in_force(ruled, ring):
    publish(ruled, ring, "station/s1", effective=LATER)
    assert plan(ruled, "station/s1").taken == (4, 3)
    withdraw(ruled, ring, "station/s1")
    assert published(ruled, LATER)["station/s1"].withdrawn
    with ruled.reading() as connection:
        assert {3, 4} <= policies.overtaken(policies.history(connection, ring))


def test_rules_that_have_ended_or_were_replaced_are_nothing_to_take_back(ruled, ring):
    publish(ruled, ring, "station/s1")
    publish(ruled, ring, "kind/checkpoint", expires=LATER)
    assert plan(ruled, "station/s1").taken == (4,)
    with pytest.raises(DataError, match="nothing is published for it"):
        plan(ruled, "kind/checkpoint", LATER)


def test_going_back_to_what_was_withdrawn_gives_the_scope_rules_again(ruled, ring):
    withdraw(ruled, ring, "station/s1")
    with ruled.writing() as connection:
        back = policies.again(connection, policies.version(connection, ring, 3).policy, AT)
        policies.publish(connection, ring, back, AT)
    assert (published(ruled)["station/s1"].version, published(ruled)["station/s1"].withdrawn) == (5, False)


def test_a_station_that_is_up_to_date_has_heard_of_the_withdrawal(ruled, ring):
    own, other = ("station/s1", "district/63/475", "kind/venue", "all"), ("kind/checkpoint", "all")
    withdraw(ruled, ring, "station/s1")
    assert (policies.newest(published(ruled), own), policies.newest(published(ruled), other)) == (4, 1)


def test_a_station_fetches_rules_narrowest_first_and_withdrawals_last_and_nothing_twice(ruled, ring):
    withdraw(ruled, ring, "station/s1")
    own, held, came = ("station/s1", "district/63/475", "kind/venue", "all"), {}, []
    while (following := policies.unheld(published(ruled), own, held)) is not None:
        held[following.scope] = following.version
        came.append(following.version)
    assert came == [2, 1, 4]


def test_a_draft_is_tried_where_a_withdrawn_scope_no_longer_stands_in_its_way(ruled, ring):
    with ruled.reading() as connection:
        gates = rehearsal._gates(connection)
    draft = msgspec.structs.replace(Policy(9, AT, AT), scope="kind/venue")
    assert not rehearsal._reaches(draft, gates["s1"], {"station/s1"}, None)
    assert rehearsal._reaches(draft, gates["s1"], set(), None)
    assert not rehearsal._reaches(draft, gates["s1"], set(), ("s2",))
