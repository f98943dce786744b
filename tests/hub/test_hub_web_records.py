"""The officials' pages that touch people's records and the map: nothing overwritten unseen, all of it written down."""

import re
from functools import partial

from declared import ME, OTHER, child, form
from hub_stand import now
from test_hub_web_officials import PAPER, hub, log, signed_in

from core.model import GateKind
from core.rules import Policy, Zone
from hub.officials.rights import Role
from hub.opening import open_store
from hub.policy import policies
from hub.register import declaring
from hub.web import words
from hub.web.policy_form import values_of

__all__ = ["hub", "signed_in"]  # fixtures, one hub for the tests of this module


def test_a_paper_that_differs_from_the_record_shows_it_and_is_taken_once_that_is_confirmed(hub, signed_in):
    browser = signed_in(Role.HEALTH_POST)
    day = f"{now():%d/%m/%Y}"
    own = {**PAPER, "signed": day, "document": "046180990088", "insurance": "GD4797932180088", "phone": "0905180088"}
    assert "Đã ghi tờ khai" in browser.submit("/officers/paper", **own, once="c" * 32).text
    slip = {**own, "name": "Người Khác Hẳn", "born": "1950", "phone": "", "once": "d" * 32}
    asked = browser.submit("/officers/paper", **slip)
    assert asked.status_code == 422
    assert "Số này đang là của Lê Thị Giấy, sinh 1980, điện thoại 090•••••88." in asked.text
    assert 'id="name-fault"' in asked.text
    assert [entry.action for entry in log(hub)[:1]] == ["record"]
    assert "Đã ghi tờ khai" in browser.submit("/officers/paper", **slip, same_person="yes").text
    newest = log(hub)[0]
    assert (newest.action, newest.account, newest.detail["changed"]) == ("paper", "health-post", ["name", "born"])


def test_an_insurance_number_fills_a_paper_for_staff_and_that_is_written_down(hub, signed_in):
    browser = signed_in(Role.CHECKPOINT_OFFICER)
    own = {**PAPER, "signed": f"{now():%d/%m/%Y}", "document": "046180990066", "insurance": "GD4797932180066"}
    browser.submit("/officers/paper", **own, once="e" * 32)
    filled = browser.submit("/officers/paper", insurance="GD4797932180066", do="fill")
    assert 'value="Lê Thị Giấy"' in filled.text
    assert log(hub)[0].action == "record"
    before = len(log(hub))
    assert 'value="Lê Thị Giấy"' not in browser.submit("/officers/paper", insurance="GD4797932180000", do="fill").text
    assert len(log(hub)) == before


def test_a_card_is_tied_in_the_browser_by_who_may_and_written_down(hub, signed_in):
    store, ring = open_store(hub.settings)
    with store.writing() as connection:
        made = declaring.declare(connection, ring, child(signed=None), now(), by=ME)
    store.close()
    card = {"document": "046220990019", "name": "Nguyễn Thị Bé", "born": "2020", "seen": "yes"}
    browser = signed_in(Role.HEALTH_POST)
    assert 'id="seen-fault"' in browser.submit("/officers/link", **{**card, "seen": ""}, code=made.my_qr).text
    wrong = browser.submit("/officers/link", **{**card, "born": "2019"}, code=made.my_qr)
    assert (wrong.status_code, 'id="name-fault"' in wrong.text) == (422, True)
    assert log(hub)[0].detail == {"refused": "differs"}
    assert "Đã gắn" in browser.submit("/officers/link", **card, code=made.my_qr).text
    assert (log(hub)[0].action, log(hub)[0].account) == ("link", "health-post")
    assert log(hub)[0].person
    assert "N***** T** Bé" in browser.submit("/officers/check", box="health", code="046220990019").text
    for role in (Role.VENUE_GUARD, Role.ADMINISTRATOR, Role.EPIDEMIOLOGIST):
        assert signed_in(role).open("/officers/link").status_code == 403


def test_the_check_page_says_that_another_phone_declared(hub, signed_in):
    store, ring = open_store(hub.settings)
    own = form(document="046090990555", insurance="", symptoms=())
    with store.writing() as connection:
        declaring.declare(connection, ring, own, now(), by=ME)
    browser = signed_in(Role.CHECKPOINT_OFFICER)
    note = "Có khai từ số điện thoại khác"
    assert note not in browser.submit("/officers/check", box="health", code=own.document).text
    with store.writing() as connection:
        relative = form(document=own.document, insurance="", phone="", for_another=True)
        declaring.declare(connection, ring, relative, now(), by=OTHER)
    store.close()
    found = browser.submit("/officers/check", box="health", code=own.document).text
    assert note in found
    assert "Sốt" in found


def test_the_policy_preview_names_each_zones_map_and_what_it_matches_on_the_other(hub, signed_in):
    browser = signed_in(Role.EPIDEMIOLOGIST)
    found = browser.submit("/officers/policy/new", do="find-zone", scope="all", **{"zone-words": "Đà Nẵng"})
    assert "Thành phố Đà Nẵng (bản đồ 63 tỉnh, thành)" in found.text
    assert "Thành phố Đà Nẵng (bản đồ 34 tỉnh, thành)" in found.text
    chosen = (Zone("63", "48"), Zone("63", "48", "490", "20194"))
    fields = values_of(Policy(1, now(), now(), zones=chosen), partial(words.word, "vi"))
    checked = browser.submit("/officers/policy/new", do="check", **{k: v for k, v in fields.items() if v})
    assert "16 nơi" in checked.text
    assert "Chỉ nằm một phần trong vùng nhưng vẫn bị cảnh báo cả nơi: Phường Hải Vân, Thành phố Đà Nẵng" in checked.text
    assert checked.text.count("sẽ bị cảnh báo, bất kể ngày đến.") == 2 * len(GateKind)
    document = re.findall(r'name="document" value="([^"]+)"', checked.text)
    assert "policy/publish" in checked.text
    assert browser.submit("/officers/policy/publish", document=document[: len(document) // 2]).status_code == 200
    store, ring = open_store(hub.settings)
    with store.reading() as connection:
        published = policies.history(connection, ring)[0].policy
    store.close()
    assert published.zones[:2] == chosen
    assert len(published.zones) == 2 + 16
    shown = browser.open(f"/officers/policy/{published.version}").text
    assert shown.count("sẽ bị cảnh báo, bất kể ngày đến.") == 2 * len(GateKind)
