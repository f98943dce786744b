"""The officials' pages over real HTTP: who gets in, who sees what, and what is written down about it."""

import base64
import csv
import hashlib
import io
import re
from datetime import timedelta

import pytest
import requests
from hub_stand import CITIZEN, SECONDS, HubProcess, furnish, journal_of, now, on, until

from hub.config import Settings
from hub.journals.intake import take
from hub.journals.reading import read_pending
from hub.officials import accounts, audit, totp
from hub.officials.accounts import Account
from hub.officials.rights import RIGHTS, Right, Role
from hub.opening import open_store
from hub.web import assets
from hub.web.officials import MENU

PASSWORD = "ba con vịt trời"
WHY = "ca bệnh số 12"
WARD = ("63/475",)


@pytest.fixture(scope="module")
def hub(tmp_path_factory, module_database):
    """A hub with one account a role and a morning's scans."""
    data = tmp_path_factory.mktemp("officials")
    furnish(data, "s1", database=module_database)
    store, ring = open_store(Settings(data=str(data), database=module_database))
    with store.writing() as connection:
        for role in Role:
            communes = WARD if role is Role.COMMUNE_OFFICER else ()
            place = "cho" if role is Role.VENUE_GUARD else ""
            account = Account(role.value, role.value.title(), role, place=place, communes=communes)
            accounts.add(connection, account, accounts.Password(PASSWORD), now())
        journal = journal_of(ring)
        journal.write(at=now() - timedelta(hours=2))
        journal.write("046193990002", at=now() - timedelta(hours=1))
        take(connection, journal.batch(), now())
        read_pending(connection, ring, 100, now())
    store.close()
    process = HubProcess(data, *on(data, module_database)).start()
    yield process
    process.kill()


class Browser(requests.Session):
    """A browser without a script: keeps cookies, sends the token that a page gave it."""

    def __init__(self, hub):
        super().__init__()
        self.trust_env = False
        self.base = f"http://{hub.ready['http']}"
        self.headers["Accept"] = "text/html"

    def open(self, path):
        return self.get(self.base + path, timeout=SECONDS)

    def submit(self, path, **fields):
        page = self.open(path if path.endswith("sign-in") else "/officers/account")
        token = re.search(r'name="_csrf_token" value="([^"]+)"', page.text)[1]
        return self.post(self.base + path, data={"_csrf_token": token, **fields}, timeout=SECONDS)


@pytest.fixture
def signed_in(hub):
    """Browsers by role."""

    def enter(role, password=PASSWORD):
        browser = Browser(hub)
        answer = browser.submit("/officers/sign-in", account=role.value, password=password)
        assert answer.status_code == 200, answer.text
        return browser

    return enter


def log(hub):
    store, _ = open_store(hub.settings)
    try:
        with store.reading() as connection:
            return audit.entries(connection, at_most=500)
    finally:
        store.close()


def test_without_signing_in_every_page_leads_to_the_door(hub):
    for _, path, _ in MENU:
        assert Browser(hub).open(path).url.endswith("/officers/sign-in")


def test_a_wrong_password_says_nothing_of_what_was_wrong(hub):
    answers = [
        Browser(hub).submit("/officers/sign-in", account=name, password="không phải mật khẩu")
        for name in ("auditor", "nobody-of-this-name")
    ]
    assert {answer.status_code for answer in answers} == {422}
    assert all("Tên, mật khẩu hoặc mã 6 số không đúng" in answer.text for answer in answers)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_sees_its_own_pages_and_no_others(signed_in, role):
    browser = signed_in(role)
    for right, path, _ in MENU:
        answer = browser.open(path)
        assert (right in RIGHTS[role], answer.status_code) in {(True, 200), (False, 403)}, path


def test_a_request_without_the_page_s_token_changes_nothing(signed_in):
    browser = signed_in(Role.VENUE_GUARD)
    assert browser.post(browser.base + "/officers/check", data={"code": CITIZEN}, timeout=SECONDS).status_code == 403


def test_signing_out_ends_the_session_on_the_server(signed_in):
    browser = signed_in(Role.VENUE_GUARD)
    kept = dict(browser.cookies)
    browser.submit("/officers/account/sign-out")
    browser.cookies.update(kept)
    assert browser.open("/officers/check").url.endswith("/officers/sign-in")


def test_a_check_shows_a_masked_name_and_three_groups_and_is_logged_by_key(hub, signed_in):
    officer = signed_in(Role.CHECKPOINT_OFFICER)
    answers = []

    def is_quick():
        answers.append(officer.submit("/officers/check", box="entry", code=CITIZEN))
        return answers[-1].elapsed < timedelta(seconds=1)

    until(is_quick, "an answer within a second")  # others may have been in somebody's way
    answer = answers[0]
    assert 'data-outcome="warn"' in answer.text
    assert "N***** T** Ánh" in answer.text
    assert "Nguyễn Thị Ánh" not in answer.text
    assert answer.text.count('class="card group"') == 3
    assert "Chợ Đông Ba" in answer.text
    entry = next(entry for entry in log(hub) if entry.action == "check")
    assert (entry.account, entry.detail["box"], len(entry.person)) == ("checkpoint-officer", "entry", 32)
    assert CITIZEN not in str(hub.log.read_text())


def test_searching_needs_a_reason_and_leaves_one(hub, signed_in):
    browser = signed_in(Role.HEALTH_POST)
    refused = browser.submit("/officers/search", who="Nguyễn Thị Ánh")
    assert (refused.status_code, "Cần ghi lý do" in refused.text) == (422, True)
    found = browser.submit("/officers/search", who="anh nguyen", why=WHY)
    assert "Tìm thấy 1 người" in found.text
    entry = next(entry for entry in log(hub) if entry.action == "search")
    assert (entry.account, entry.why, entry.detail["people"]) == ("health-post", WHY, 1)
    auditor = signed_in(Role.AUDITOR)
    about = auditor.submit("/officers/audit", person=CITIZEN)
    assert (about.status_code, WHY in about.text, "Ai đã xem người này" in about.text) == (200, True, True)
    assert CITIZEN not in about.text
    listed = auditor.submit("/officers/audit", list=entry.seq)
    assert re.search(rf"dòng {entry.seq} .*?<li class=\"hash\">[0-9a-f]{{32}}</li>", listed.text, re.DOTALL)
    assert auditor.submit("/officers/audit", person="không ai").status_code == 422


def test_a_guard_sees_how_many_are_inside_the_own_place_and_nobody_by_name(signed_in):
    guard = signed_in(Role.VENUE_GUARD)
    page = guard.open("/officers/inside")
    assert re.search(r"<b class=\"number\">2</b>", page.text)
    assert "Chợ Đông Ba" in page.text
    assert "Ánh" not in page.text
    assert '<noscript><meta http-equiv="refresh"' in page.text
    assert "http-equiv" not in guard.open("/officers/inside?still=true").text
    assert guard.open("/officers/inside?place=chot").text.count("Lăng Cô") == 0


def test_helping_somebody_declare_is_in_the_log(hub, signed_in):
    answer = signed_in(Role.CHECKPOINT_OFFICER).submit("/officers/assist", kind="entry")
    assert "/declare/entry" in answer.url
    entry = next(entry for entry in log(hub) if entry.action == "assist")
    assert (entry.account, entry.detail) == ("checkpoint-officer", {"kind": "entry"})


def test_a_list_writes_down_everybody_whom_it_showed(hub, signed_in):
    signed_in(Role.EPIDEMIOLOGIST).submit("/officers/trace", **window(), about="place", place="cho", why=WHY)
    store, _ = open_store(hub.settings)
    with store.reading() as connection:
        entry = next(entry for entry in audit.entries(connection) if entry.action == "place")
        shown = audit.shown(connection, entry.seq)
        assert [len(key) for key in shown] == [32]  # the other code is nobody's
        assert entry.seq in [each.seq for each in audit.entries(connection, person=shown[0])]
    store.close()


def test_a_person_who_is_only_chosen_for_a_trace_is_written_down_too(hub, signed_in):
    browser = signed_in(Role.EPIDEMIOLOGIST)
    found = browser.submit("/officers/search", who="anh nguyen thi", why=WHY)
    key = re.search(r'name="person" value="([0-9a-f]{32})"', found.text)[1]
    assert "Nguyễn Thị Ánh" in browser.submit("/officers/trace", about="open", person=key, why=WHY).text
    entry = next(entry for entry in log(hub) if entry.person == key)
    assert (entry.action, entry.why) == ("search", WHY)


def window():
    hue = now() + timedelta(hours=7)
    return {"since": f"{hue - timedelta(hours=5):%Y-%m-%dT%H:%M}", "until": f"{hue:%Y-%m-%dT%H:%M}", "margin": "15"}


def test_who_was_at_a_place_is_shown_and_taken_away_with_its_reason(hub, signed_in):
    browser = signed_in(Role.EPIDEMIOLOGIST)
    asked = {**window(), "about": "place", "place": "cho", "why": WHY}
    page = browser.submit("/officers/trace", **asked)
    assert "Nguyễn Thị Ánh" in page.text
    assert "Mã chưa đăng ký" in page.text
    taken = browser.submit("/officers/trace", **asked, **{"as": "csv"})
    lines = list(csv.DictReader(io.StringIO(taken.content.decode("utf-8-sig"))))
    assert [(line["name"], line["place_name"]) for line in lines] == [
        ("Nguyễn Thị Ánh", "Chợ Đông Ba"),
        ("", "Chợ Đông Ba"),
    ]
    assert next(entry for entry in log(hub) if entry.action == "export").why == WHY


def test_a_window_that_cannot_be_is_told_beside_its_field(signed_in):
    browser = signed_in(Role.EPIDEMIOLOGIST)
    turned = {**window(), "about": "place", "place": "cho", "why": WHY}
    turned["since"], turned["until"] = turned["until"], turned["since"]
    answer = browser.submit("/officers/trace", **turned)
    assert (answer.status_code, "Phải sau lúc bắt đầu" in answer.text) == (422, True)
    assert browser.submit("/officers/trace", about="place", since="x").status_code == 422
    nobody = {**window(), "about": "trace", "person": "zz", "why": WHY}
    assert browser.submit("/officers/trace", **nobody).status_code == 422


def test_the_auditor_reads_a_log_that_proves_itself(signed_in):
    page = signed_in(Role.AUDITOR).open("/officers/audit")
    assert 'data-whole="yes"' in page.text
    assert "Kiểm tra" in page.text


PAPER = {
    "kind": "health",
    "name": "Lê Thị Giấy",
    "born": "1980",
    "sex": "female",
    "nationality": "VN",
    "document": "046180990077",
    "address": "Vỹ Dạ, Huế",
    "symptoms": ["cough"],
}


def test_a_paper_declaration_is_taken_once_and_marked_with_who_typed_it(hub, signed_in):
    browser = signed_in(Role.HEALTH_POST)
    day = f"{now() - timedelta(days=1):%d/%m/%Y}"
    wrong = browser.submit("/officers/paper", **{**PAPER, "signed": day, "document": "12", "once": "a"})
    assert (wrong.status_code, "thừa ký tự" in wrong.text) == (422, True)
    for _ in range(2):
        taken = browser.submit("/officers/paper", **{**PAPER, "signed": day, "once": "b" * 32})
        assert (taken.status_code, "Đã ghi tờ khai" in taken.text) == (200, True)
    found = browser.submit("/officers/check", box="health", code="046180990077")
    assert "Khai trên giấy" in found.text
    assert next(entry.account for entry in log(hub) if entry.action == "paper") == "health-post"


def test_an_account_that_the_administrator_opens_must_choose_its_own_password(hub, signed_in):
    administrator = signed_in(Role.ADMINISTRATOR)
    new = {"do": "add", "name": "moi", "shown": "Người mới", "role": "auditor", "password": "sáu con cá chép"}
    assert administrator.submit("/officers/accounts", **{**new, "password": "ngắn"}).status_code == 422
    assert administrator.submit("/officers/accounts", **new).status_code == 200
    browser = Browser(hub)
    browser.submit("/officers/sign-in", account="moi", password="sáu con cá chép")
    assert browser.open("/officers/audit").url.endswith("/officers/account")
    own = {"current": "sáu con cá chép", "fresh": "bảy con chim sẻ", "again": "bảy con chim sẻ"}
    assert browser.submit("/officers/account", **{**own, "again": "khác"}).status_code == 422
    assert browser.submit("/officers/account", **own).url.endswith("/officers/audit")
    administrator.submit("/officers/accounts", do="disable", name="moi")
    assert browser.open("/officers/audit").url.endswith("/officers/sign-in")
    assert administrator.submit("/officers/accounts", do="disable", name="administrator").status_code == 422


def test_a_second_factor_is_turned_on_by_its_first_code_and_off_by_the_password(hub, signed_in):
    browser = signed_in(Role.COMMUNE_OFFICER)
    page = browser.open("/officers/account/second-factor")
    spelt = re.search(r"<code>([A-Z2-7 ]+)</code>", page.text)[1].replace(" ", "")
    secret = base64.b32decode(spelt)
    step = totp.step_at(now())
    assert "Đang bật" in browser.submit("/officers/account/second-factor", code=totp.code(secret, step)).text
    door = {"account": "commune-officer", "password": PASSWORD}
    assert Browser(hub).submit("/officers/sign-in", **door).status_code == 422
    again = Browser(hub).submit("/officers/sign-in", **door, code=totp.code(secret, step + 1))
    assert again.status_code == 200
    off = browser.submit("/officers/account", do="second-factor-off", password=PASSWORD)
    assert "Đang bật" not in off.text


VENDORED = {
    "jsqr.js": "bc40c8a15196236b2314db0856f72ca0b49980cd5413b8c852a7349f5fee0859",
    "jsqr.LICENSE.txt": "c6596eb7be8581c18be736c846fb9173b69eccf6ef94c5135893ec56bd92ba08",
    "uplot.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    "uplot.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    "uplot.LICENSE.txt": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
}
"""jsqr 1.4.0 (Apache-2.0) and uPlot 1.6.32 (MIT) as published."""


@pytest.mark.parametrize("name", VENDORED)
def test_what_others_wrote_is_byte_for_byte_what_they_published(name):
    assert hashlib.sha256(assets.read(name)).hexdigest() == VENDORED[name]


def test_every_right_of_the_menu_is_some_role_s():
    held = frozenset[Right]().union(*RIGHTS.values())
    assert {right for right, _, _ in MENU} <= held
