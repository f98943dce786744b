"""The administrator's pages of places and accounts over real HTTP: what is kept, what is refused, where it is said."""

import json
import re

import pytest
from hub_stand import HubProcess, furnish, now, on
from test_hub_web_keeping import PASSWORD, signed_in

from hub.config import Settings
from hub.officials import accounts
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store

PLACE = {"name": "Bến xe phía Nam", "kind": "venue", "where": "lăng cô", "hours": "5h - 20h", "capacity": "40"}
PLACE |= {"contact": "Anh Ba, 0905 000 111", "position": "16.45, 107.61", "do": "save"}


@pytest.fixture(scope="module")
def hub(tmp_path_factory, module_database):
    """A hub with an administrator, and somebody whose account is wrong."""
    data = tmp_path_factory.mktemp("places")
    furnish(data, "s1", database=module_database)
    store, _ = open_store(Settings(data=str(data), database=module_database))
    with store.writing() as connection:
        for name, role in (("administrator", Role.ADMINISTRATOR), ("lan", Role.VENUE_GUARD)):
            accounts.add(connection, Account(name, name, role), accounts.Password(PASSWORD), now())
    store.close()
    process = HubProcess(data, *on(data, module_database)).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def visit(hub):
    """Sends a form as the administrator; without fields, opens a page."""
    return signed_in(hub, Role.ADMINISTRATOR)


def listed(hub, code):
    return next((each for each in json.loads(hub.command("place", "list", "--json")) if each["code"] == code), None)


def test_a_place_is_added_with_all_that_there_is_to_say_and_its_code_to_print(hub, visit):
    answer = visit("/officers/places/new", **PLACE)
    assert answer.url.endswith("/officers/places/ben-xe-phia-nam"), answer.text
    found = listed(hub, "ben-xe-phia-nam")
    assert (found["hours"], found["capacity"], found["contact"]) == ("05:00-20:00", 40, PLACE["contact"])
    assert (found["latitude"], found["longitude"]) == (16.45, 107.61)
    assert found["posted"] in answer.text
    assert f"/poster/{found['posted']}" in visit("/officers/places").text


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("hours", "sáng chiều"),
        ("hours", "8-25"),
        ("capacity", "nhiều"),
        ("capacity", "-1"),
        ("kind", "x"),
        ("where", "không có nơi này"),
        ("where", ""),
        ("name", ""),
        ("code", "Có Dấu"),
        ("code", "cho"),
        ("position", "xa lắm"),
        ("position", "99, 200"),
        ("contact", "a" * 300),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_no_place_is_made(visit, field, typed):
    before = visit("/officers/places").text
    answer = visit("/officers/places/new", **{**PLACE, "name": "Nơi khác", field: typed})
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text
    assert visit("/officers/places").text == before


def test_a_place_is_corrected_and_keeps_what_was_not_touched(hub, visit):
    page = visit("/officers/places/chot").text
    sent = dict(re.findall(r'<input[^>]* name="([a-z]+)" type="text" value="([^"]*)"', page))
    area = re.search(r'name="area" value="([^"]+)"[^>]* checked', page)[1]
    sent |= {"kind": "checkpoint", "area": area, "hours": "6:00-18:00", "do": "save"}
    visit("/officers/places/chot", **sent)
    found = listed(hub, "chot")
    assert found["hours"] == "06:00-18:00"
    assert found["area"]["district"] == "482"
    assert visit("/officers/places/khong-co").status_code == 404


def test_several_communes_of_one_name_are_asked_about(visit):
    answer = visit("/officers/places/new", **{**PLACE, "name": "Chợ Phú", "where": "phú"})
    assert answer.status_code == 422
    assert 'id="area-fault"' in answer.text


def test_an_account_is_given_another_role_and_place_and_its_sessions_end(hub, visit):
    guard = signed_in(hub, Role.VENUE_GUARD, "lan")
    assert guard("/officers/inside").status_code == 200
    opened = visit("/officers/accounts/one", name="lan", do="open").text
    assert 'value="venue-guard" id="role" checked' in opened
    fields = {"name": "lan", "shown": "Lê Thị Lan", "role": "checkpoint-officer", "place": "chot", "communes": ""}
    visit("/officers/accounts/one", do="correct", **fields)
    assert guard("/officers/inside").url.endswith("/officers/sign-in")
    found = next(each for each in json.loads(hub.command("account", "list", "--json")) if each["name"] == "lan")
    assert (found["role"], found["place"], found["shown"]) == ("checkpoint-officer", "chot", "Lê Thị Lan")


@pytest.mark.parametrize(("field", "typed"), [("role", "king"), ("place", "zzz"), ("communes", "x"), ("shown", "")])
def test_an_account_that_cannot_be_is_not_made_of_another(visit, field, typed):
    fields = {"name": "lan", "shown": "Lan", "role": "venue-guard", "place": "", "communes": "", field: typed}
    answer = visit("/officers/accounts/one", do="correct", **fields)
    assert answer.status_code == 422
    assert f'id="{field}-fault"' in answer.text


def test_nobody_changes_what_their_own_account_is_for(visit):
    assert visit("/officers/accounts/one", name="administrator", do="open").status_code == 404
    assert visit("/officers/accounts", name="lan", do="nonsense").status_code == 404
