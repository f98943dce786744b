"""Two hubs at one broker and on one database: each thing is done once, and one of them may die at any moment."""

import json
import queue
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from fetcher import Fetcher
from hub_stand import HubProcess, Journal, Line, furnish, now, until
from test_hub_two import PATIENCE, ROWS, count
from test_hub_web_officials import PASSWORD, Browser

from core import keys, wire
from core.chunks import OfferAsk
from core.health import CameraFigures, Health
from core.snapshot import Offer
from hub.officials import accounts
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.storage.health_tables import healths
from hub.storage.store import Store
from hub.storage.tables import alarms, journal_rows, states, visits

NAMES = ("s1", "s2", "s3")
ORDERS = 6


class Gates:
    """Stations at one broker that bring rows as real ones do: one batch at a time, again until it is held."""

    def __init__(self, broker, pinned):
        self.lines = {name: Line(broker, name, "").__enter__() for name in pinned}
        self.pinned = pinned
        for line in self.lines.values():
            for leaf in ("held", "answer", "do"):
                line.own(leaf)

    def close(self):
        for line in self.lines.values():
            line.__exit__()

    def bring(self, name, book, first, last):
        """Brings a batch until a hub says that it holds it."""
        line, until_held = self.lines[name], time.monotonic() + PATIENCE
        while time.monotonic() < until_held:
            line.publish("checkins", wire.encode(book.batch(first, last)))
            try:
                if wire.decode(line.next("/held", 1.0), wire.HeldMark).through >= last:
                    return
            except queue.Empty:
                continue
        raise AssertionError(f"{name}: no hub holds {first} to {last}")

    def find(self, name, ask_id):
        """Asks until a hub answers, as whoever stands at a gate tries again."""
        line, sealing_key, until_told = self.lines[name], self.pinned[name]["sealing_key"], time.monotonic() + PATIENCE
        while time.monotonic() < until_told:
            line.ask(sealing_key, ask_id)
            try:
                sealed = wire.decode(line.next("/answer", 5.0), wire.SealedAnswer)
            except queue.Empty:
                continue
            assert not sealed.error
            return
        raise AssertionError(f"{name}: no hub answers")

    def say_health(self, name, number):
        """How the station is, as it would say it."""
        self.lines[name].publish("health", wire.encode(health_of(name, number)), qos=0)


def health_of(name, number):
    said = {"station": name, "session": "session", "number": number, "at": now(), "up": 1.0}
    return Health(**said, camera=CameraFigures(blind="covered"))


@pytest.fixture(params=[True, False], ids=["taking turns", "one leads"])
def at_one_broker(request, postgres_database, open_broker, tmp_path):
    """Two hubs on one PostgreSQL database and one broker, and three stations."""
    first = tmp_path / "first"
    pinned = furnish(first, *NAMES, database=postgres_database)
    shutil.copytree(first / "keys", tmp_path / "second" / "keys")
    hubs = []
    for name in ("first", "second"):
        config = tmp_path / f"{name}.toml"
        mqtt = f'[mqtt]\nhost = "127.0.0.1"\nport = {open_broker.port}\nshared = {json.dumps(request.param)}\n'
        config.write_text(f"database = {json.dumps(postgres_database)}\n{mqtt}")
        hubs.append(HubProcess(tmp_path / name, "--config", str(config)).start())
    for hub in hubs:
        until(lambda hub=hub: hub.lines("broker connected"), "at the broker")
    gates = Gates(("127.0.0.1", open_broker.port), pinned)
    yield hubs, gates, postgres_database
    gates.close()
    assert [hub.stop() for hub in hubs] == [0, 0]


def test_two_hubs_at_one_broker_keep_their_lines_and_answer_nothing_twice(at_one_broker):
    hubs, gates, _ = at_one_broker
    line, sealing_key = gates.lines["s1"], gates.pinned["s1"]["sealing_key"]
    for number in range(20):
        line.ask(sealing_key, f"ask {number}")
    answered = [wire.decode(line.next("/answer"), wire.SealedAnswer).id for _ in range(20)]
    assert sorted(answered) == sorted(f"ask {number}" for number in range(20))
    for number in range(ORDERS):
        hubs[0].command("order", "s2", "identify", "--for", f"{number + 5}s")
    given = [gates.lines["s2"].next("/do") for _ in range(ORDERS)]
    assert len(set(given)) == ORDERS
    for each in (line, gates.lines["s2"]):
        with pytest.raises(queue.Empty):
            each.next("/answer" if each is line else "/do", 3.0)
    assert [hub.lines("broker lost") for hub in hubs] == [[], []]
    assert len({hub.lines("broker connected")[0]["client"] for hub in hubs}) == 2


def test_two_hubs_at_one_broker_answer_each_station_that_fetches_once(at_one_broker):
    hubs, gates, _ = at_one_broker
    line = gates.lines["s1"]
    station = Fetcher(line, gates.pinned["s1"]["sealing_key"])
    for _ in range(20):
        assert station.offer(OfferAsk(0)) == Offer()
        assert station.chunk("0123456789abcdef-00001-00000", 0) is None
    with pytest.raises(queue.Empty):
        line.next("", 3.0)
    assert [hub.lines("no snapshots over the broker now") for hub in hubs] == [[], []]


def test_the_wall_of_either_hub_sees_every_stations_health_and_it_is_kept_once(at_one_broker):
    hubs, gates, database = at_one_broker
    looking = Store(database)
    with looking.writing() as connection:
        account = Account("lan", "Lan", Role.TECHNICIAN)
        accounts.add(connection, account, accounts.Password(PASSWORD), now())
    for name in NAMES:
        gates.say_health(name, 1)
    for hub in hubs:
        visitor = Browser(hub)
        assert visitor.submit("/officers/sign-in", account="lan", password=PASSWORD).status_code == 200
        until(
            lambda visitor=visitor: visitor.open("/officers/fleet").text.count("Camera bị che") >= len(NAMES),
            "the wall",
        )
    until(lambda: count(looking, healths) == len(NAMES), "kept")
    looking.close()


def test_a_station_that_restarts_under_two_hubs_is_not_taken_for_two(at_one_broker):
    _, gates, database = at_one_broker
    line, looking = gates.lines["s3"], Store(database)
    try:
        for number in range(12):
            line.publish("state", wire.encode(wire.State("s3", True, f"session-{number}", now())))
            line.publish("state", wire.encode(wire.State("s3", False, f"session-{number}", now())))
        line.publish("state", wire.encode(wire.State("s3", True, "the last", now())))

        def last_heard():
            with looking.reading() as connection:
                return connection.scalar(sa.select(states.c.session).where(states.c.station == "s3")) == "the last"

        until(last_heard, "the last session")
        assert count(looking, alarms) == 0
    finally:
        looking.close()


@pytest.mark.timeout(2 * PATIENCE)
@pytest.mark.parametrize("victim", [0, 1], ids=["the one that leads", "the other"])
def test_a_hub_killed_at_one_broker_leaves_the_other_to_go_on_and_nothing_is_lost_or_doubled(at_one_broker, victim):
    hubs, gates, database = at_one_broker
    books = {name: Journal(keys.decode_key(gates.pinned[name]["sealing_key"]), name) for name in NAMES}
    for book in books.values():
        for _ in range(ROWS):
            book.write()
    halfway = threading.Barrier(len(NAMES) + 1)

    def bring_all(name):
        for first in range(1, ROWS + 1, 4):
            if first == 1 + ROWS // 8 * 4:
                halfway.wait(PATIENCE)
            gates.bring(name, books[name], first, first + 3)

    with ThreadPoolExecutor(len(NAMES)) as several:
        sending = [several.submit(bring_all, name) for name in NAMES]
        halfway.wait(PATIENCE)
        hubs[victim].kill()
        for each in sending:
            each.result(timeout=PATIENCE)
    gates.find("s1", "before")  # once the other one leads it answers each
    line, sealing_key = gates.lines["s1"], gates.pinned["s1"]["sealing_key"]
    for number in range(4):
        line.ask(sealing_key, f"after {number}")
        assert line.answer(sealing_key, f"after {number}").standing
    hubs[1 - victim].command("order", "s2", "identify")
    assert gates.lines["s2"].next("/do")
    looking = Store(database)
    until(lambda: count(looking, visits) >= len(NAMES) * ROWS, "every row read")
    counts = [count(looking, table) for table in (journal_rows, visits, alarms)]
    looking.close()
    assert counts == [len(NAMES) * ROWS, len(NAMES) * ROWS, 0]
    hubs[victim].start()
