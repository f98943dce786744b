"""What officials do all day, each task from signing in to its end by keyboard alone, the focus always in sight."""

import re
from datetime import timedelta

import pytest
from hub_stand import now
from keys_alone import enter, reach, type_in
from playwright.sync_api import expect
from town import CITIZEN, PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

DESK = {"width": 1280, "height": 900}
WHY = "ca benh so 12"


@pytest.fixture
def sign_in(town, browser):
    """Signs somebody in and goes to a page of the menu; the mouse is never there."""
    opened = []

    def enter_as(name: str, path: str):
        page = browser.new_page(viewport=DESK)
        opened.append(page)
        page.goto(f"{town.url}/officers/sign-in")
        type_in(page, "account", name)
        type_in(page, "password", PASSWORD)
        enter(page, "main form button")
        if not page.url.endswith(path):
            enter(page, f"nav.tabs a[href='{path}']")
        return page

    yield enter_as
    for page in opened:
        page.close()


def test_a_paper_declaration_is_typed_in(sign_in):
    page = sign_in("chot", "/officers/paper")
    fields = {
        "kind": "entry",
        "signed": f"{now():%d/%m/%Y}",
        "name": "Lê Thị Giấy",
        "born": "1971",
        "nationality": "VN",
    }
    fields |= {"sex": "female", "document": "046171000777", "address": "Phú Xuân, Huế", "arrival": f"{now():%d/%m/%Y}"}
    fields |= {"origin": "Hải Châu, Đà Nẵng", "origin_hamlet": "Tổ 3", "destination": "Phú Xuân, Huế"}
    fields |= {"destination_hamlet": "Tổ 5"}
    for name, value in fields.items():
        type_in(page, name, value)
    enter(page, "main form > .actions button")
    for name in page.locator("select[name$=_commune]").evaluate_all("every => every.map((each) => each.id)"):
        reach(page, f"#{name}")  # several communes have the name that was typed
        page.keyboard.press("ArrowDown")
    if page.locator(".summary").count():
        enter(page, "main form > .actions button")
    expect(page.locator("[role=status]").first).to_contain_text("Đã")


def test_a_policy_is_written_tried_published_and_taken_back(sign_in):
    page = sign_in("dich-te", "/officers/policy")
    enter(page, "a[href='/officers/policy/new']")
    type_in(page, "scope", "kind/venue")
    type_in(page, "zone-words", "Đà Nẵng")
    enter(page, "button[value=find-zone]")
    type_in(page, "zone-code", page.locator("[name=zone-code]").nth(1).get_attribute("value"))
    enter(page, "button[value=add-zone]")
    expect(page.locator("#zones .ticks").first).to_contain_text("Đà Nẵng")
    reach(page, "#zones ~ details summary")
    enter(page, "main form > .actions button[value=check]")
    enter(page, "form[action$=publish] button")
    expect(page.locator("[role=status]").first).to_contain_text("Đã ban hành")
    enter(page, "a[href$=withdraw]")
    type_in(page, "note", "het dot")
    enter(page, "form[action$=withdraw] button.harm")
    expect(page.locator("[role=status]").first).to_contain_text("Đã thu hồi")


def test_a_place_is_added_and_corrected(sign_in):
    page = sign_in("quan-tri", "/officers/places")
    enter(page, "a[href='/officers/places/new']")
    for name, value in {"name": "Ga Huế", "kind": "venue", "where": "Phú Xuân", "capacity": "300"}.items():
        type_in(page, name, value)
    enter(page, "button[value=find]:not(.aside)")
    type_in(page, "area", page.locator("[name=area]").first.get_attribute("value"))
    enter(page, "button[value=save]:not(.aside)")
    expect(page.locator("[role=status]").first).to_be_visible()
    enter(page, "nav.tabs a[href='/officers/places']")
    enter(page, "a[href='/officers/places/ga-hue']")
    type_in(page, "hours", "5h-20h")
    enter(page, "button[value=save]:not(.aside)")
    expect(page.locator("main")).to_contain_text("05:00-20:00")


def test_an_account_is_opened_corrected_and_shut(sign_in):
    page = sign_in("quan-tri", "/officers/accounts")
    fields = {"name": "moi-den", "shown": "Người mới đến", "role": "health-post", "password": PASSWORD}
    for name, value in fields.items():
        if name == "name":
            reach(page, "input#name")
            page.keyboard.type(value)
        else:
            type_in(page, name, value)
    enter(page, "button[value=add]")
    row = "tr:has(input[value=moi-den])"
    enter(page, f"{row} button[value=open]")
    type_in(page, "shown", "Trạm Vỹ Dạ")
    enter(page, "button[value=correct]")
    expect(page.locator(row)).to_contain_text("Trạm Vỹ Dạ")
    enter(page, f"{row} button[value=disable]")
    expect(page.locator(row)).to_contain_text("đã")


def test_an_epidemiologist_goes_from_a_place_to_a_person_to_whom_they_met_and_takes_the_list_along(sign_in):
    page = sign_in("dich-te", "/officers/trace")
    hue = now() + timedelta(hours=7)
    type_in(page, "since", f"{hue - timedelta(hours=5):%Y-%m-%dT%H:%M}")
    type_in(page, "until", f"{hue:%Y-%m-%dT%H:%M}")
    type_in(page, "why", WHY)
    type_in(page, "place", "sieu-thi")
    enter(page, "button[value=place]")
    expect(page.locator("#answer")).to_have_attribute("data-about", "place")
    reach(page, "#answer .scroll")
    enter(page, "td form button")
    expect(page.locator("#answer")).to_have_attribute("data-about", "trace")
    enter(page, "button[value=contacts]")
    expect(page.locator("#answer")).to_have_attribute("data-about", "contacts")
    reach(page, "button[value=csv]")
    with page.expect_download() as taken:
        page.keyboard.press("Enter")
    assert taken.value.suggested_filename.endswith(".csv")


def test_the_auditor_narrows_the_log_down_and_opens_a_list(sign_in):
    page = sign_in("thanh-tra", "/officers/audit")
    enter(page, "button[name=list]")
    reach(page, "input[name=person]")
    page.keyboard.type(CITIZEN)
    enter(page, "form.row button")
    expect(page.locator("#entries")).to_contain_text(re.compile("[0-9a-f]{32}"))


def test_somebody_is_found_by_name_with_a_reason(sign_in):
    page = sign_in("tram", "/officers/search")
    type_in(page, "who", "tran")
    type_in(page, "why", WHY)
    enter(page, "main form button")
    expect(page.locator("main")).to_contain_text("Trần Thị Hồng Nhung")


def test_a_record_is_held_and_let_go(sign_in):
    page = sign_in("quan-tri", "/officers/keeping")
    type_in(page, "number", CITIZEN)
    type_in(page, "reason", "quyet dinh 7")
    reach(page, "#until")
    day = now() + timedelta(days=9)
    page.keyboard.type(f"{day:%m%d%Y}")
    enter(page, "button[value=hold]")
    expect(page.locator("[role=status]").first).to_be_visible()
    enter(page, "form[action$=release] button")
    expect(page.locator("[role=status]").first).to_be_visible()


def test_a_station_is_given_an_order_and_the_log_is_narrowed_down(sign_in):
    page = sign_in("quan-tri", "/officers/fleet")
    enter(page, "a[href='/officers/fleet/s1']")
    enter(page, "button[value=identify]")
    enter(page, "nav.tabs a[href='/officers/orders']")
    reach(page, "#station")
    page.keyboard.press("ArrowDown")
    enter(page, "form.fleet-choice button")
    assert "station=s1" in page.url
    expect(page.locator("#log")).to_contain_text("s1")
