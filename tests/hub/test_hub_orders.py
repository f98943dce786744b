"""Orders to stations at the hub: who is told what, what a station says of it, and whose clock ends it."""

import base64
from datetime import timedelta

import msgspec
import pytest
from hub_stand import now

from core import orders as core_orders
from core.model import Direction
from core.orders import Erase, HoldOpen, Identify, Logs, Result, SetPlace
from hub.errors import DataError
from hub.journals.messages import State
from hub.stations import fleet, orders

SECOND = timedelta(seconds=1)


def issue(store, ring, task, station="s1", **more):
    with store.writing() as connection:
        return orders.issue(connection, ring, station, task, now(), "lan", **more)


def said(store, ring, order, status, at=None, **more):
    with store.writing() as connection:
        result = Result(station=more.pop("station", "s1"), order=order, status=status, at=now(), **more)
        return orders.take(connection, ring, result, at or now())


def found(store, order, at=None):
    with store.reading() as connection:
        return orders.find(connection, order, at or now())


def due(store, at=None, station=""):
    with store.reading() as connection:
        return [each.id for each in orders.due(connection, at or now(), station)]


def test_an_order_is_signed_for_its_station_and_waits(peopled, ring):
    order = issue(peopled, ring, Identify(5), why="which box is it")
    given = found(peopled, order)
    assert (given.status, given.kind, given.by, given.why) == ("queued", "identify", "lan", "which box is it")
    with peopled.reading() as connection:
        (document,) = [each.document for each in orders.due(connection, now())]
    assert core_orders.read(ring.policy_public, document, "s1").task == Identify(5)


def test_nobody_is_ordered_who_is_not_registered_nor_to_a_place_that_is_not(peopled, ring):
    with pytest.raises(DataError, match="station 'nobody' is not registered"):
        issue(peopled, ring, Identify(), "nobody")
    with pytest.raises(DataError, match="place 'nowhere' is not registered"):
        issue(peopled, ring, SetPlace("nowhere"))
    with pytest.raises(DataError, match="hold-open"):
        issue(peopled, ring, HoldOpen(100_000))


def test_a_station_told_to_stand_elsewhere_hears_the_places_name(peopled, ring):
    order = issue(peopled, ring, SetPlace("chot"))
    assert (found(peopled, order).task["name"], found(peopled, order).task["district"]) == ("Chốt Lăng Cô", "63/482")


def where(store):
    tokens = fleet.Tokens()
    with store.reading() as connection:
        tokens.reload(connection)
    gate = tokens.named("s1")
    return gate.place, gate.direction, gate.scopes[1]


def test_the_hub_knows_where_a_station_stands_once_it_has_carried_the_order_out(peopled, ring):
    registered = where(peopled)
    order = issue(peopled, ring, SetPlace("chot", direction=Direction.OUT))
    said(peopled, ring, order, "in-progress")
    assert where(peopled) == registered
    said(peopled, ring, order, "succeeded")
    assert where(peopled) == ("chot", "out", "district/63/482")
    said(peopled, ring, issue(peopled, ring, SetPlace("cho")), "failed")
    assert where(peopled)[0] == "chot"
    said(peopled, ring, issue(peopled, ring, SetPlace()), "succeeded")
    assert where(peopled) == registered


def test_an_order_goes_from_queued_to_what_the_station_says(peopled, ring):
    order = issue(peopled, ring, Identify())
    with peopled.writing() as connection:
        orders.note_sent(connection, [order], now())
    assert found(peopled, order).status == "sent"
    for status in ("in-progress", "succeeded"):
        assert said(peopled, ring, order, status, words=status)
        assert found(peopled, order).status == status
    assert said(peopled, ring, order, "failed")
    assert found(peopled, order).status == "succeeded", "the first final word stands"


def test_another_stations_word_of_an_order_counts_for_nothing(peopled, ring):
    with peopled.writing() as connection:
        fleet.add_station(connection, "s2", "cho", None, now())
    order = issue(peopled, ring, Identify())
    assert not said(peopled, ring, order, "succeeded", station="s2")
    assert not said(peopled, ring, "f" * 16, "succeeded")
    assert found(peopled, order).status == "queued"


def test_what_nobody_answers_times_out_by_the_hubs_clock_until_the_station_is_heard(peopled, ring):
    life = 60 * SECOND
    early = now() + life + orders.ANSWERED_WITHIN - SECOND
    order = issue(peopled, ring, Identify(), life=life)
    later = now() + life + orders.ANSWERED_WITHIN + SECOND
    assert found(peopled, order, early).status == "queued"
    assert found(peopled, order, later).status == "timed-out"
    assert due(peopled, later) == []
    said(peopled, ring, order, "rejected", later)
    assert found(peopled, order, later).status == "rejected"


def test_work_without_a_word_times_out_as_well(peopled, ring):
    order = issue(peopled, ring, Identify())
    said(peopled, ring, order, "in-progress")
    assert found(peopled, order, now() + timedelta(minutes=10)).status == "in-progress"
    assert found(peopled, order, now() + timedelta(minutes=16)).status == "timed-out"


def test_an_order_is_sent_again_to_a_station_that_is_online_and_says_nothing(peopled, ring):
    first, second = issue(peopled, ring, Logs()), issue(peopled, ring, Logs())
    assert due(peopled) == sorted([first, second], key=[first, second].index)
    with peopled.writing() as connection:
        orders.note_sent(connection, [first, second], now())
    later = now() + orders.SENT_AGAIN_AFTER + SECOND
    assert due(peopled, later) == [], "it is not online"
    with peopled.writing() as connection:
        fleet.hear(connection, State("s1", True, "session", now()), now())
    assert due(peopled) == []
    assert due(peopled, later) == [first, second]
    said(peopled, ring, first, "succeeded")
    assert due(peopled, later) == [second]
    assert due(peopled, station="s1") == [second]
    assert due(peopled, station="s2") == []


def test_data_in_parts_is_whole_before_the_order_has_succeeded(peopled, ring):
    order, text = issue(peopled, ring, Logs()), bytes(range(256)) * 10
    result = Result(station="s1", order=order, status="succeeded", at=now(), media="application/gzip")
    parts = list(core_orders.in_parts(result, text, 1_000))
    assert [part.parts for part in parts] == [3, 3, 3]
    for part in (parts[2], parts[0], parts[0]):
        with peopled.writing() as connection:
            orders.take(connection, ring, part, now())
    assert found(peopled, order).status == "in-progress"
    with peopled.writing() as connection:
        orders.take(connection, ring, parts[1], now())
    assert (found(peopled, order).status, found(peopled, order).media) == ("succeeded", "application/gzip")
    with peopled.reading() as connection:
        assert orders.data(connection, ring, order) == text


def test_what_a_result_brought_is_sealed_and_gone_after_a_day(peopled, ring):
    order = issue(peopled, ring, Logs())
    said(peopled, ring, order, "succeeded", data=base64.b64encode(b"a secret line").decode())
    with peopled.reading() as connection:
        (sealed,) = connection.execute(orders.sa.select(orders.order_data.c.sealed)).one()
        assert b"secret" not in sealed
    with peopled.writing() as connection:
        assert orders.forget(connection, now() + timedelta(hours=23)) == 0
        assert orders.forget(connection, now() + timedelta(hours=25)) == 1
    assert found(peopled, order).status == "succeeded"
    with peopled.writing() as connection:
        assert orders.forget(connection, now() + timedelta(days=401)) == 1
    assert found(peopled, order) is None


def test_an_erased_persons_rows_become_orders_to_the_stations_that_may_still_hold_them(peopled, ring):
    rows = [("s1", "0" * 16, seq) for seq in (7, 3, 3)] + [("s1", "1" * 16, 1), ("gone", "2" * 16, 1)]
    with peopled.writing() as connection:
        ids = orders.issue_erasures(connection, ring, rows, now(), "lan")
    tasks = [msgspec.convert(found(peopled, each).task, Erase) for each in ids]
    assert tasks == [Erase("0" * 16, (3, 7)), Erase("1" * 16, (1,))]


def test_the_command_log_is_newest_first_and_can_show_what_is_open(peopled, ring):
    first, second = issue(peopled, ring, Identify()), issue(peopled, ring, Logs())
    said(peopled, ring, second, "succeeded")
    with peopled.reading() as connection:
        assert [each.id for each in orders.listing(connection, now())] == [second, first]
        assert [each.id for each in orders.listing(connection, now(), open_only=True)] == [first]
        assert orders.listing(connection, now(), station="s2") == []
