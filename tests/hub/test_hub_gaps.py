"""Missing rows named: by what waits behind them, and by what their station says it has written."""

import json
from datetime import timedelta

import pytest
from hub_stand import EPOCH, OTHER_EPOCH, Journal, journal_of, now
from kept import take

from core import keys, wire
from core.health import Health, JournalFigures
from hub.centre import Centre
from hub.health import health_history
from hub.journals import conflicts, gaps, proof
from hub.stations import alarms
from hub.stations.trouble import Gap
from hub.watchman import Watchman


def health(number: int = 1, **said: object) -> Health:
    journal = JournalFigures(**{"epoch": EPOCH, **said})
    return Health(station="s1", session="one", number=number, at=now(), up=1.0, journal=journal)


@pytest.fixture
def book(ring):
    made = journal_of(ring)
    for _ in range(20):
        made.write()
    return made


def found(store, *said: Health) -> dict[str, Gap]:
    with store.reading() as connection:
        return gaps.found(connection, said)


def test_the_first_gap_that_rows_wait_behind_is_found_until_it_fills(peopled, ring, book):
    take(peopled, ring, book, last=5)
    take(peopled, ring, book, first=9, last=10)
    take(peopled, ring, book, first=15)
    assert found(peopled) == {"s1": Gap(EPOCH, 6, 8)}
    take(peopled, ring, book, first=6, last=8)
    assert found(peopled) == {"s1": Gap(EPOCH, 11, 14)}
    take(peopled, ring, book)
    assert found(peopled) == {}


@pytest.mark.parametrize(
    ("said", "gap"),
    [
        ({"seq": 20, "backlog": 10}, None),
        ({"seq": 20, "backlog": 9}, Gap(EPOCH, 11, 11)),
        ({"seq": 20}, Gap(EPOCH, 11, 20)),
        ({"seq": 20, "backlog": 500}, None),
        ({"seq": 3, "epoch": OTHER_EPOCH}, Gap(OTHER_EPOCH, 1, 3)),
        ({"seq": 20, "epoch": ""}, None),
    ],
    ids=repr,
)
def test_an_end_is_missing_where_the_station_takes_it_for_held(peopled, ring, book, said, gap):
    take(peopled, ring, book, last=10)
    assert found(peopled, health(**said)) == ({} if gap is None else {"s1": gap})


def test_verify_names_what_the_station_says_it_has_written_and_the_hub_does_not_hold(peopled, ring, book):
    take(peopled, ring, book, last=10)
    told = {}
    for number, said in enumerate(({"seq": 10}, {"seq": 14, "backlog": 4}, {"seq": 14, "backlog": 2}), 1):
        centre = Centre(peopled, ring)
        centre.fleet.know(centre.tokens.all)
        centre.fleet.take(health(number, **said), now())
        with peopled.writing() as connection:
            health_history.save(connection, centre.fleet.members(), None)
        with peopled.reading() as connection:
            (each,) = proof.prove(connection, "s1")
        told[number] = (each.unheld, each.whole)
    assert told == {1: (None, True), 2: ((11, 14), True), 3: ((11, 14), False)}


def test_verify_names_a_journal_that_the_hub_has_nothing_of(peopled, ring):
    centre = Centre(peopled, ring)
    centre.fleet.know(centre.tokens.all)
    centre.fleet.take(health(seq=7), now())
    with peopled.writing() as connection:
        health_history.save(connection, centre.fleet.members(), None)
    with peopled.reading() as connection:
        (each,) = proof.prove(connection, "s1")
    assert (each.epoch, each.through, each.unheld, each.whole) == (EPOCH, 0, (1, 7), False)


def test_the_watch_finds_a_gap_in_the_database_and_its_end(peopled, ring, book):
    watchman, at = Watchman(Centre(peopled, ring)), now()
    watchman.take_up()

    def standing() -> list[str]:
        with peopled.reading() as connection:
            return [each.kind for each in alarms.listed(connection, standing=True) if each.kind == "missing-range"]

    def look(minutes: int) -> None:
        nonlocal at
        for _ in range(minutes * 12):
            at += timedelta(seconds=5)
            watchman.look(at)

    take(peopled, ring, book, first=2)
    look(4)
    assert standing() == ["missing-range"]
    take(peopled, ring, book)
    look(2)
    assert standing() == []


def test_rows_that_contradict_held_ones_are_listed_with_both_hashes(peopled, ring, book):
    other = journal_of(ring)
    for _ in range(3):
        other.write()
    take(peopled, ring, book)
    take(peopled, ring, other, first=2)
    with peopled.reading() as connection:
        listed = list(conflicts.listed(connection, "s1"))
        (proven,) = proof.prove(connection, "s1")
    assert [(each.seq, each.size) for each in listed] == [(2, len(other.raws[1])), (3, len(other.raws[2]))]
    assert (listed[1].came, proven.conflicts) == (other.head, 2)
    assert json.loads(book.raws[3])["previous"] == listed[1].held


def test_by_command(serving_either):
    hub, stations = serving_either()
    pinned = stations["s1"]
    books = [Journal(keys.decode_key(pinned["sealing_key"])) for _ in range(2)]
    line = hub.session(pinned["token"])
    for book in books:
        book.write()
        line.bring(book.batch())
    assert f"s1/{EPOCH}/1" in hub.command("journal", "conflicts", "s1")
    assert json.loads(hub.command("journal", "conflicts", "s1", "--json"))[0]["came"] == books[1].head
    assert "no conflicts" in hub.command("journal", "conflicts", "s2")
    assert "hub journal conflicts s1" in hub.command("journal", "verify", "s1", code=1)
    said = health(seq=9, backlog=3)
    assert line.post("/v1/health", data=wire.encode(said)).status_code == 200
    assert hub.stop() == 0
    told = hub.command("journal", "verify", "s1", code=1)
    assert "written but not held: 2 to 9, as its station last said; 3 of them wait on its card" in told
    line.close()
