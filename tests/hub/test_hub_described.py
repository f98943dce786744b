"""The hub's own description held against a real hub: every door, as everybody who might knock, by schemathesis.

Every answer must be one that the description names: status, media type, schema; never a fault of the hub's own.  The
same cases at each run; with EXAMPLES=N in the environment others, and many more of them.
"""

import json
import secrets

import msgspec
import pytest
import requests
import schemathesis
from drawn import drawn
from hub_stand import HubProcess, furnish, now, on
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.schemas import OpenApiSchema

from hub.centre import Centre
from hub.config import Settings
from hub.doors import api, clients, openapi
from hub.journals.writer import Writer
from hub.officials import accounts, sessions
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from hub.web.safety import is_page
from hub.web.site import Site

ROLES = ("nobody", "stranger", "station", "client", *(role.value for role in Role))
WELL_FORMED = ["200", "201", "400", "404", "409", "422"]  # what a form says may still be refused


def described(*, checks: dict[str, object], **phases: dict[str, object]) -> OpenApiSchema:
    """The hub's description, to draw cases from."""
    generation = {"with-security-parameters": False}
    config = SchemathesisConfig.from_dict({"generation": generation, "checks": checks, "phases": phases})
    return schemathesis.openapi.from_dict(openapi.document(), config=config)


opened = described(checks={"positive_data_acceptance": {"expected-statuses": WELL_FORMED}})
shut = described(checks={"positive_data_acceptance": {"enabled": False}}, coverage={"enabled": False})


def belongs(case: schemathesis.Case) -> set[str]:
    """Whose door it is."""
    return {name for each in case.operation.definition.raw.get("security", []) for name in each}


@pytest.fixture(scope="module")
def hub(tmp_path_factory, module_database):
    """A hub, and a line to it for everybody who might knock."""
    data = tmp_path_factory.mktemp("hub")
    tokens = {
        "station": furnish(data, "s1", database=module_database)["s1"]["token"],
        "stranger": "nobody-gave-this-out",
    }
    store, _ = open_store(Settings(data=str(data), database=module_database))
    with store.writing() as connection:
        tokens["client"] = clients.add(connection, "hue-s", now())
        for role in Role:
            communes = ("63/19768",) if role is Role.COMMUNE_OFFICER else ()
            account = Account(role.value, role.value, role, communes=communes)
            accounts.add(connection, account, accounts.Password("mật khẩu đủ dài"), now())
    cookies = {role.value: sessions.reopen(store, role.value, "", now()) for role in Role}
    store.close()
    process = HubProcess(data, *on(data, module_database)).start()
    lines = {}
    for role in ROLES:
        line = lines[role] = requests.Session()
        line.trust_env = False
        if role in tokens:
            line.headers["Authorization"] = f"Bearer {tokens[role]}"
        if role in cookies:
            line.cookies["tq_official"] = cookies[role]
    yield process, lines
    for line in lines.values():
        line.close()
    assert process.stop() == 0


def test_the_description_names_every_answer_and_the_hub_serves_it(hub):
    process, lines = hub
    served = lines["nobody"].get(f"http://{process.ready['http']}/schema/openapi.json", timeout=60).json()
    assert served == json.loads(msgspec.json.encode(openapi.document()))
    for path in served["paths"].values():
        for operation in path.values():
            assert all(status.isdecimal() for status in operation["responses"]), "a default or a catch-all"


# Plain types in handlers' signatures are how the installed version is used; its next one spells them otherwise.
@pytest.mark.filterwarnings("ignore::litestar.exceptions.LitestarDeprecationWarning")
def test_every_door_for_machines_is_described(store, ring):
    centre = Centre(store, ring)
    app = api.build(api.Doors(centre, Writer(store, ring)), Site(centre, Settings()))
    machines = [route for route in app.routes if not is_page(route.path)]
    doors = {(method, route.path.replace(":str}", "}")) for route in machines for method in route.methods}
    described = {(method.upper(), path) for path, each in openapi.document()["paths"].items() for method in each}
    assert {door for door in doors if door[0] != "OPTIONS"} == described


@opened.parametrize()
@drawn(10)
def test_every_door_answers_those_it_is_for_as_it_is_described(case, hub):
    process, lines = hub
    if case.path == "/v1/checkins" and case.meta.generation.mode.is_positive:
        case.body["station"] = "s1"  # a batch of any other is refused before anybody looks at its rows
    if case.path == "/v1/health" and case.meta.generation.mode.is_positive:
        case.body |= {"station": "s1", "session": secrets.token_hex(8), "at": now().isoformat()}
    for role in belongs(case) or ROLES:
        case.call_and_validate(base_url=f"http://{process.ready['http']}", session=lines[role], timeout=60)


@shut.parametrize()
@drawn(6)
def test_every_door_is_shut_to_everybody_else_as_it_is_described(case, hub):
    process, lines = hub
    for role in (each for each in ROLES if each not in belongs(case)):
        answer = case.call_and_validate(base_url=f"http://{process.ready['http']}", session=lines[role], timeout=60)
        assert not belongs(case) or answer.status_code == 401
