"""The policy and keeping pages over real HTTP, where somebody sends what no form of theirs would."""

import re
from datetime import timedelta

import pytest
import requests
from hub_stand import CITIZEN, SECONDS, HubProcess, furnish, now, on

from core.rules import Policy
from hub.config import Settings
from hub.officials import accounts, audit
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from hub.policy import policies
from hub.web.officials import NoRight
from hub.web.policy_form import pack
from hub.web.trace import must_export

PASSWORD = "ba con vịt trời"


@pytest.fixture(scope="module")
def hub(tmp_path_factory, module_database):
    """A hub with an administrator and an epidemiologist."""
    data = tmp_path_factory.mktemp("keeping")
    furnish(data, "s1", database=module_database)
    store, _ = open_store(Settings(data=str(data), database=module_database))
    with store.writing() as connection:
        for role in (Role.ADMINISTRATOR, Role.EPIDEMIOLOGIST):
            accounts.add(connection, Account(role.value, role.value, role), accounts.Password(PASSWORD), now())
    store.close()
    process = HubProcess(data, *on(data, module_database)).start()
    yield process
    process.kill()


@pytest.fixture(scope="module", params=[Role.ADMINISTRATOR])
def visit(hub, request):
    """Sends a form as the administrator; without fields, opens a page."""
    return signed_in(hub, request.param)


def signed_in(hub, role, name=""):
    session = requests.Session()
    session.trust_env = False
    base = f"http://{hub.ready['http']}"
    token = ""

    def send(path, **fields):
        if not fields:
            return session.get(base + path, timeout=SECONDS)
        return session.post(base + path, data={"_csrf_token": token, **fields}, timeout=SECONDS)

    token = re.search(r'name="_csrf_token" value="([^"]+)"', send("/officers/sign-in").text)[1]
    assert send("/officers/sign-in", account=name or role.value, password=PASSWORD).status_code == 200
    return send


@pytest.mark.parametrize("number", ["0", "99", "9" * 30])
def test_a_version_that_there_is_not_is_no_page(visit, number):
    for path in (f"/officers/policy/{number}", f"/officers/policy/new?start={number}"):
        assert visit(path).status_code == (200 if path.endswith("start=0") else 404)
    assert visit(f"/officers/policy/{number}/again", do="x").status_code == 404


@pytest.mark.parametrize("document", ["", "%", "AAAA", pack({"version": 1})[0], pack([])[0]])
def test_a_document_that_no_preview_gave_is_not_published(visit, document):
    assert visit("/officers/policy/publish", document=document).status_code == 404
    assert visit("/officers/policy/edit", document=document).status_code == 404


def test_a_document_for_a_scope_that_there_is_not_is_not_published(visit):
    policy = {"version": 1, "issued": now(), "effective": now(), "scope": "everywhere"}
    assert visit("/officers/policy/publish", document=pack(policy)[0]).status_code == 404


@pytest.mark.parametrize("do", ["check", "find-zone", "add-zone", "add-place", "leave-out", "nonsense"])
def test_an_empty_form_is_shown_again_with_what_is_wrong(visit, do):
    answer = visit("/officers/policy/new", do=do)
    assert answer.status_code == (200 if do in ("find-zone", "leave-out") else 422)
    assert "Soạn quy định" in answer.text


def test_a_hold_that_there_is_not_is_released_by_nobody(visit):
    assert visit("/officers/keeping/release", hold="9" * 30).status_code == 200


def test_nobody_is_erased_without_a_tick_and_no_number_is_shown_again(visit):
    answer = visit("/officers/keeping/person", do="erase", scheme="citizen", number=CITIZEN)
    assert answer.status_code == 422
    assert CITIZEN not in answer.text


@pytest.mark.parametrize("scheme", ["citizen", "token", "no-such-scheme"])
def test_a_number_that_is_nobodys_gives_no_page_of_anybodys(visit, scheme):
    answer = visit("/officers/keeping/person", do="export", scheme=scheme, number="046099999999")
    assert answer.status_code == 422
    assert "Không tìm thấy ai có số này" in answer.text


def test_a_persons_own_data_comes_as_a_file(visit):
    asked = {"do": "export", "scheme": "citizen", "number": CITIZEN}
    refused = visit("/officers/keeping/person", **asked)
    assert refused.status_code == 422
    assert 'id="why-fault"' in refused.text
    answer = visit("/officers/keeping/person", **asked, why="chính người đó yêu cầu")
    assert "attachment" in answer.headers["content-disposition"]
    assert answer.json()["person"]["name"] == "Nguyễn Thị Ánh"
    assert [each["action"] for each in answer.json()["looked_up"]] == ["own-data"]


DAYS = {"checkins": "30", "declarations": "90", "withdrawn": "21", "codes": "1", "erasures": "180"}


def test_days_are_previewed_published_and_taken_back(visit):
    answer = visit("/officers/keeping/days", do="check", **DAYS)
    assert "Lượt quét quá 30 ngày bị xoá" in answer.text
    assert "trước: 21 ngày" in answer.text
    assert "Bản 1, administrator ban hành" in visit("/officers/keeping/days/publish", note="đợt dịch", **DAYS).text
    visit("/officers/keeping/days/publish", **{**DAYS, "checkins": "14"})
    answer = visit("/officers/keeping/days/1/again", do="x")
    assert "Số ngày như ở bản 1" in answer.text
    assert "Lượt quét quá 30 ngày bị xoá" in answer.text


@pytest.mark.parametrize(
    ("name", "typed"), [("checkins", "13"), ("checkins", "²"), ("erasures", ""), ("effective", "x")]
)
def test_days_that_cannot_be_are_shown_beside_their_field_and_never_published(visit, name, typed):
    answer = visit("/officers/keeping/days", do="check", **{**DAYS, name: typed})
    assert answer.status_code == 422
    assert f'id="{name}-fault"' in answer.text
    assert visit("/officers/keeping/days/publish", **{**DAYS, name: typed}).status_code == 404


@pytest.mark.parametrize("number", ["0", "99", "9" * 30])
def test_days_of_a_version_that_there_is_not_are_no_page(visit, number):
    assert visit(f"/officers/keeping/days/{number}/again", do="x").status_code == 404


def test_what_an_administrator_gives_out_stands_in_the_log_with_its_reason(hub, visit):
    visit("/officers/keeping/person", do="export", scheme="citizen", number=CITIZEN, why="đơn ngày 02/3")
    store, _ = open_store(hub.settings)
    with store.reading() as connection:
        newest = audit.entries(connection, at_most=1)[0]
    store.close()
    assert (newest.action, newest.account, newest.why) == ("own-data", "administrator", "đơn ngày 02/3")
    assert newest.person


def test_a_policy_for_a_station_that_there_is_not_is_not_published(visit):
    policy = {"version": 1, "issued": now(), "effective": now(), "scope": "station/zzz"}
    assert visit("/officers/policy/publish", document=pack(policy)[0]).status_code == 404


def test_whoever_may_look_and_not_take_away_gets_no_file():
    must_export(Account("a", "a", Role.EPIDEMIOLOGIST))
    with pytest.raises(NoRight):
        must_export(Account("a", "a", Role.HEALTH_POST))


def test_an_epidemiologist_writes_policy_and_keeps_away_from_erasing(hub):
    send = signed_in(hub, Role.EPIDEMIOLOGIST)
    assert send("/officers/policy").status_code == 200
    for path in ("/officers/keeping", "/officers/keeping/processing", "/officers/keeping/days"):
        assert send(path).status_code == 403
    for path in ("/officers/keeping/person", "/officers/keeping/release", "/officers/keeping/days/publish"):
        assert send(path, do="erase", scheme="citizen", number=CITIZEN, sure="yes").status_code == 403


@pytest.fixture
def narrower(hub, module_database):
    """The number of a policy that is only for s1, anew for each test."""
    store, ring = open_store(Settings(data=str(hub.data), database=module_database))
    with store.writing() as connection:
        number = policies.next_version(connection)
        policies.publish(connection, ring, Policy(number, now(), now(), "station/s1"), now())
    store.close()
    return number


def newest(hub, module_database):
    store, ring = open_store(Settings(data=str(hub.data), database=module_database))
    with store.reading() as connection:
        version, entry = policies.history(connection, ring)[0], audit.entries(connection, at_most=1)[0]
    store.close()
    return version, entry


def test_a_narrower_policy_is_taken_back_once_it_is_said_again_and_the_log_has_who(
    hub, visit, narrower, module_database
):
    asked = visit(f"/officers/policy/{narrower}/withdraw").text
    assert "Sẽ theo số 1 · Toàn tỉnh" in asked
    assert newest(hub, module_database)[0].policy.version == narrower
    done = visit(f"/officers/policy/{narrower}/withdraw", taken=str(narrower), note="công văn 7")
    assert "Đã thu hồi" in done.text
    version, entry = newest(hub, module_database)
    assert (version.policy.is_withdrawn, version.policy.scope, version.author) == (True, "station/s1", "administrator")
    assert version.policy.note == "công văn 7"
    assert (entry.action, entry.account) == ("policy", "administrator")
    assert entry.detail == {"version": narrower + 1, "scope": "station/s1", "withdrawn": str(narrower)}
    assert "thu hồi, đang hiệu lực" in done.text
    own = visit(f"/officers/policy/{narrower + 1}").text
    assert "Thu hồi quy định riêng" in own
    back = visit(f"/officers/policy/{narrower}/again", do="x").text
    assert "Phạm vi này đang bị thu hồi" in back
    document = re.findall(r'name="document" value="([^"]+)"', back)
    assert "Đã ban hành" in visit("/officers/policy/publish", document=document[: len(document) // 2]).text
    assert newest(hub, module_database)[0].policy.is_withdrawn is False


def test_what_changed_since_the_question_is_asked_about_again(hub, visit, narrower, module_database):
    store, ring = open_store(Settings(data=str(hub.data), database=module_database))
    ahead = now() + timedelta(days=3)
    with store.writing() as connection:
        policies.publish(connection, ring, Policy(narrower + 1, now(), ahead, "station/s1"), now())
    store.close()
    answer = visit(f"/officers/policy/{narrower}/withdraw", taken=str(narrower))
    assert answer.status_code == 409
    assert f"Số {narrower + 1}, {narrower}" in answer.text
    assert visit(f"/officers/policy/{narrower}/withdraw", taken=f"{narrower + 1}, {narrower}").status_code == 200


def test_what_cannot_be_taken_back_has_no_such_page(hub, visit, narrower):
    assert visit(f"/officers/policy/{narrower}/withdraw", taken=str(narrower)).status_code == 200
    for number in (1, narrower, narrower + 1, 999):
        assert visit(f"/officers/policy/{number}/withdraw").status_code == 404
        assert visit(f"/officers/policy/{number}/withdraw", taken=str(number)).status_code == 404
    assert visit(f"/officers/policy/{narrower + 1}/again", do="x").status_code == 404
    forged = {"version": 9, "issued": now(), "effective": now(), "scope": "station/s1", "withdrawn": True}
    assert visit("/officers/policy/publish", document=pack(forged)[0]).status_code == 404
