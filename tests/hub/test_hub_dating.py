"""A word that dates a great many rows: noted when it is heard, carried out a little at a time, right in the end."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hub_stand import CITIZEN, HubProcess, Journal, furnish, journal_of, now, on, until
from kept import DAYS, count, take
from plans import scans

from core import keys, wire
from core.model import Scheme, Subject
from hub.custody.keeping import due, keep
from hub.inquiries import occupancy
from hub.journals import boots, dead_letters, intake, reading, second_look
from hub.journals import writer as writing
from hub.journals.writer import Delivery, Writer
from hub.register.standings import Standings
from hub.storage import keyring
from hub.storage.boot_tables import boots as boots_table
from hub.storage.store import Store, build
from hub.storage.tables import journal_rows, stations, visits

ROWS = 30
OFF = timedelta(days=30)


def clock(source, uptime, boot="boot"):
    return wire.RowClock(source, boot, uptime)


def heard(store, ring, book, first=1):
    """Takes rows in and reads them, without dating what that says is to be dated."""
    with store.writing() as connection:
        intake.take(connection, book.batch(first), now())
        while reading.read_pending(connection, ring, 1_000, now())[0]:
            pass


def behind(book, begun, rows=ROWS, *, source="rtc", boot="boot", off=OFF, each=10.0, who=CITIZEN):
    """Rows every few seconds from ``begun`` on, by a clock that is behind, and what it really was at each."""
    true = [begun + timedelta(seconds=each * number) for number in range(rows)]
    for number, at in enumerate(true):
        book.write(who, at=at - off, clock=clock(source, 100.0 + each * number, boot))
    return true


def amend(book, at, uptime, boot="boot"):
    book.write(type="amendment", outcome=None, cause="clock", sealed="", clock=clock("ntp", uptime, boot), at=at)


def moments(store):
    with store.reading() as connection:
        return list(connection.scalars(sa.select(visits.c.at).order_by(visits.c.epoch, visits.c.seq)))


def step(store, at_most=7):
    with store.writing() as connection:
        return boots.date_held(connection, at_most)


def broken_off(store):
    with store.writing() as connection:
        boots.date_held(connection, 7)
        raise KeyboardInterrupt


@pytest.fixture
def begun():
    return now().replace(microsecond=0) - timedelta(hours=3)


@pytest.fixture
def noted(peopled, ring, begun):
    """Rows of a clock 30 days behind, held and read; their amendment has been heard and nothing is dated by it yet."""
    book = journal_of(ring)
    true = behind(book, begun)
    heard(peopled, ring, book)
    amend(book, begun + timedelta(seconds=1_000), 1_100.0)
    heard(peopled, ring, book, ROWS + 1)
    return true


def test_a_word_dates_so_many_rows_a_transaction_and_no_more(peopled, noted):
    assert moments(peopled) == [at - OFF for at in noted]
    done = []
    while step(peopled):
        done.append(sum(at == true for at, true in zip(moments(peopled), noted, strict=True)))
    assert done == [7, 14, 21, 28]
    assert moments(peopled) == noted
    assert not step(peopled)


def test_what_was_broken_off_goes_on_where_it_was(peopled, noted):
    step(peopled)
    with pytest.raises(KeyboardInterrupt):
        broken_off(peopled)
    assert moments(peopled)[6:8] == [noted[6], noted[7] - OFF]
    again = Store(peopled.url)
    while step(again):
        pass
    assert moments(again) == noted
    again.close()


def test_many_rows_of_one_moment_are_all_dated(peopled, ring, begun):
    book = journal_of(ring)
    true = behind(book, begun, each=0.0)
    amend(book, begun + timedelta(seconds=10), 110.0)
    heard(peopled, ring, book)
    while step(peopled):
        pass
    assert moments(peopled) == true


def test_a_word_that_comes_while_another_is_carried_out_is_obeyed_wherever_that_stands(peopled, ring, noted, begun):
    step(peopled)
    earlier = Journal(ring.sealing_public, epoch="b" * 16)
    amend(earlier, begun + timedelta(seconds=95), 195.0)  # says the same of the first ten rows
    amend(earlier, begun + timedelta(seconds=7_200 + 195), 295.0)  # two hours on, of the ten after them
    heard(peopled, ring, earlier)
    while step(peopled):
        pass
    later = [at + timedelta(hours=2) for at in noted[10:20]]
    assert moments(peopled) == [*noted[:10], *later, *noted[20:]]


def test_a_row_is_not_erased_by_a_moment_that_nobody_vouches_for(peopled, noted):
    with peopled.reading() as connection:
        assert due(connection, DAYS, now())["check-ins"] == 0
    assert keep(peopled, DAYS, now()).get("check-ins", 0) == 0
    while step(peopled):
        pass
    assert keep(peopled, DAYS, now()).get("check-ins", 0) == 0
    assert moments(peopled) == noted
    assert count(peopled, visits) == ROWS


def test_one_that_is_never_dated_goes_when_its_arrival_is_past_its_days(peopled, ring, begun):
    book = journal_of(ring)
    behind(book, begun)
    heard(peopled, ring, book)
    assert keep(peopled, DAYS, now() + timedelta(days=20)).get("check-ins", 0) == 0
    assert keep(peopled, DAYS, now() + timedelta(days=22))["check-ins"] == ROWS


def test_nobody_is_told_a_moment_that_is_known_to_be_wrong(peopled, ring, begun):
    book = journal_of(ring)
    book.write(at=begun - timedelta(hours=1), place="chot")
    true = behind(book, begun, source="guess", off=timedelta(days=20_000))  # 1971: they stand at their arrival
    amend(book, begun + timedelta(seconds=1_000), 1_100.0)
    heard(peopled, ring, book)
    asked = Standings(peopled.reader(), ring)

    def told():
        with peopled.reading() as connection:
            today = occupancy.occupancy(connection, "cho", now())
        last = asked.of(Subject(Scheme.CITIZEN, CITIZEN), now(), now()).destination
        return last.place, last.at, today.today.passed

    assert told() == ("chot", begun - timedelta(hours=1), 0)
    step(peopled)
    assert told()[:2] == ("cho", true[6])
    while step(peopled):
        pass
    assert told()[:2] == ("cho", true[-1])
    asked.close()


def test_the_writer_dates_what_nobody_waits_for_and_goes_on_after_a_start(peopled, ring, noted, begun, monkeypatch):
    monkeypatch.setattr(writing, "DATED_A_COMMIT", 5)
    monkeypatch.setattr(writing, "DATED_BESIDE", 2)
    step(peopled)
    writer = Writer(peopled, ring)
    more = Journal(ring.sealing_public, epoch="c" * 16)
    behind(more, begun + timedelta(hours=1), boot="another")
    amend(more, begun + timedelta(hours=1, seconds=1_000), 1_100.0, "another")
    answered = threading.Event()
    assert writer.deliver(Delivery(more.batch(), lambda result: answered.set()))
    thread = threading.Thread(target=writer.run, daemon=True)
    thread.start()
    assert answered.wait(60)
    until(lambda: not writer.busy, "everything dated")
    writer.stop()
    thread.join()
    expected = [begun + timedelta(hours=1, seconds=10 * number) for number in range(ROWS)]
    assert moments(peopled) == [*noted, *expected]


def test_a_hub_that_is_killed_while_it_dates_goes_on_when_it_is_back(tmp_path, database):
    data = tmp_path / "hub"
    pinned = furnish(data, "s1", database=database)
    store, ring = Store(database), keyring.load(data / "keys")
    begun, rows = now().replace(microsecond=0) - timedelta(hours=6), 4_000
    book = Journal(keys.decode_key(pinned["s1"]["sealing_key"]))
    true = [begun + timedelta(seconds=number) for number in range(rows)]
    for number, at in enumerate(true):
        book.write(at=at - OFF, clock=clock("rtc", float(number)), sealed="")
    amend(book, begun + timedelta(seconds=rows + 10), rows + 10.0)
    heard(store, ring, book)
    hub = HubProcess(data, *on(data, database)).start()
    until(lambda: moments(store)[0] == true[0], "the first are dated")
    hub.kill()
    dated = sum(at == when for at, when in zip(moments(store), true, strict=True))
    assert dated % 500 == 0 or dated == rows
    hub.start()
    until(lambda: moments(store)[-1] == true[-1], "all are dated")
    assert hub.stop() == 0
    assert moments(store) == true
    store.close()


def test_a_word_found_in_a_dead_letter_is_carried_out_with_its_replay(peopled, ring, begun):
    book = journal_of(ring)
    true = behind(book, begun)
    amend(book, begun + timedelta(seconds=1_000), 1_100.0)
    heard(peopled, ring, book)
    with peopled.writing() as connection:  # as if an older hub had not known what that row is
        connection.execute(sa.delete(boots_table))
        connection.execute(sa.update(journal_rows).where(journal_rows.c.seq == ROWS + 1).values(refused="unknown"))
    dead_letters.replay(peopled, ring, dead_letters.Wanted(), "root", "", now)
    assert moments(peopled) == true


def test_a_clock_that_ran_with_a_sure_one_is_vouched_for_and_one_that_did_not_is_left(peopled, ring, begun):
    right, wrong = journal_of(ring), Journal(ring.sealing_public, epoch="b" * 16)
    true = behind(right, begun, off=timedelta(seconds=3))
    behind(wrong, begun, boot="wrong")
    for book, boot in ((right, "boot"), (wrong, "wrong")):
        book.write(at=begun + timedelta(seconds=1_000), clock=clock("hub", 1_100.0, boot))
        heard(peopled, ring, book)
    while step(peopled):
        pass
    with peopled.reading() as connection:
        found = connection.execute(sa.select(visits.c.epoch, visits.c.at, visits.c.dated).order_by(visits.c.seq)).all()
    vouched = [(each.at, each.dated) for each in found if each.epoch == right.epoch]
    assert vouched[:-1] == [(at - timedelta(seconds=3), True) for at in true]
    assert {each.dated for each in found if each.epoch == wrong.epoch and each.at < begun} == {False}
    amend(wrong, begun + timedelta(seconds=1_000), 1_100.5, "wrong")
    heard(peopled, ring, wrong, ROWS + 2)
    while step(peopled):
        pass
    with peopled.reading() as connection:
        left = connection.scalar(sa.select(sa.func.count()).where(~visits.c.dated))
    assert left == 0


def test_a_day_of_sure_rows_leaves_nothing_to_be_dated(peopled, ring):
    book = journal_of(ring)
    for _ in range(5):
        book.write()
    take(peopled, ring, book)
    assert count(peopled, boots_table) == 0
    assert not step(peopled)


def test_rows_held_when_the_schema_is_brought_up_are_dated_by_what_comes_later(bare_database, ring, begun):
    store = Store(bare_database)
    book = journal_of(ring)
    true = behind(book, begun)
    known = behind(book, begun - timedelta(days=1), rows=2, boot="before")
    amend(book, begun + timedelta(seconds=1_000), 1_100.0)
    old = {"place": "cho", "direction": "in", "outcome": "pass", "went_in": 1, "station": "s1", "epoch": book.epoch}
    with store.writing() as connection:
        build(connection, "0020")
        place = ("code", "name", "kind", "edition", "province", "district", "commune", "hamlet", "address", "hours")
        names = ", ".join((*place, "contact"))
        values = ", ".join(["'cho'", *["''"] * len(place)])
        connection.exec_driver_sql(f"INSERT INTO places ({names}) VALUES ({values})")
        own = {"name": "s1", "place": "cho", "kind": "venue", "token": b"t" * 32, "broker_hash": "", "changed": begun}
        connection.execute(sa.insert(stations), own)
        intake.take(connection, book.batch(), now())
        table = sa.table("visits", *(sa.column(name) for name in (*old, "seq", "at")))
        for seq in range(1, ROWS + 3):
            connection.execute(sa.insert(table), {**old, "seq": seq, "at": seq})
        word = sa.table("boots", *(sa.column(name) for name in ("station", "boot", "uptime", "at")))
        connection.execute(sa.insert(word), {"station": "s1", "boot": "before", "uptime": 500_000, "at": 1})
    store.upgrade()
    with store.reading() as connection:
        dated = list(connection.scalars(sa.select(visits.c.dated).order_by(visits.c.seq)))
    assert dated == [False] * ROWS + [True] * len(known)
    heard(store, ring, book)
    while step(store):
        pass
    found = moments(store)
    store.close()
    assert found[:ROWS] == true


def test_dating_and_asking_again_read_no_table_from_end_to_end(peopled, noted):
    given = {"of": "s1", "in": "boot", "to": 1, "amend": True}
    with peopled.reading() as connection:
        for statement in (boots._WAITING, boots._WORDS, boots._BEFORE, boots._UNVOUCHED, second_look._LEFT):
            steps = scans(connection, statement, given)
            assert steps in ([], ["SCAN boots USING INDEX ix_boots_passed"])  # which holds only what is left to do
