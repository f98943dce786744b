"""What could not be read is kept with its cause, and read once more when that can be mended."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
import sqlalchemy as sa
from hub_stand import CITIZEN, HubProcess, Journal, appoint, furnish, journal_of, now, on

from core import keys, wire
from core.model import Outcome, Scheme, Subject
from hub.config import Settings
from hub.journals import dead_letters, intake, proof, reading
from hub.journals.dead_letters import Wanted
from hub.officials import audit
from hub.register.standings import Standings
from hub.stations import alarms
from hub.storage.tables import journal_rows, visits

EVERY = Wanted()
SEAL = "the seal does not open with this hub's key"


class Desk:
    """A hub that reads with a key of its own choice."""

    def __init__(self, store, ring):
        self.store, self.ring = store, ring
        self.wrong = replace(ring, sealing=keys.new_sealing_key()[0])

    def take(self, book: Journal, ring=None, first=1):
        with self.store.writing() as connection:
            intake.take(connection, book.batch(first), now())
            reading.read_pending(connection, ring or self.ring, 1000, now())
            return intake.mark(connection, book.station, book.epoch, now())

    def replay(self, wanted=EVERY, ring=None, **more):
        return dead_letters.replay(self.store, ring or self.ring, wanted, "le-thi-b", "here", now, **more)

    def listed(self, wanted=EVERY):
        with self.store.reading() as connection:
            return dead_letters.listed(connection, wanted)

    def count(self, table):
        with self.store.reading() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(table))

    def last_scan(self):
        standings = Standings(self.store.reader(), self.ring)
        try:
            return standings.of(Subject(Scheme.CITIZEN, CITIZEN), now(), now()).destination
        finally:
            standings.close()


@pytest.fixture
def desk(peopled, ring):
    return Desk(peopled, ring)


def test_rows_sealed_to_a_key_that_is_put_back_later_become_the_visits_they_would_have_been(desk):
    book = journal_of(desk.ring)
    for _ in range(3):
        book.write()
    assert [refused.cause for refused in desk.take(book, desk.wrong).refused] == [SEAL] * 3
    assert desk.last_scan() is None
    assert desk.replay() == dead_letters.Replayed(3)
    assert (desk.count(visits), desk.listed(), desk.last_scan().place) == (3, [], "cho")
    assert desk.take(book).refused == ()
    with desk.store.reading() as connection:
        assert [(each.whole, each.refused) for each in proof.prove(connection, "s1")] == [(True, 0)]
        assert alarms.listed(connection) == []


def test_what_an_older_hub_could_not_read_a_newer_one_does(desk):
    book = journal_of(desk.ring)
    book.write()
    desk.take(book)
    with desk.store.writing() as connection:  # as an older hub left it
        connection.execute(sa.update(journal_rows).values(refused="not a row this hub can read, at `$.reasons[0]`"))
        connection.execute(sa.delete(visits))
    assert desk.replay(Wanted(cause="can read, at")).read == 1
    assert (desk.count(visits), desk.last_scan().place) == (1, "cho")


def test_what_came_after_an_unread_row_and_speaks_of_it_is_heard_again(desk):
    book = journal_of(desk.ring)
    at = now() - timedelta(minutes=3)
    guess = wire.RowClock("guess", "boot", 1.0)
    book.write(at=at - timedelta(hours=9), outcome=Outcome.WARN, clock=guess)
    book.write(type="decision", about=1, decision="admitted", sealed="")
    sure = wire.RowClock("ntp", "boot", 181.0)
    book.write(type="amendment", about=1, at=at + timedelta(minutes=3), clock=sure, sealed="")
    assert [refused.seq for refused in desk.take(book, desk.wrong).refused] == [1]
    desk.replay()
    seen = desk.last_scan()
    assert (seen.place, seen.at) == ("cho", at)


def test_what_cannot_be_read_again_stays_with_its_new_cause(desk):
    book = journal_of(desk.ring)
    book.write()
    book.keep(b'"no row"')
    book.seq = 2
    book.write(place="x" * 65)
    desk.take(book, desk.wrong)
    with desk.store.writing() as connection:
        connection.execute(sa.update(journal_rows).where(journal_rows.c.seq == 2).values(refused="an old hub's words"))
    done = desk.replay()
    assert (done.read, sum(done.left.values())) == (1, 2)
    assert [(each.seq, each.cause) for each in desk.listed()] == [
        (2, "not a row this hub can read"),
        (3, "its place or the row it speaks of cannot be"),
    ]
    assert desk.replay(Wanted(cause="an old hub's words")).read == 0


def test_an_earlier_hubs_sealing_key_opens_what_was_sealed_to_it(desk):
    earlier, public = keys.new_sealing_key()
    book = Journal(public)
    book.write()
    desk.take(book)
    assert desk.replay().left == {SEAL: 1}
    assert desk.replay(earlier=earlier).read == 1
    assert desk.last_scan().place == "cho"


def test_only_what_is_asked_for_is_replayed(desk):
    for epoch in ("00000000000000aa", "00000000000000bb"):
        book = journal_of(desk.ring, epoch=epoch)
        for _ in range(2):
            book.write()
        desk.take(book, desk.wrong)
    assert desk.replay(Wanted("s1", "00000000000000bb", 2)).read == 1
    assert desk.replay(Wanted("s2")).read == desk.replay(Wanted(cause="100%")).read == 0
    assert [(each.epoch[-2:], each.seq) for each in desk.listed()] == [("aa", 1), ("aa", 2), ("bb", 1)]


def test_a_row_replayed_by_several_at_once_beside_a_running_intake_is_one_visit(desk):
    book = journal_of(desk.ring)
    for _ in range(40):
        book.write()
    desk.take(book, desk.wrong)
    begin = threading.Barrier(4)

    def again(number):
        begin.wait()
        return desk.replay().read if number else desk.take(book) and 0

    for _ in range(10):
        book.write()
    with ThreadPoolExecutor(4) as several:
        assert sum(several.map(again, range(4))) == 40
    assert (desk.count(visits), desk.listed()) == (50, [])


def test_who_replayed_is_in_the_log(desk):
    book = journal_of(desk.ring)
    book.write()
    desk.take(book, desk.wrong)
    desk.replay()
    with desk.store.reading() as connection:
        entry = audit.entries(connection)[0]
        assert audit.prove(connection).whole
    assert (entry.account, entry.action) == ("le-thi-b", "replay")
    assert entry.detail == {"station": "s1", "epoch": book.epoch, "read": 1, "left": 0}


def test_by_command_while_the_hub_runs(tmp_path, database):
    pinned = furnish(tmp_path, "s1", database=database)["s1"]
    hub = HubProcess(tmp_path, *on(tmp_path, database)).start()
    earlier, public = keys.new_sealing_key()
    (tmp_path / "earlier.key").write_text(keys.encode_key(earlier))
    book = Journal(public)
    for _ in range(2):
        book.write()
    line = hub.session(pinned["token"])
    assert [each.cause for each in line.bring(book.batch()).refused] == [SEAL] * 2
    name = f"s1/{book.epoch}/1"
    assert [each["seq"] for each in json.loads(hub.command("dead-letter", "list", "--json"))] == [1, 2]
    assert "raw" not in json.loads(hub.command("dead-letter", "show", name, "--json"))
    again = (
        "dead-letter",
        "replay",
        "--by",
        appoint(tmp_path, "le-thi-b", Settings(data=str(tmp_path), database=database)),
        "--json",
    )
    assert "--all" in hub.command(*again, code=65)
    assert SEAL in hub.command(*again, name, code=1)
    told = hub.command(*again, "--all", "--key", tmp_path / "earlier.key")
    assert json.loads(told) == {"read": 2, "left": {}}
    ask = wire.encode(wire.Ask(wire.Who(Scheme.CITIZEN, CITIZEN), "venue", now()))
    standing = msgspec.json.decode(line.post("/v1/lookup", data=ask).content, type=wire.Answer).standing
    assert (standing.destination.place, line.bring(book.batch()).refused) == ("cho", ())
    assert "no such dead letter" in hub.command("dead-letter", "show", name, code=65)
    line.close()
    assert hub.stop() == 0
