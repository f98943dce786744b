"""Two hubs on one database: nothing is doubled, whatever both do at the same moment."""

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
import sqlalchemy as sa
from declared import ME, NOW, child, form
from hub_stand import CITIZEN, PEOPLE, HubProcess, Journal, furnish, journal_of, now, until

from core import keys, wire
from core.model import Area, GateKind, Origin, Scheme
from hub.citizens import own_scans
from hub.journals import intake, reading
from hub.journals.second_look import look_again
from hub.journals.writer import Delivery, Writer
from hub.officials import sessions
from hub.policy import policies
from hub.register import declaring, myqr, people, places, registry
from hub.register.people import PlaceRecord
from hub.stations import fleet
from hub.storage import replies
from hub.storage.account_tables import sign_in_pauses
from hub.storage.store import Store
from hub.storage.tables import alarms, declarations, identities, journal_rows, visits
from hub.storage.tables import people as people_table

HUBS, TRIES = 4, 16
ROWS = 60
PATIENCE = 300
TURNS = 8


@pytest.fixture
def both(database):
    """The same database, opened by two hubs."""
    opened = [Store(database), Store(database)]
    yield opened
    for store in opened:
        store.close()


def at_once(both, act, turns=TURNS):
    """What ``act(connection)`` gives, done by both hubs at the same moment, several times over."""
    begin = threading.Barrier(turns)

    def one(number):
        begin.wait()
        with both[number % 2].writing() as connection:
            return act(connection)

    with ThreadPoolExecutor(turns) as several:
        return list(several.map(one, range(turns)))


def count(store, table):
    with store.reading() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table))


def test_two_that_start_at_once_make_one_schema(bare_database):
    hubs = [Store(bare_database), Store(bare_database)]
    with ThreadPoolExecutor(2) as several:
        list(several.map(Store.upgrade, hubs))
    assert count(hubs[0], visits) == 0
    for store in hubs:
        store.close()


def test_the_same_rows_through_both_are_held_and_read_once(both, ring):
    registry.import_people(both[0], ring, people.parse(people_json(), "people.json"))
    with both[0].writing() as connection:
        fleet.add_station(connection, "s1", "cho", None, now())
    book = journal_of(ring)
    for _ in range(ROWS):
        book.write()
    writers = [Writer(store, ring) for store in both]
    answered = threading.Semaphore(0)
    for first in range(1, ROWS + 1, 10):
        for writer in writers:
            assert writer.deliver(Delivery(book.batch(first, first + 9), lambda result: answered.release()))
    threads = [threading.Thread(target=writer.run, daemon=True) for writer in writers]
    for thread in threads:
        thread.start()
    for _ in range(2 * ROWS // 10):
        assert answered.acquire(timeout=60)
    until(lambda: not any(writer.busy for writer in writers), "every row read")
    for writer, thread in zip(writers, threads, strict=True):
        writer.stop()
        thread.join()
    assert (count(both[0], journal_rows), count(both[0], visits), count(both[0], alarms)) == (ROWS, ROWS, 0)


def people_json():
    return json.dumps(PEOPLE).encode()


def test_one_person_declaring_through_both_is_one_person(both, ring):
    made = at_once(both, lambda connection: declaring.declare(connection, ring, form(), NOW, by=ME))
    assert len({each.person for each in made}) == 1
    assert [each.my_qr is not None for each in made].count(True) == 1
    assert (count(both[0], people_table), count(both[0], declarations), count(both[0], identities)) == (1, TURNS, 4)


def test_one_sheet_through_both_is_one_declaration(both, ring):
    made = at_once(both, lambda connection: declaring.declare(connection, ring, form(), NOW, by=ME, once="sheet"))
    assert len({(each.declaration, each.code) for each in made}) == 1
    assert count(both[0], declarations) == 1


def test_one_child_through_both_is_one_child(both, ring):
    made = at_once(both, lambda connection: declaring.declare(connection, ring, child(), NOW, by=ME))
    assert len({each.person for each in made}) == 1


def test_one_request_through_both_is_done_once(both, ring):
    done = []

    def act(connection):
        if (known := replies.kept(connection, ring, "client/a", "key", b"request")) is not None:
            return known
        done.append(1)
        replies.keep(connection, ring, "client/a", "key", b"request", b"answer", NOW)
        return b"answer"

    assert at_once(both, act) == [b"answer"] * TURNS
    assert len(done) == 1


def test_one_tap_through_both_is_one_scan_and_one_my_qr(both, ring):
    with both[0].writing() as connection:
        registry.put_place(connection, PlaceRecord("cho", "Chợ", GateKind.VENUE, Area("34", "46")))
        person = declaring.declare(connection, ring, form(), NOW, by=ME).person
        connection.execute(sa.delete(identities).where(identities.c.scheme == "token"))
    tokens = at_once(both, lambda connection: myqr.of(connection, ring, person))
    at_once(both, lambda connection: own_scans.scan(connection, ring, person, places.posted("cho"), NOW))
    assert len(set(tokens)) == 1
    assert count(both[0], visits) == 1


def test_one_policy_published_through_both_is_one_version(both, ring):
    policy = people.parse(people_json(), "people.json").policies[0]

    def act(connection):
        try:
            return policies.publish(connection, ring, policy, now())
        except sa.exc.IntegrityError:
            return None

    done = at_once(both, act)
    assert done.count(True) == 1


@pytest.fixture
def processes(database, tmp_path):
    """Two hubs in processes of their own on one database, with the same keys; and their station's settings."""
    first = tmp_path / "first"
    pinned = furnish(first, "s1", database=database)["s1"]
    shutil.copytree(first / "keys", tmp_path / "second" / "keys")
    hubs = []
    for name in ("first", "second"):
        config = tmp_path / f"{name}.toml"
        config.write_text(f"database = {json.dumps(database)}\n")
        hubs.append(HubProcess(tmp_path / name, "--config", str(config)).start())
    yield hubs, pinned
    assert [hub.stop() for hub in hubs] == [0, 0]


@pytest.mark.timeout(2 * PATIENCE)
def test_one_of_two_killed_in_the_middle_loses_and_doubles_nothing(processes, database):
    hubs, pinned = processes
    book = Journal(keys.decode_key(pinned["sealing_key"]))
    for _ in range(4 * ROWS):
        book.write()
    batches = [book.batch(first, first + 3) for first in range(1, 4 * ROWS, 4)]
    held = threading.Semaphore(0)

    def bring(number):
        """The same rows to both hubs; to the other one while one is down."""
        for batch in batches:
            end, attempt = time.monotonic() + PATIENCE, number
            while time.monotonic() < end:
                hub, attempt = hubs[attempt % 2], attempt + 1
                try:
                    with hub.session(pinned["token"]) as line:
                        answer = line.post("/v1/checkins", data=wire.encode(batch))
                except requests.RequestException:
                    time.sleep(0.01)
                    continue
                if answer.status_code == 503:  # the other one writes for so long just now
                    continue
                assert answer.status_code == 200, answer.text
                held.release()
                break
            else:
                raise AssertionError("neither hub takes it")

    with ThreadPoolExecutor(2) as several:
        sending = [several.submit(bring, number) for number in range(2)]
        for turn in range(2):
            for _ in range(20):
                assert held.acquire(timeout=PATIENCE)
            hubs[turn % 2].kill()
            hubs[turn % 2].start()
        for each in sending:
            each.result(timeout=PATIENCE)
    with hubs[0].session(pinned["token"]) as line:
        mark = line.get("/v1/held").json()
    assert (mark["through"], mark.get("refused"), mark.get("alarm")) == (4 * ROWS, [], "")
    looking = Store(database)
    until(lambda: count(looking, visits) >= 4 * ROWS, "every row read")
    counts = [count(looking, table) for table in (journal_rows, visits, alarms)]
    looking.close()
    assert counts == [4 * ROWS, 4 * ROWS, 0]


def test_a_station_may_bring_its_rows_to_either_hub_and_ask_the_other(processes, database):
    hubs, pinned = processes
    lines = [hub.session(pinned["token"]) for hub in hubs]
    book = Journal(keys.decode_key(pinned["sealing_key"]))
    for _ in range(ROWS):
        book.write()
    with ThreadPoolExecutor(4) as several:
        marks = list(several.map(lambda number: lines[number % 2].bring(book.batch()), range(8)))
    assert [(mark.through, mark.refused, mark.alarm) for mark in marks] == [(ROWS, (), "")] * 8
    looking = Store(database)
    until(lambda: count(looking, visits) >= ROWS, "every row read")
    ask = wire.encode(wire.Ask(wire.Who(Scheme.CITIZEN, CITIZEN), GateKind.VENUE, now()))
    standings = [line.post("/v1/lookup", data=ask).json()["standing"] for line in lines]
    assert [standing["destination"]["place"] for standing in standings] == ["cho", "cho"]
    assert (count(looking, journal_rows), count(looking, visits)) == (ROWS, ROWS)
    looking.close()


def test_second_looks_of_two_hubs_raise_each_alarm_once(both, ring):
    registry.import_people(both[0], ring, people.parse(people_json(), "people.json"))
    with both[0].writing() as connection:
        fleet.add_station(connection, "s1", "cho", None, now())
        policies.publish(connection, ring, people.parse(people_json(), "people.json").policies[0], now())
        book = journal_of(ring)
        for _ in range(4):
            book.write(policy_version=1, groups=(wire.RowGroup(Origin.SNAPSHOT),) * 3)
        intake.take(connection, book.batch(), now())
        reading.read_pending(connection, ring, 100, now())
    begin = threading.Barrier(TURNS)

    def look(number):
        begin.wait()
        return look_again(both[number % 2], ring, now())

    with ThreadPoolExecutor(TURNS) as several:
        passed = sum(several.map(look, range(TURNS)))
    with both[0].reading() as connection:
        raised = [tuple(row) for row in connection.execute(sa.select(alarms.c.kind, alarms.c.times))]
    assert (passed, raised) == (4, [("other-verdict", 1)])


def test_failed_sign_ins_at_several_hubs_at_once_are_all_counted(database, ring):
    hubs = [Store(database) for _ in range(HUBS)]
    begin = threading.Barrier(TRIES)

    def one(number):
        begin.wait()
        return sessions.sign_in(hubs[number % HUBS], ring, f"name{number}", "không phải", "", "10.0.0.9", now())

    with ThreadPoolExecutor(TRIES) as pool:
        assert set(map(type, pool.map(one, range(TRIES)))) == {sessions.Refused}
    with hubs[0].reading() as connection:
        own = sign_in_pauses.c.subject == "address/10.0.0.9"
        assert connection.scalar(sa.select(sign_in_pauses.c.failures).where(own)) == TRIES
    for hub in hubs:
        hub.close()


def test_of_many_tries_at_several_hubs_at_once_no_more_are_free_than_at_one(database, ring):
    hubs = [Store(database) for _ in range(HUBS)]
    begin, at = threading.Barrier(TRIES), now()

    def one(number):
        begin.wait()
        return sessions.sign_in(hubs[number % HUBS], ring, "guard", "không phải", "", f"10.0.0.{number}", at)

    with ThreadPoolExecutor(TRIES) as pool:
        list(pool.map(one, range(TRIES)))
    with hubs[0].reading() as connection:
        own = sign_in_pauses.c.subject == "account/guard"
        failures = connection.scalar(sa.select(sign_in_pauses.c.failures).where(own))
    assert failures == sessions.FREE_TRIES["account"] + 1
    for hub in hubs:
        hub.close()
