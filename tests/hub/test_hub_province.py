"""A real hub before a real province system: its people over HTTP, in batches and over MQTT, and when it is down."""

import base64
import re
from contextlib import contextmanager

import msgspec
import pytest
import requests
from foreign_system import TOKEN, Foreign, declared, known, settings_file
from hub_stand import CITIZEN, SECONDS, HubProcess, Journal, Line, command, furnish, now, until

from core import answers, keys, wire
from core.model import GateKind, Scheme
from hub.config import Settings
from hub.officials import accounts, audit
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from station.errors import HubCannotSay
from station.http import HttpHub

BINH, BINHS_OLD_CARD, NOBODY = "046193990777", "191234567", "046193999999"
LINES = ("whole_ms = 9000", "connect_ms = 5000", "known_seconds = 0", "unknown_seconds = 0", "failures = 1000")

PASSWORD = "ba con vịt trời"

pytestmark = pytest.mark.broker


@contextmanager
def opened(data):
    """The hub's database, to look at or to furnish."""
    store, _ = open_store(Settings(data=str(data)))
    try:
        with store.writing() as connection:
            yield connection
    finally:
        store.close()


@pytest.fixture(scope="module")
def foreign():
    record = known("CD-1", khaiBao=declared("", "HO"), nhapTinh=[])
    with Foreign(people={BINH: record, BINHS_OLD_CARD: record}) as server:
        yield server


@pytest.fixture(scope="module")
def stand(tmp_path_factory, foreign):
    """A hub that has nobody's declarations but the province system's, with a broker of its own."""
    data = tmp_path_factory.mktemp("hub")
    pinned = furnish(data, "s1", "s2")
    with opened(data) as connection:
        accounts.add(connection, Account("lan", "Lan", Role.CHECKPOINT_OFFICER), accounts.Password(PASSWORD), now())
    hub = HubProcess(data, "--broker", "--config", str(settings_file(data, foreign.url, *LINES))).start()
    yield hub, pinned
    assert hub.stop() == 0


@pytest.fixture(autouse=True)
def well(foreign):
    """Each test begins with a system that is well."""
    foreign.mood = "well"


@pytest.fixture
def line(stand):
    hub, pinned = stand
    with hub.session(pinned["s1"]["token"]) as session:
        yield session


def ask(value=BINH, scheme=Scheme.CITIZEN):
    return wire.encode(wire.Ask(wire.Who(scheme, value), GateKind.VENUE, now()))


def asked(line, *given):
    answer = line.post("/v1/lookup", data=ask(*given))
    assert answer.status_code == 200, answer.text
    return msgspec.json.decode(answer.content, type=wire.Answer)


def test_its_people_are_known_by_any_of_their_numbers_and_nobody_else_is(line):
    standing = asked(line).standing
    assert (standing.name_masked, standing.health.symptoms, standing.entry) == ("T*** V** Bình", ("cough",), None)
    assert asked(line, BINHS_OLD_CARD, Scheme.CMND).standing.person == standing.person
    assert asked(line, NOBODY).standing is None
    assert asked(line, CITIZEN).standing is None


def test_many_at_once_are_answered_in_their_order(line):
    who = tuple(wire.Who(Scheme.CITIZEN, value) for value in (NOBODY, BINH, CITIZEN, BINH))
    answer = line.post("/v1/lookups", data=wire.encode(wire.Asks(who, GateKind.VENUE, now())))
    standings = msgspec.json.decode(answer.content, type=wire.Answers).standings
    assert [standing and standing.name_masked for standing in standings] == [None, "T*** V** Bình"] * 2


def test_a_check_in_is_the_destination_that_the_next_look_up_by_another_number_tells(stand, line):
    _, pinned = stand
    book = Journal(keys.decode_key(pinned["s1"]["sealing_key"]))
    book.write_who(wire.Who(Scheme.CITIZEN, BINH, asked(line).standing.person))
    line.bring(book.batch())
    until(lambda: asked(line, BINHS_OLD_CARD, Scheme.CMND).standing.destination, "the check-in")
    assert asked(line, BINHS_OLD_CARD, Scheme.CMND).standing.destination.place_name == "Chợ Đông Ba"


def test_while_it_is_down_what_was_told_is_held_and_nobody_reads_as_unknown(line, foreign):
    before = asked(line)
    foreign.mood = "broken"
    during = asked(line)
    assert (before.held, during.held) == (False, True)
    assert (during.standing.health, during.standing.as_of) == (before.standing.health, before.standing.as_of)
    refused = line.post("/v1/lookup", data=ask(NOBODY))
    assert (refused.status_code, refused.headers["content-type"]) == (503, "application/problem+json")
    assert refused.headers["retry-after"]
    assert NOBODY not in refused.text
    foreign.mood = "well"
    assert asked(line).held is False


def test_a_station_hears_that_it_cannot_be_said_now_and_takes_no_hub_for_gone(stand, foreign):
    hub, pinned = stand
    foreign.mood = "hanging_up"
    with HttpHub(f"http://{hub.ready['http']}", pinned["s1"]["token"], GateKind.VENUE) as station:
        with pytest.raises(HubCannotSay):
            station.ask(wire.Who(Scheme.CITIZEN, NOBODY), now(), SECONDS)
        foreign.mood = "well"
        assert station.ask(wire.Who(Scheme.CITIZEN, BINH), now(), SECONDS).standing is not None


def test_over_mqtt_it_is_the_same(stand, foreign):
    hub, pinned = stand
    sealing_key = pinned["s2"]["sealing_key"]
    with Line(hub.mqtt, "s2", pinned["s2"]["token"]) as station:
        station.own("answer")
        station.ask(sealing_key, "known", BINH)
        assert station.answer(sealing_key, "known").standing.name_masked == "T*** V** Bình"
        station.ask(sealing_key, "nobody", NOBODY)
        assert station.answer(sealing_key, "nobody").standing is None
        foreign.mood = "hanging_up"
        station.ask(sealing_key, "held", BINH)
        assert station.answer(sealing_key, "held").held
        station.ask(sealing_key, "cannot say", NOBODY)
        told = msgspec.json.decode(station.next("/answer"), type=wire.SealedAnswer)
        assert (told.id, told.error) == ("cannot say", answers.UNASKED)


def test_asks_that_wait_do_not_hold_up_what_needs_no_asking(stand, foreign):
    hub, pinned = stand
    sealing_key = pinned["s2"]["sealing_key"]
    foreign.go.clear()
    try:
        with Line(hub.mqtt, "s2", pinned["s2"]["token"]) as station:
            station.own("answer")
            station.ask(sealing_key, "slow", BINH)
            channel = keys.AskingChannel.station(station.private, keys.decode_key(sealing_key))
            token = wire.encode(wire.Ask(wire.Who(Scheme.TOKEN, "MYQR-ANH-0001"), GateKind.VENUE, now()))
            station.ask(sealing_key, "own", box=base64.b64encode(channel.seal_ask(token, "own")).decode())
            assert msgspec.json.decode(station.next("/answer"), type=wire.SealedAnswer).id == "own"
            foreign.go.set()
            assert msgspec.json.decode(station.next("/answer"), type=wire.SealedAnswer).id == "slow"
    finally:
        foreign.go.set()


def officer_finds(hub, number):
    """The check page's answer, after signing in."""
    with requests.Session() as browser:
        browser.trust_env = False
        browser.headers["Accept"] = "text/html"
        base = f"http://{hub.ready['http']}/officers/"
        for page, fields in (("sign-in", {"account": "lan", "password": PASSWORD}), ("check", {"code": number})):
            shown = browser.get(base + ("sign-in" if page == "sign-in" else "account"), timeout=SECONDS)
            token = re.search(r'name="_csrf_token" value="([^"]+)"', shown.text)[1]
            answer = browser.post(base + page, data={"_csrf_token": token, **fields}, timeout=SECONDS)
        assert answer.status_code == 200, answer.text
        return answer.text


def test_an_official_sees_its_people_and_in_an_outage_what_is_held_or_that_nobody_could_be_asked(stand, foreign):
    hub, _ = stand
    well = officer_finds(hub, BINH)
    assert "T*** V** Bình" in well
    assert "hiện không trả lời" not in well
    foreign.mood = "broken"
    held = officer_finds(hub, BINH)
    assert "Hệ thống của tỉnh hiện không trả lời. Đây là thông tin lúc" in held
    assert "T*** V** Bình" in held
    assert held.count("Chưa hỏi được") == 1  # of entry nothing is held
    unasked = officer_finds(hub, NOBODY)
    assert "chưa biết người này đã khai báo hay chưa" in unasked
    assert 'data-outcome="unverified"' in unasked
    with opened(hub.data) as connection:
        entry = next(each for each in audit.entries(connection, at_most=9) if each.action == "check")
    assert entry.detail["found"] is False


def test_neither_log_nor_address_names_anybody(stand, line, foreign):
    hub, _ = stand
    foreign.mood = "garbage"
    line.post("/v1/lookup", data=ask(NOBODY))
    until(lambda: hub.lines("dropped"), "the trouble in the log")
    logged = hub.log.read_text()
    assert "does not answer in JSON" in logged
    assert not [word for word in (BINH, BINHS_OLD_CARD, NOBODY, "Bình", "CD-1", TOKEN) if word in logged]


def test_a_hub_whose_system_was_never_there_starts_and_says_honestly_that_it_cannot_say(tmp_path):
    pinned = furnish(tmp_path, "s1")
    path = settings_file(tmp_path, "http://127.0.0.1:9", "failures = 1", "open_seconds = 3600", registry="both")
    hub = HubProcess(tmp_path, "--config", str(path)).start()
    try:
        line = hub.session(pinned["s1"]["token"])
        assert line.post("/v1/lookup", data=ask(NOBODY)).status_code == 503
        until(lambda: "left alone: cannot be reached" in command(tmp_path, "alarms"), "the alarm")
        own = asked(line, CITIZEN)
        assert (own.held, own.standing.health.symptoms) == (True, ("fever",))
    finally:
        assert hub.stop() == 0
