"""The machines' doors: many look-ups at once, other systems' declarations, and a description that is true."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import msgspec
import pytest
import requests
from declared import form
from drawn import drawn
from hub_stand import CITIZEN, HubProcess, command, furnish, now
from hypothesis import given
from hypothesis import strategies as st

from core import wire
from core.health import Health
from core.model import GateKind, Scheme
from core.orders import Result
from core.shown import RunningSettings
from hub.doors import openapi
from hub.doors.sheets import Receipt, Sheet


@pytest.fixture(scope="module")
def stand(tmp_path_factory):
    """A hub with a station's line and another system's."""
    data = tmp_path_factory.mktemp("doors")
    pinned = furnish(data, "s1")
    token = command(data, "client", "add", "hue-s").strip()
    hub = HubProcess(data).start()
    yield hub, hub.session(pinned["s1"]["token"]), hub.session(token)
    assert hub.stop() == 0


def who(value=CITIZEN, scheme=Scheme.CITIZEN):
    return wire.Who(scheme, value)


def sheet(**changed):
    return wire.encode(Sheet("0905 000 009", form(phone="0905000009", **changed)))


def send(line, body, key=""):
    return line.post("/v1/declarations", data=body, headers={"Idempotency-Key": key} if key else {})


def test_many_people_are_looked_up_at_once_in_their_order(stand):
    _, station, _ = stand
    asks = wire.Asks((who("046193999999"), who(), who("MYQR-ANH-0001", Scheme.TOKEN), who()), GateKind.VENUE, now())
    answers = msgspec.json.decode(station.post("/v1/lookups", data=wire.encode(asks)).content, type=wire.Answers)
    one = msgspec.json.decode(
        station.post("/v1/lookup", data=wire.encode(wire.Ask(who(), GateKind.VENUE, now()))).content, type=wire.Answer
    )
    assert answers.standings[0] is None
    assert {each.person for each in answers.standings[1:]} == {one.standing.person}
    assert [each.health for each in answers.standings[1:]] == [one.standing.health] * 3


@pytest.mark.parametrize("count", [0, wire.WHO_AT_MOST + 1])
def test_a_batch_is_neither_empty_nor_endless(stand, count):
    _, station, _ = stand
    body = wire.encode({"who": [who()] * count, "gate": "venue", "at": now()})
    assert station.post("/v1/lookups", data=body).status_code == 400


def test_another_systems_declaration_is_taken_and_its_person_is_known_at_once(stand):
    _, station, client = stand
    answer = send(client, sheet(document="046090990111", insurance="9900000111"))
    assert answer.status_code == 201
    receipt = msgspec.json.decode(answer.content, type=Receipt)
    assert receipt.code.startswith("TQ1:")
    ask = wire.encode(wire.Ask(who(receipt.my_qr, Scheme.TOKEN), GateKind.VENUE, now()))
    assert station.post("/v1/lookup", data=ask).json()["standing"]["health"]["symptoms"] == ["fever"]


def test_a_request_sent_again_under_its_key_is_answered_the_same_and_done_once(stand):
    _, _, client = stand
    body = sheet(document="046090990222", insurance="")
    with ThreadPoolExecutor(4) as several:
        answers = [each.result() for each in [several.submit(send, client, body, "request-1") for _ in range(4)]]
    assert [each.status_code for each in answers] == [201] * 4
    assert len({each.content for each in answers}) == 1


def test_a_key_used_for_another_request_is_a_conflict(stand):
    _, _, client = stand
    send(client, sheet(document="046090990333", insurance=""), "request-2")
    answer = send(client, sheet(document="046090990334", insurance=""), "request-2")
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")


def test_what_is_wrong_with_a_form_is_said_by_field(stand):
    _, _, client = stand
    answer = send(client, sheet(document="000000000", name="An\x00"))
    assert (answer.status_code, answer.json()["wrong"]) == (422, {"document": "placeholder", "name": "not-text"})


def test_a_stations_token_does_not_declare_and_a_clients_looks_nobody_up(stand):
    hub, station, client = stand
    assert send(station, sheet()).status_code == 401
    ask = wire.encode(wire.Ask(who(), GateKind.VENUE, now()))
    assert client.post("/v1/lookup", data=ask).status_code == 401
    assert requests.post(f"http://{hub.ready['http']}/v1/declarations", data=sheet(), timeout=60).status_code == 401


def test_the_hub_describes_every_door_for_machines(stand):
    hub, _, _ = stand
    described = requests.get(f"http://{hub.ready['http']}/schema/openapi.json", timeout=60).json()
    assert described == json.loads(json.dumps(openapi.document()))
    assert set(described["paths"]) == {door.path for door in openapi.DOORS}
    operations = [operation for path in described["paths"].values() for operation in path.values()]
    assert all("default" not in operation["responses"] for operation in operations)
    body = described["paths"]["/v1/checkins"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Batch"}
    assert described["components"]["schemas"]["Batch"]["properties"]["rows"]["items"]["$ref"].endswith("/Row")


def as_described(answer, door):
    """Fails unless an answer is one that the description names, and is what it says."""
    described = openapi.document()
    operation = described["paths"][door.path][door.method]
    content = operation["responses"][str(answer.status_code)]["content"]
    media = answer.headers["content-type"].partition(";")[0]
    jsonschema.validate(answer.json(), {**content[media]["schema"], "components": described["components"]})


EXAMPLES = {
    "/v1/lookup": lambda: wire.Ask(who(), GateKind.VENUE, now()),
    "/v1/lookups": lambda: wire.Asks((who(),), GateKind.VENUE, now()),
    "/v1/checkins": lambda: wire.Batch("s1", "00000000000000cc", 1, ()),
    "/v1/health": lambda: Health(station="s1", session=secrets.token_hex(8), number=1, at=now(), up=1.0),
    "/v1/settings": lambda: RunningSettings(station="s1", session="one", at=now(), sections={"hub": {"token": True}}),
    "/v1/orders/{order}/result": lambda: Result(station="s1", order="0" * 16, status="succeeded", at=now()),
    "/v1/declarations": lambda: Sheet("0905000009", form(phone="0905000009", document="046090990444", insurance="")),
}
TAKING = [door for door in openapi.DOORS if door.body is not None]
ODD = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.lists(st.text(), max_size=3)
)


def spoilt(tree, draw):
    """The same tree with one leaf or branch otherwise."""
    if isinstance(tree, dict) and tree and draw(st.integers(0, 3)):
        key = draw(st.sampled_from(sorted(tree)))
        return {**tree, key: spoilt(tree[key], draw)}
    return draw(ODD)


@pytest.mark.parametrize("door", TAKING, ids=lambda door: door.path)
@drawn(25)
@given(data=st.data())
def test_whatever_is_sent_every_answer_is_one_that_is_described(stand, door, data):
    _, station, client = stand
    tree = json.loads(wire.encode(EXAMPLES[door.path]()))
    body = json.dumps(data.draw(st.just(tree)) if data.draw(st.booleans()) else spoilt(tree, data.draw))
    line = client if door.who == "client" else station
    as_described(line.post(door.path.format(order="0" * 16), data=body.encode()), door)


@pytest.mark.parametrize("path", ["/v1/held", "/v1/policy", "/v1/orders"])
def test_what_is_fetched_is_what_is_described(stand, path):
    _, station, _ = stand
    door = next(door for door in openapi.DOORS if door.path == path)
    as_described(station.get(path), door)


def test_keys_rotate_by_a_word_and_gates_are_told_whom_to_believe(stand):
    hub, _, client = stand
    trust = hub.data / "trust"
    before = json.loads(command(hub.data, "keys", "show", "--json", "--trust", trust))["declaring_key"]["id"]
    rotated = json.loads(command(hub.data, "keys", "rotate", "--json", "--trust", trust))
    assert {path.stem for path in trust.iterdir()} == {before, rotated["id"]}
    assert list(rotated["retired"]) == [before]
    assert send(client, sheet(document="046090990555", insurance="")).status_code == 201
    shown = json.loads(command(hub.data, "keys", "show", "--json"))
    assert shown["declaring_key"]["id"] == rotated["id"]
