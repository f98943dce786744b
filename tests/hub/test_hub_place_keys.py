"""What the gates of one place share: a key from the hub, and a topic of the place's own at the hub's broker."""

import json
import queue
import tomllib
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
from hub_stand import SECONDS, Line, until

from core import keys
from core.health import Health, PlaceFigures
from hub.cli import main
from hub.doors.broker import Broker
from hub.errors import ConfigError
from hub.register import place_keys
from hub.stations.fleet import broker_hash
from hub.stations.trouble import View, trouble
from hub.storage import tables
from hub.storage.account_tables import audit

PASSWORD = "twelve letters at least"


def test_stations_of_one_place_are_told_one_key_and_those_of_another_place_another(desk, capsys):
    desk.furnish()
    told = []
    for name, place in (("a", "cho"), ("b", "cho"), ("c", "chot"), ("a", "cho")):
        assert main(["station", "add", name, "--place", place, *desk.words]) == 0
        told.append(tomllib.loads(capsys.readouterr().out)["place"]["place_key"])
    assert told[0] == told[1] == told[3] != told[2]
    assert len(keys.decode_key(told[0])) == 32


def key_told(capsys) -> str:
    return tomllib.loads(capsys.readouterr().out)["place"]["place_key"]


def test_the_key_of_a_stolen_gate_is_replaced_for_those_that_stay_and_those_that_come(desk, capsys):
    desk.furnish()
    told = {}
    for name, place in (("a", "cho"), ("b", "cho"), ("c", "chot")):
        assert main(["station", "add", name, "--place", place, *desk.words]) == 0
        told[place] = key_told(capsys)
    assert main(["place", "key", "cho", *desk.words]) == 0
    stolen = key_told(capsys)
    assert main(["place", "key", "cho", "--new", *desk.words]) == 0
    out, err = capsys.readouterr()
    fresh = tomllib.loads(out)["place"]["place_key"]
    assert fresh != stolen == told["cho"]
    assert "a, b" in err
    assert main(["station", "add", "d", "--place", "cho", *desk.words]) == 0
    assert key_told(capsys) == fresh
    assert main(["place", "key", "cho", "--json", *desk.words]) == 0
    assert json.loads(capsys.readouterr().out) == {"place": {"place_key": fresh}, "gates": ["a", "b", "d"]}
    assert main(["place", "key", "chot", *desk.words]) == 0
    assert key_told(capsys) == told["chot"]


def test_who_had_a_places_key_told_or_drawn_anew_is_written_down_without_the_key(desk, capsys):
    desk.furnish()
    keys_told = set()
    for more in ([], ["--new"]):
        assert main(["place", "key", "cho", *more, *desk.words]) == 0
        keys_told.add(key_told(capsys))
    store, _ = desk.open()
    with store.reading() as connection:
        written = [row.detail for row in connection.execute(sa.select(audit.c.detail))]
    store.close()
    assert [json.loads(each)["what"] for each in written if "place-key" in each] == ["told-place-key", "new-place-key"]
    assert not any(key in each for key in keys_told for each in written)


def test_a_place_that_nobody_registered_has_no_key(desk, capsys):
    desk.furnish()
    assert main(["place", "key", "nowhere", *desk.words]) == 65
    assert "hub place list" in capsys.readouterr().err


def test_a_places_key_is_sealed_in_the_database_and_bound_to_its_place(desk):
    store, ring = desk.open()
    with store.writing() as connection:
        key = place_keys.key_of(connection, ring, "cho", datetime.now(UTC))
        assert key not in connection.scalar(sa.select(tables.place_keys.c.sealed))
        connection.execute(sa.update(tables.place_keys).values(place="ga"))
    with store.writing() as connection, pytest.raises(ConfigError, match="registry key"):
        place_keys.key_of(connection, ring, "ga", datetime.now(UTC))
    store.close()


@pytest.fixture
def private(tmp_path):
    with Broker(tmp_path / "broker", "127.0.0.1", 0) as broker:
        broker.admit(dict.fromkeys(("a", "b", "c"), broker_hash(PASSWORD)), {"a": "cho", "b": "cho", "c": "ga"})
        yield broker


def line_of(broker: Broker, name: str) -> Line:
    """A line that hears everything that it may hear of places, once the broker lets it in."""
    found: list[Line] = []

    def let_in() -> bool:
        found.append(Line((broker.host, broker.port), name, PASSWORD, f"{name}-{len(found)}"))
        with_line = found[-1].__enter__()
        return not with_line.refused

    until(let_in, "let in")
    found[-1].subscribe("tq/v1/place/#")
    return found[-1]


@pytest.mark.broker
def test_a_station_tells_and_hears_its_own_place_and_no_other(private):
    a, b, c = (line_of(private, name) for name in "abc")
    for place in ("cho", "ga"):
        a.client.publish(f"tq/v1/place/{place}/seen", f"to {place}", 1).wait_for_publish(SECONDS)
    assert b.next("place/cho/seen") == b"to cho"
    c.client.publish("tq/v1/place/ga/seen", "own", 1).wait_for_publish(SECONDS)
    assert c.next("") == b"own"  # and nothing of a's before it
    for line, place in ((b, "cho"), (c, "ga")):
        line.client.publish(f"tq/v1/place/{place}/seen", "the last", 1).wait_for_publish(SECONDS)
        assert line.next("") == b"the last"  # and nothing of any other place before it


@pytest.mark.broker
def test_a_station_that_moves_tells_and_hears_its_new_place_at_once(private):
    a, c = line_of(private, "a"), line_of(private, "c")
    private.admit(dict.fromkeys(("a", "b", "c"), broker_hash(PASSWORD)), {"a": "cho", "b": "cho", "c": "cho"})

    def heard() -> bool:
        a.client.publish("tq/v1/place/cho/seen", "to cho", 1).wait_for_publish(SECONDS)
        try:
            return c.next("place/cho/seen", 0.5) == b"to cho"
        except queue.Empty:
            return False

    until(heard, "the new place")


@pytest.mark.parametrize(("conflicts", "told"), [(0, []), (3, ["place-conflict"])])
def test_gates_that_disagreed_while_they_were_cut_off_are_a_trouble_of_the_one_that_says_so(conflicts, told):
    now = datetime.now(UTC)
    agreed = PlaceFigures(gates=2, conflicts=conflicts)
    health = Health(station="a", session="one", number=1, at=now, up=1.0, place=agreed)
    found = trouble(View(station="a", health=health, heard=now), now)
    assert [each.kind for each in found] == told
    assert all("3 people" in each.detail for each in found)
