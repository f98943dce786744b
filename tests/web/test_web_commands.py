"""Orders given from a station's page, and the one log of all of them."""

import pytest
from hub_stand import HubProcess, furnish, now, on
from web_stand import Visitor

from core.orders import HoldOpen, Resend, SetPlace
from hub.config import Settings
from hub.officials import accounts
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from hub.stations import orders
from hub.web.fleet import commanding

PASSWORD = "ba con vịt trời"
PAGE, LOG = "/officers/fleet/s1", "/officers/orders"


@pytest.fixture(scope="module")
def stand(tmp_path_factory, module_database):
    data = tmp_path_factory.mktemp("commands")
    furnish(data, "s1", "s2", database=module_database)
    store, ring = open_store(Settings(data=str(data), database=module_database))
    with store.writing() as connection:
        for role in (Role.TECHNICIAN, Role.ADMINISTRATOR):
            accounts.add(connection, Account(role.value, role.value, role), accounts.Password(PASSWORD), now())
    hub = HubProcess(data, *on(data, module_database)).start()
    yield f"http://{hub.ready['http']}", store, ring
    store.close()
    assert hub.stop() == 0


def visitor(stand, role: Role = Role.ADMINISTRATOR) -> Visitor:
    somebody = Visitor(stand[0], None)
    assert somebody.submit("/officers/sign-in", account=role.value, password=PASSWORD).status_code == 200
    return somebody


def newest(stand, station="s1"):
    with stand[1].reading() as connection:
        return orders.listing(connection, now(), station=station)[0]


@pytest.mark.parametrize(
    ("kind", "typed", "task"),
    [
        ("place", {"place": "chot", "direction": "out"}, {"place": "chot", "direction": "out", "district": "63/482"}),
        ("hold-open", {"seconds": "90"}, {"seconds": 90}),
        ("quiet", {"start": "22:00", "end": "05:30"}, {"start": "22:00", "end": "05:30"}),
        ("quiet", {"start": "", "end": ""}, {"start": None, "end": None}),
        ("resend", {"epoch": "00000000000000aa", "first": "3", "last": "9"}, {"first": 3, "last": 9}),
        ("aim", {"seconds": "0"}, {"seconds": 0}),
        ("snapshot", {}, {}),
        ("logs", {"lines": "50", "kib": "16"}, {"lines": 50, "kib": 16}),
    ],
)
def test_an_order_of_every_kind_is_given_from_the_page_with_its_reason(stand, kind, typed, task):
    answer = visitor(stand).submit(PAGE, do=kind, why="theo lịch trực", **typed)
    assert answer.status_code == 200
    given = newest(stand)
    assert (given.kind, given.by, given.why) == (kind, "administrator", "theo lịch trực")
    assert given.task.items() >= task.items()


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"do": "hold-open", "seconds": "90"}, "Cần ghi lý do."),
        ({"do": "hold-open", "seconds": "99999", "why": "x"}, "Lệnh chưa điền đúng"),
        ({"do": "quiet", "start": "22:00", "end": ""}, "Lệnh chưa điền đúng"),
        ({"do": "resend", "epoch": "00000000000000aa", "first": "9", "last": "3", "why": "x"}, "Lệnh chưa điền đúng"),
        ({"do": "place", "place": "nowhere", "why": "x"}, "Lệnh chưa điền đúng"),
    ],
)
def test_what_is_not_filled_in_is_not_ordered_and_stays_typed(stand, typed, words):
    with stand[1].reading() as connection:
        before = len(orders.listing(connection, now()))
    answer = visitor(stand).submit(PAGE, **typed)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'id="form-{typed["do"]}" open' in answer.text
    with stand[1].reading() as connection:
        assert len(orders.listing(connection, now())) == before


def test_no_page_empties_rows_and_no_technician_orders(stand):
    assert visitor(stand).submit(PAGE, do="erase", why="x").status_code == 404
    assert visitor(stand, Role.TECHNICIAN).submit(PAGE, do="identify").status_code == 403
    assert "erase" not in commanding.OFFERED


def test_the_log_shows_everybodys_orders_and_what_was_chosen_of_them(stand):
    with stand[1].writing() as connection:
        for station, task, by, why in (
            ("s2", SetPlace("chot"), "lan", "chuyển chốt"),
            ("s2", HoldOpen(60), "minh", "xe cấp cứu"),
            ("s1", Resend("00000000000000aa", 1, 2), "lan", ""),
        ):
            orders.issue(connection, stand[2], station, task, now(), by, why=why)
    technician = visitor(stand, Role.TECHNICIAN)
    page = technician.get(LOG).text
    assert "chuyển chốt" in page
    assert "xe cấp cứu" in page
    chosen = technician.get(f"{LOG}?station=s2&by=minh").text
    assert "xe cấp cứu" in chosen
    assert "chuyển chốt" not in chosen
    assert "chuyển chốt" not in technician.get(f"{LOG}?kind=hold-open").text
    assert "chuyển chốt" in technician.get(f"{LOG}?status=queued").text
    assert "chuyển chốt" not in technician.get(f"{LOG}?status=timed-out").text
    assert "chuyển chốt" not in technician.get(f"{LOG}?before=2020-01-01T00:00:00%2B00:00").text
    assert technician.get(f"{LOG}?before=rubbish&status=rubbish").status_code == 200
    assert technician.get(f"{LOG}?status=%00").status_code == 404
