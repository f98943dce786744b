"""The hub over HTTP, as a station meets it: a real process, real requests."""

import json
from datetime import timedelta

import msgspec
import pytest
import requests
from hub_stand import CITIZEN, EPOCH, OTHER_EPOCH, HubProcess, Journal, furnish, now, on, until

from core import keys, wire
from core.model import GateKind, Scheme
from core.rules import Policy


@pytest.fixture(scope="module")
def stand(tmp_path_factory, module_database):
    """One hub on each database for the tests that leave it as they found it, each with a station of its own."""
    data = tmp_path_factory.mktemp("hub")
    pinned = furnish(data, *(f"s{number}" for number in range(1, 6)), database=module_database)
    hub = HubProcess(data, *on(data, module_database)).start()
    yield hub, pinned
    assert hub.stop() == 0


def ask(who: str = CITIZEN, scheme: Scheme = Scheme.CITIZEN) -> bytes:
    return wire.encode(wire.Ask(wire.Who(scheme, who), GateKind.VENUE, now()))


def book_for(pinned: dict[str, str], station: str, rows: int, epoch: str = EPOCH) -> Journal:
    book = Journal(keys.decode_key(pinned["sealing_key"]), station, epoch)
    for _ in range(rows):
        book.write()
    return book


def test_a_person_is_found_by_any_of_their_codes(stand):
    hub, pinned = stand
    line = hub.session(pinned["s1"]["token"])
    by_number = msgspec.json.decode(line.post("/v1/lookup", data=ask()).content, type=wire.Answer)
    by_token = line.post("/v1/lookup", data=ask("MYQR-ANH-0001", Scheme.TOKEN))
    assert by_number.standing.name_masked == "N***** T** Ánh"
    assert by_number.standing.health.symptoms == ("fever",)
    assert abs(by_number.hub_time - now()) < timedelta(minutes=1)
    assert by_token.json()["standing"]["person"] == by_number.standing.person


def test_somebody_unknown_is_an_answer_and_no_error(stand):
    hub, pinned = stand
    answer = hub.session(pinned["s1"]["token"]).post("/v1/lookup", data=ask("046193999999"))
    assert (answer.status_code, answer.json()["standing"]) == (200, None)


def test_a_question_may_come_in_pieces(stand):
    hub, pinned = stand
    pieces = (bytes([byte]) for byte in ask())
    answer = hub.session(pinned["s1"]["token"]).post("/v1/lookup", data=pieces)
    assert answer.json()["standing"]["name_masked"] == "N***** T** Ánh"


@pytest.mark.parametrize(("size", "status"), [(1 << 15, 400), (1 << 21, 413)])
def test_a_question_that_is_far_too_long_is_refused_in_words(stand, size, status):
    hub, pinned = stand
    answer = hub.session(pinned["s1"]["token"]).post("/v1/lookup", data=b" " * size)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
@pytest.mark.parametrize("path", ["/v1/lookup", "/v1/checkins", "/v1/held", "/v1/policy"])
def test_nobody_is_answered_without_a_stations_token(stand, header, path):
    hub, _ = stand
    method = "POST" if path in ("/v1/lookup", "/v1/checkins") else "GET"
    answer = requests.request(method, f"http://{hub.ready['http']}{path}", data=ask(), headers=header, timeout=60)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert msgspec.json.decode(answer.content, type=wire.Problem).status == 401


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/lookup", b"{", 400),
        (
            "POST",
            "/v1/lookup",
            b'{"who":{"scheme":"citizen","value":""},"gate":"venue","at":"2026-01-01T00:00:00Z"}',
            400,
        ),
        ("POST", "/v1/lookup", b"\xff\x00", 400),
        ("POST", "/v1/lookup", b"[" * 100_000, 400),
        ("POST", "/v1/checkins", b'{"station":"s2","epoch":"00000000000000aa","first":1,"rows":[]}', 400),
        ("POST", "/v1/checkins", b'{"station":"s1","epoch":"../../etc","first":1,"rows":[]}', 400),
        ("POST", "/v1/checkins", b'{"station":"s1","epoch":"00000000000000aa","first":9e99,"rows":[{}]}', 400),
        (
            "POST",
            "/v1/checkins",
            b'{"station":"s1","epoch":"00000000000000aa","first":9223372036854775807,"rows":[1]}',
            400,
        ),
        ("POST", "/v1/checkins", b" " * (1 << 20) + b"{}", 413),
        ("GET", "/v1/held?epoch=nonsense", b"", 400),
        ("GET", "/v1/lookup", b"", 405),
        ("GET", "/nowhere", b"", 404),
    ],
)
def test_a_request_that_makes_no_sense_is_a_problem_in_words(stand, method, path, body, status):
    hub, pinned = stand
    answer = hub.session(pinned["s1"]["token"]).request(method, path, data=body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert msgspec.json.decode(answer.content, type=wire.Problem).status == status


def test_check_ins_are_held_once_however_often_they_are_sent(stand):
    hub, pinned = stand
    line, book = hub.session(pinned["s2"]["token"]), book_for(pinned["s2"], "s2", 30)
    marks = [line.bring(book.batch()) for _ in range(3)]
    assert [(mark.through, mark.refused, mark.alarm) for mark in marks] == [(30, (), "")] * 3

    def exported() -> list[int]:
        rows = hub.command("export", "checkins", "--station", "s2").splitlines()
        return [json.loads(row)["seq"] for row in rows]

    until(lambda: len(exported()) >= 30, "every row read")
    assert exported() == list(range(1, 31))


def test_the_next_look_up_knows_the_check_in(stand):
    hub, pinned = stand
    line, book = hub.session(pinned["s3"]["token"]), book_for(pinned["s3"], "s3", 0)
    book.write("046193990555")
    line.bring(book.batch())
    book.write()
    line.bring(book.batch())
    destination = line.post("/v1/lookup", data=ask()).json()["standing"]["destination"]
    assert (destination["place"], destination["place_name"]) == ("cho", "Chợ Đông Ba")


def test_held_is_told_for_the_newest_journal_or_the_one_asked_for(stand):
    hub, pinned = stand
    line = hub.session(pinned["s4"]["token"])
    assert line.get("/v1/held").json()["through"] == 0
    line.bring(book_for(pinned["s4"], "s4", 2).batch())
    line.bring(book_for(pinned["s4"], "s4", 3, OTHER_EPOCH).batch())
    told = [line.get("/v1/held", params=given).json() for given in ({}, {"epoch": EPOCH}, {"epoch": "f" * 16})]
    assert [(mark["epoch"], mark["through"]) for mark in told] == [(OTHER_EPOCH, 3), (EPOCH, 2), ("f" * 16, 0)]


def test_another_row_under_a_held_number_is_told_to_the_station(stand):
    hub, pinned = stand
    line = hub.session(pinned["s5"]["token"])
    line.bring(book_for(pinned["s5"], "s5", 2).batch())
    mark = line.bring(book_for(pinned["s5"], "s5", 2).batch())
    assert ([refused.seq for refused in mark.refused], mark.alarm, mark.through) == ([1, 2], "conflict", 2)
    assert "came again with other content" in hub.command("alarms")


def test_the_policy_is_the_narrowest_and_a_new_one_is_noticed(serving_either):
    hub, pinned = serving_either()
    line = hub.session(pinned["s1"]["token"])

    def version() -> int:
        document = msgspec.json.decode(line.get("/v1/policy").content, type=wire.Signed)
        payload = keys.verify(keys.decode_key(pinned["s1"]["policy_key"]), document)
        return msgspec.json.decode(payload, type=Policy).version

    assert version() == 1
    path = hub.data / "policy.json"
    path.write_bytes(wire.encode(Policy(version=1, issued=now(), effective=now(), scope="district/63/475")))
    hub.command("policy", "publish", path, "--next")
    until(lambda: version() == 2, "the narrower policy")


def test_a_withdrawn_policy_gives_way_to_the_wider_one_for_stations_of_every_age(serving_either):
    hub, pinned = serving_either()
    line = hub.session(pinned["s1"]["token"])

    def fetch(query: str = "") -> tuple[int, int, bool]:
        answer = line.get(f"/v1/policy{query}")
        if answer.status_code != 200:
            return answer.status_code, 0, False
        document = msgspec.json.decode(answer.content, type=wire.Signed)
        payload = keys.verify(keys.decode_key(pinned["s1"]["policy_key"]), document)
        policy = msgspec.json.decode(payload, type=Policy)
        return 200, policy.version, policy.is_withdrawn

    path = hub.data / "policy.json"
    path.write_bytes(wire.encode(Policy(version=1, issued=now(), effective=now(), scope="station/s1")))
    hub.command("policy", "publish", path, "--next")
    until(lambda: fetch() == (200, 2, False), "the narrower policy")
    told = json.loads(hub.command("policy", "withdraw", "station/s1", "--json"))
    assert told == {"version": 3, "scope": "station/s1", "withdrawn": [2], "instead": {"s1": 1}}
    until(lambda: fetch() == (200, 1, False), "the wider policy, for a station that says nothing of what it has")
    assert fetch("?have=station/s1:2") == (200, 1, False)
    assert fetch("?have=station/s1:2,all:1") == (200, 3, True)
    assert fetch("?have=station/s1:3,all:1") == (204, 0, False)
    assert fetch("?have=") == (200, 1, False)
    assert fetch("?have=rubbish") == (400, 0, False)


def test_a_station_added_while_the_hub_runs_is_let_in(serving_either):
    hub, _ = serving_either()
    added = json.loads(hub.command("station", "add", "late", "--place", "chot", "--json"))
    until(lambda: hub.session(added["hub"]["token"]).get("/v1/held").status_code == 200, "the new station")


def test_the_log_names_no_person(stand):
    hub, pinned = stand
    line = hub.session(pinned["s1"]["token"])
    line.post("/v1/lookup", data=ask())
    line.post("/v1/lookup", data=ask() + b"}")
    logged = hub.log.read_text()
    assert logged
    assert not [word for word in (CITIZEN, "Ánh", "MYQR-ANH", pinned["s1"]["token"]) if word in logged]


def test_the_hub_describes_itself(stand):
    hub, pinned = stand
    described = hub.session(pinned["s1"]["token"]).get("/schema/openapi.json").json()
    assert {"/v1/lookup", "/v1/checkins", "/v1/held", "/v1/policy"} <= set(described["paths"])
