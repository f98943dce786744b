"""A station's page that draws itself anew while somebody is at it: nothing is taken out of their hands."""

import pytest
from hub_stand import HubProcess, furnish, now, on
from playwright.sync_api import expect

from core import wire
from core.health import BoardFigures, Health
from hub.config import Settings
from hub.officials import accounts
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PASSWORD = "ba con vịt trời"


class Stand:
    """A hub with one station, whose board grows warmer with each of its messages."""

    def __init__(self, data, database: str) -> None:
        self.pinned = furnish(data, "s1", database=database)
        store, _ = open_store(Settings(data=str(data), database=database))
        with store.writing() as connection:
            accounts.add(
                connection, Account("admin", "Quản trị", Role.ADMINISTRATOR), accounts.Password(PASSWORD), now()
            )
        store.close()
        self.hub = HubProcess(data, *on(data, database)).start()
        self.degrees = 20

    def say(self) -> str:
        """A message; what the page must say of it."""
        self.degrees += 1
        board = BoardFigures(temperature=float(self.degrees))
        said = Health(station="s1", session="one", number=self.degrees, at=now(), up=1.0, board=board)
        line = self.hub.session(self.pinned["s1"]["token"])
        assert line.post("/v1/health", data=wire.encode(said)).status_code == 200
        return f"{self.degrees} °C"


@pytest.fixture(scope="module")
def stand(tmp_path_factory, module_database):
    standing = Stand(tmp_path_factory.mktemp("hands"), module_database)
    yield standing
    assert standing.hub.stop() == 0


@pytest.fixture
def page(stand, browser):
    """The station's page, signed in and live."""
    url = f"http://{stand.hub.ready['http']}/officers"
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(f"{url}/sign-in")
        page.fill("[name=account]", "admin")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**/officers/fleet")
        page.goto(f"{url}/fleet/s1")
        expect(page.locator("#station")).to_contain_text(stand.say())
        yield page


def test_an_order_that_is_being_filled_in_keeps_what_was_typed(stand, page):
    page.locator("#form-hold-open > summary").click()
    page.locator("#hold-open-seconds").fill("90")
    page.locator("#why-hold-open").fill("xe cấp cứu")
    page.locator("h1").click()  # away from the field, and not sent yet
    expect(page.locator("#station")).to_contain_text(stand.say())
    expect(page.locator("#hold-open-seconds")).to_have_value("90")
    expect(page.locator("#why-hold-open")).to_have_value("xe cấp cứu")
    page.locator("#form-hold-open button").click()
    expect(page.locator("#orders")).to_contain_text("xe cấp cứu")


def test_what_is_wrong_with_an_order_stays_said(stand, page):
    page.locator("#form-hold-open > summary").click()
    page.locator("#hold-open-seconds").fill("90")
    page.locator("#form-hold-open button").click()
    expect(page.locator("#form-hold-open [role=alert]")).to_have_text("Cần ghi lý do.")
    expect(page.locator("#station")).to_contain_text(stand.say())
    expect(page.locator("#form-hold-open [role=alert]")).to_have_text("Cần ghi lý do.")
    expect(page.locator("#hold-open-seconds")).to_have_value("90")


def test_a_button_that_is_pressed_while_the_page_is_drawn_anew_still_does_what_it_says(stand, page):
    box = page.locator("#do-identify").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    with page.expect_response(lambda answer: answer.url.endswith("/s1") and answer.request.resource_type == "fetch"):
        said = stand.say()
    page.wait_for_timeout(500)
    expect(page.locator("#station")).not_to_contain_text(said)
    page.mouse.up()
    expect(page.locator("#orders")).to_contain_text("Nháy đèn, kêu: đang chờ")
    expect(page.locator("#station")).to_contain_text(said)


def test_whoever_is_at_a_heading_that_opens_stays_there(stand, page):
    heading = page.locator("#form-quiet > summary")
    heading.focus()
    expect(page.locator("#station")).to_contain_text(stand.say())
    expect(heading).to_be_focused()


def test_news_that_come_while_the_wall_is_fetched_are_not_undone_by_it(stand, page):
    held = []

    def hold(route):
        if route.request.resource_type == "fetch":
            held.append((route, route.fetch()))
        else:
            route.continue_()

    page.route("**/officers/fleet", hold)
    page.goto(f"http://{stand.hub.ready['http']}/officers/fleet")
    expect(page.locator("#line")).to_have_text("Đang cập nhật trực tiếp")
    for _ in range(240):
        if held:
            break
        page.wait_for_timeout(250)
    said = stand.say()
    page.wait_for_timeout(3_000)  # in which it has come
    route, drawn_before = held.pop()
    assert said not in drawn_before.text()
    route.fulfill(response=drawn_before)
    expect(page.locator("#s-s1")).to_contain_text(said)
