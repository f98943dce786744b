"""Rows of erased people on stations' cards: ordered away, heard of, asked again, and gone at last."""

from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from hub_stand import EPOCH, journal_of, now
from kept import STRANGER, person_of, take

from core.orders import Erase, Result
from hub.commands.keeping import STATES
from hub.custody import erasing
from hub.erasure import station_erasing
from hub.erasure.emptying import RowKey
from hub.erasure.station_erasing import KEPT_AT_MOST
from hub.stations import orders
from hub.storage.keeping_tables import station_erasures
from hub.web.words import CATALOGUES

WHO = "00000000000000e1"


def queue(store, *seqs, station="s1", at=None):
    with store.writing() as connection:
        station_erasing.queue(connection, WHO, [RowKey(station, EPOCH, seq) for seq in seqs], at or now())


def ask(store, ring, at=None):
    with store.writing() as connection:
        return station_erasing.ask(connection, ring, at or now(), "admin")


def lines(store, at=None):
    with store.reading() as connection:
        return [(each.rows, each.state, each.words) for each in station_erasing.listing(connection, at or now(), WHO)]


def order_of(store):
    with store.reading() as connection:
        return connection.scalar(sa.select(station_erasures.c.command))


def say(store, ring, status, words=""):
    with store.writing() as connection:
        result = Result(station="s1", order=order_of(store), status=status, at=now(), words=words)
        assert orders.take(connection, ring, result, now())


def test_erasing_a_person_orders_their_rows_away_at_every_station_that_has_some(peopled, ring):
    journal = journal_of(ring)
    for who in ("046193990001", STRANGER, "046193990001"):
        journal.write(who)
    take(peopled, ring, journal)
    with peopled.writing() as connection:
        erasing.erase(connection, ring, person_of(peopled, ring), "admin", now())
        (given,) = orders.listing(connection, now())
    assert msgspec.convert(given.task, Erase) == Erase(EPOCH, (1, 3))
    assert (given.station, given.by) == ("s1", "admin")


def test_a_station_that_says_so_is_done_and_is_not_asked_again(peopled, ring):
    queue(peopled, 1, 2)
    assert lines(peopled) == [(2, "queued", "")]
    assert ask(peopled, ring) == 1
    with peopled.writing() as connection:
        orders.note_sent(connection, [order_of(peopled)], now())
    assert lines(peopled) == [(2, "sent", "")]
    say(peopled, ring, "succeeded")
    assert ask(peopled, ring) == 0
    assert lines(peopled) == [(2, "done", "")]


def test_a_refusal_is_shown_in_the_stations_words_and_asked_again(peopled, ring):
    queue(peopled, 1)
    ask(peopled, ring)
    first = order_of(peopled)
    say(peopled, ring, "failed", "1 damaged journal lies aside")
    assert lines(peopled) == [(1, "again", "1 damaged journal lies aside")]
    assert ask(peopled, ring) == 1
    assert order_of(peopled) != first


def test_what_no_station_keeps_so_long_is_moot_and_not_asked_for(peopled, ring):
    queue(peopled, 1)
    later = now() + KEPT_AT_MOST + timedelta(days=1)
    assert ask(peopled, ring, later) == 0
    assert lines(peopled, later) == [(1, "moot", "")]


def test_a_station_that_is_not_registered_is_said_to_be_so(peopled, ring):
    queue(peopled, 1, station="gone")
    assert ask(peopled, ring) == 0
    assert lines(peopled) == [(1, "unregistered", "")]


def test_a_row_that_comes_late_is_asked_for_with_those_before(peopled, ring):
    queue(peopled, 5, 3)
    ask(peopled, ring)
    say(peopled, ring, "succeeded")
    ask(peopled, ring)
    queue(peopled, 4)
    assert lines(peopled) == [(3, "queued", "")]
    assert ask(peopled, ring) == 1


def test_the_command_says_that_nothing_is_left(desk):
    assert desk.run("keep", "stations") == "nothing is left to erase at stations\n"


@pytest.mark.parametrize("state", station_erasing.State.__args__)
def test_every_state_has_words_at_the_command_line_and_on_the_page(state):
    assert state in STATES
    assert all(f"stations-erase-{state}" in words for words in CATALOGUES.values())
