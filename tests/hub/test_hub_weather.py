"""The database goes away under a running hub and comes back: no loop ends, nobody sees a fault, nothing is lost."""

import re
import time

import msgspec
import pytest
import requests
import sqlalchemy as sa
from hub_stand import CITIZEN, HubProcess, Line, OpenBroker, command, furnish, journal_of, now, on, until
from postgres_stand import DURABLE, END_OTHERS, Postgres

from core import answers, wire
from core.model import GateKind, Scheme
from hub.config import Settings
from hub.officials import accounts, sessions
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from hub.storage.weather import Weather

ASK = wire.encode(wire.Ask(wire.Who(Scheme.CITIZEN, CITIZEN), GateKind.VENUE, now()))
LOOPS = {
    "nothing can be written",
    "the fleet's health cannot be kept now",
    "what other processes change in the database is not seen now",
}
"""What a hub says that has something to do for each of them."""
PATIENCE = 90


@pytest.fixture(scope="module")
def server():
    """A PostgreSQL that forgets nothing it has committed, and that these tests may stop."""
    with Postgres(DURABLE) as started:
        yield started


class Stand:
    """A hub on that server, with one station's line, token and journal, and an official's session."""

    def __init__(self, data, server, *arguments) -> None:
        self.server, self.url = server, server.lend()
        self.named = on(data, self.url)
        self.token = furnish(data, "s1", database=self.url)["s1"]
        store, self.ring = open_store(Settings(data=str(data), database=self.url))
        with store.writing() as connection:
            accounts.add(connection, Account("hp", "hp", Role.HEALTH_POST), accounts.Password("mật khẩu đủ dài"), now())
        self.cookie = sessions.reopen(store, "hp", "", now())
        store.close()
        self.journal = journal_of(self.ring)
        self.hub = HubProcess(data, *arguments, *self.named)

    def post(self, path: str, body: bytes) -> requests.Response:
        with self.hub.session(self.token["token"]) as http:
            return http.post(path, data=body)

    def page(self, path: str) -> requests.Response:
        with requests.Session() as browser:
            browser.trust_env = False
            browser.cookies["tq_official"] = self.cookie
            return browser.get(f"http://{self.hub.ready['http']}{path}", headers={"Accept": "text/html"}, timeout=60)

    def batch(self, rows: int) -> bytes:
        """The next rows of the station's journal."""
        first = self.journal.seq + 1
        for _ in range(rows):
            self.journal.write()
        return wire.encode(self.journal.batch(first))

    def struck(self) -> set[str]:
        """What the hub has said that it cannot do now."""
        return {event for event in LOOPS if self.hub.lines(event)}

    def line(self) -> Line:
        return Line(self.hub.mqtt, "s1", self.token["token"])


@pytest.fixture
def stand(tmp_path, server):
    """Makes stands; ends their hubs, and has the server run for the next test."""
    made = []

    def make(*arguments) -> Stand:
        made.append(Stand(tmp_path / "hub", server, *arguments))
        return made[-1]

    yield make
    for each in made:
        if each.hub.process.poll() is None:
            each.hub.kill()


@pytest.fixture
def away(server):
    """Stops the server, and starts it again at the end of a ``with``, whatever happened."""

    class Away:
        def __enter__(self):
            server.stop()

        def __exit__(self, *_):
            server.start()

    return Away


def is_told_to_come_again(answer: requests.Response) -> bool:
    return answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0


@pytest.mark.broker
def test_no_loop_ends_while_the_database_is_away_and_all_goes_on_when_it_is_back(stand, away):
    at = stand("--broker")
    at.hub.start()
    with at.line() as line:
        line.own("held").own("answer")
        line.publish("checkins", at.batch(3))
        line.held(3)
        with away():
            line.publish("checkins", at.batch(3))
            until(lambda: at.struck() == LOOPS, "every loop has said so", PATIENCE)
            line.ask(at.token["sealing_key"], "ask-1")
            assert line.sealed_answer("ask-1").error == answers.UNASKED
            assert at.hub.process.poll() is None
        assert line.held(6).through == 6
        until(lambda: {line["before"] for line in at.hub.lines("the database is back")} >= LOOPS, "back", PATIENCE)
        line.ask(at.token["sealing_key"], "ask-2")
        assert line.answer(at.token["sealing_key"], "ask-2").standing is not None
    assert {event: len(at.hub.lines(event)) for event in LOOPS} == dict.fromkeys(LOOPS, 1)
    assert at.hub.stop() == 0
    assert at.hub.lines("a loop died") == []


@pytest.mark.broker
def test_lines_to_the_database_that_are_cut_for_an_instant_cost_nobody_an_answer(stand):
    at = stand("--broker")
    at.hub.start()
    engine = sa.create_engine(at.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with at.line() as line:
        line.own("held")
        assert at.post("/v1/lookup", ASK).status_code == 200
        for turn in range(1, 4):
            with engine.connect() as connection:
                connection.exec_driver_sql(END_OTHERS)
            assert at.post("/v1/lookup", ASK).status_code == 200
            line.publish("checkins", at.batch(1))
            assert line.held(turn).through == turn
    assert at.hub.stop() == 0


def test_doors_and_pages_say_when_to_come_again_while_the_database_is_away(stand, away):
    at = stand()
    at.hub.start()
    assert at.page("/officers/check").status_code == 200
    with away():
        for path, body in (("/v1/lookup", ASK), ("/v1/lookups", at_once()), ("/v1/checkins", at.batch(1))):
            answer = at.post(path, body)
            assert is_told_to_come_again(answer), (path, answer.text)
            assert answer.headers["Content-Type"] == "application/problem+json"
        with at.hub.session(at.token["token"]) as http:
            assert is_told_to_come_again(http.get("/v1/held"))
        with at.hub.session("nobody knows this one") as http:
            assert is_told_to_come_again(http.get("/v1/held"))  # nor can anybody say so
        page = at.page("/officers/check")
        assert is_told_to_come_again(page)
        assert "Hệ thống đang bận" in page.text
        assert '<html lang="vi"' in page.text
    until(lambda: at.page("/officers/check").status_code == 200, "the page is back", PATIENCE)
    assert at.post("/v1/lookup", ASK).status_code == 200
    assert at.hub.lines("a request failed") == []


def at_once() -> bytes:
    return wire.encode(wire.Asks((wire.Who(Scheme.CITIZEN, CITIZEN),), GateKind.VENUE, now()))


@pytest.mark.broker
def test_what_a_hub_could_not_commit_the_broker_brings_again(stand, away, tmp_path):
    broker = OpenBroker(tmp_path).start()
    try:
        at = stand("--mqtt", f"127.0.0.1:{broker.port}")
        at.hub.start()
        with Line(("127.0.0.1", broker.port), "s1", "") as line:
            line.own("held")
            with away():
                until(lambda: at.hub.lines("this hub leads no more"), "it has noticed", PATIENCE)
                line.publish("checkins", at.batch(2))
                until(lambda: at.hub.lines("nothing can be written"), "it has come", PATIENCE)
                time.sleep(1.5)  # and was tried again
                at.hub.kill()
            at.hub.start()
            assert line.held(2).through == 2
    finally:
        broker.stop()


def test_a_hub_whose_server_is_away_ends_as_one_that_is_to_be_started_again(stand, away):
    at = stand()
    secret = at.url.replace("//tq@", "//tq:matkhau123@")
    at.hub.data.joinpath("hub.toml").write_text(f"database = {msgspec.json.encode(secret).decode()}\n")
    with away():
        for words in (("serve", "--port", "0"), ("fleet",)):
            said = command(at.hub.data, *words, *at.named, code=75)
            assert str(at.server.folder) in said
            assert "systemctl start postgresql" in said
            assert "matkhau123" not in said
            assert not re.search("Traceback", said)
    at.hub.start()
    assert at.hub.stop() == 0


def test_weather_is_told_once_when_it_comes_and_once_when_it_goes_and_no_bug_is_weather(caplog):
    weather, done = Weather("nothing can be counted"), []
    for problem in (None, sa.exc.TimeoutError("busy"), sa.exc.OperationalError("", {}, OSError("gone")), None, None):
        with weather.outlasting():
            if problem is not None:
                raise problem
            done.append(True)
    assert [record.getMessage() for record in caplog.records] == ["nothing can be counted", "the database is back"]
    assert len(done) == 3
    with pytest.raises(sa.exc.ProgrammingError), weather.outlasting():
        raise sa.exc.ProgrammingError("", {}, OSError("no such column"))
