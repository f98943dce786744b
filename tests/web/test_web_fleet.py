"""The fleet wall over real HTTP and in a real browser: who sees it, in which order, and what it says by itself."""

import json
import re
import threading
import time
from datetime import timedelta

import pytest
import requests
import sqlalchemy as sa
from hub_stand import SECONDS, HubProcess, Journal, furnish, now, on, until
from web_stand import Visitor

from core import keys, wire
from core.health import BoardFigures, CameraFigures, Health, JournalFigures, Versions
from hub.config import Settings
from hub.officials import accounts
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from hub.stations import alarms, orders
from hub.stations.fleet import add_station
from hub.storage.health_tables import healths
from hub.web.fleet import live

PASSWORD = "ba con vịt trời"
FLEET = "/officers/fleet"
STATIONS = ("s1", "s2", "s3", "s4", "s5")
OTHERS = ("s4", "s5")
"""Those whose line depends on what another test has done."""

HELD = Versions(policy=1)
SOON_SILENT = timedelta(seconds=50)


class Stand:
    """A hub with five stations at a market and one at a checkpoint."""

    def __init__(self, data, database: str) -> None:
        self.pinned = furnish(data, *STATIONS, database=database)
        store, self.ring = open_store(Settings(data=str(data), database=database))
        with store.writing() as connection:
            for role in Role:
                communes = ("63/19768",) if role is Role.COMMUNE_OFFICER else ()
                account = Account(role.value, role.value, role, communes=communes)
                accounts.add(connection, account, accounts.Password(PASSWORD), now())
            self.pinned["c1"] = {"token": add_station(connection, "c1", "chot", None, now())}
            alarms.raise_alarm(connection, "chain-broken", "s1", "aa", "a chain is broken", now())
            last = Health(station="s4", session="before", number=1, at=now(), up=1.0)
            heard = now() - SOON_SILENT
            row = {"station": "s4", "heard": heard, "ahead": 0.0, "via": "http", "message": wire.encode(last)}
            connection.execute(sa.insert(healths).values(row))
        self.store = store
        self.hub = HubProcess(data, *on(data, database)).start()
        self.url = f"http://{self.hub.ready['http']}"
        self.numbers = iter(range(1, 1_000))

    def say(self, station: str, **figures: object) -> None:
        """A station's health, over HTTP."""
        said = Health(
            station=station, session="one", number=next(self.numbers), at=now(), up=1.0, versions=HELD, **figures
        )
        line = self.hub.session(self.pinned[station]["token"])
        assert line.post("/v1/health", data=wire.encode(said)).status_code == 200

    def visitor(self, role: Role | None = Role.TECHNICIAN) -> Visitor:
        """Somebody of this role, signed in."""
        visitor = Visitor(self.url, None)
        if role is not None:
            assert visitor.submit("/officers/sign-in", account=role.value, password=PASSWORD).status_code == 200
        return visitor


@pytest.fixture(scope="module")
def stand(tmp_path_factory, module_database):
    standing = Stand(tmp_path_factory.mktemp("fleet"), module_database)
    yield standing
    standing.store.close()
    assert standing.hub.stop() == 0


@pytest.fixture(autouse=True)
def spoken(stand):
    """Three of the stations have just been heard, so that none of them falls silent within a test."""
    stand.say("s1")
    stand.say("s2", journal=JournalFigures(backlog=400, oldest=900.0))
    stand.say("s3", camera=CameraFigures(blind="covered"))


def order(page: str) -> list[str]:
    return re.findall(r'<tr id="s-([^"]+)"', page)


@pytest.mark.parametrize("role", list(Role))
def test_only_who_looks_after_stations_sees_the_wall(stand, role):
    visitor = stand.visitor(role)
    may = role in (Role.TECHNICIAN, Role.ADMINISTRATOR)
    assert visitor.get(FLEET).status_code == (200 if may or role is Role.SCREEN else 403)
    assert visitor.get(f"{FLEET}/s1").status_code == (200 if may else 403)
    if not may:
        assert role is Role.SCREEN or visitor.get("/officers/fleet-live").status_code == 403
        assert visitor.submit(FLEET, seen="silent|s1|").status_code == 403


def test_nobody_who_is_not_signed_in_hears_anything(stand):
    assert stand.visitor(None).get("/officers/fleet-live").url.endswith("/officers/sign-in")


def test_the_gravest_comes_first_and_who_was_never_heard_last(stand):
    page = stand.visitor().get(FLEET).text
    found = order(page)
    assert [each for each in found if each not in OTHERS] == ["s3", "s2", "s1", "c1"]
    assert "Camera bị che" in page
    assert "400 lượt chờ gửi" in page


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ("kind=checkpoint", ["c1"]),
        ("district=63/475&trouble=1", ["s3", "s2"]),
        ("place=chot", ["c1"]),
        ("place=nowhere", []),
    ],
)
def test_filters_stand_in_the_address(stand, asked, left):
    assert [each for each in order(stand.visitor().get(f"{FLEET}?{asked}").text) if each not in OTHERS] == left


def test_a_screen_begins_on_the_big_wall_and_may_only_look(stand):
    screen = stand.visitor(Role.SCREEN)
    page = screen.get("/officers")
    assert page.url.endswith(f"{FLEET}?kiosk=1")
    assert "kiosk looks" in page.text
    assert screen.cookies.get_dict()
    assert any(each.expires for each in screen.cookies if each.name == "tq_official"), "outlives its browser"
    assert screen.submit(FLEET, seen="chain-broken|s1|aa").status_code == 403


def test_the_big_screen_stays_one_after_acknowledging_and_after_showing_all(stand):
    page = stand.visitor().get(f"{FLEET}?kiosk=1&all=1&kind=venue").text
    (back,) = re.findall(r'id="seen".*name="back" value="([^"]+)"', page)
    assert {"kiosk=1", "all=1", "kind=venue"} <= set(back.partition("?")[2].replace("amp;", "").split("&"))


def test_a_station_all_of_whose_messages_are_dropped_is_near_the_top_and_says_why(stand):
    said = Health(station="s5", session="one", number=1, at=now() + timedelta(days=3), up=1.0)
    line = stand.hub.session(stand.pinned["s5"]["token"])
    assert line.post("/v1/health", data=wire.encode(said)).status_code == 400
    visitor = stand.visitor()
    until(lambda: "Tin bị bỏ: ghi giờ tương lai" in visitor.get(FLEET).text, "the wall says why")
    page = visitor.get(FLEET).text
    assert order(page).index("s5") < order(page).index("s1")


def test_an_alarm_is_acknowledged_once_and_says_by_whom(stand):
    first, second = stand.visitor(), stand.visitor(Role.ADMINISTRATOR)
    assert "Chuỗi ghi bị đứt" in first.get(FLEET).text
    assert "technician đã nhận lúc" in first.submit(FLEET, seen="chain-broken|s1|aa").text
    assert "technician đã nhận lúc" in second.submit(FLEET, seen="chain-broken|s1|aa").text
    assert first.post(FLEET, data={"seen": "chain-broken|s1|aa"}).status_code == 403  # without the form's token
    assert first.submit(FLEET, seen="nonsense", back="https://example.org/").url == stand.url + "/"


def test_orders_are_the_administrators_and_end_in_the_log(stand):
    technician, administrator = stand.visitor(), stand.visitor(Role.ADMINISTRATOR)
    assert 'value="identify"' not in technician.get(f"{FLEET}/s1").text
    assert technician.submit(f"{FLEET}/s1", do="identify").status_code == 403
    page = administrator.submit(f"{FLEET}/s1", do="identify").text
    assert "Nháy đèn, kêu</b>: đang chờ" in page
    assert administrator.submit(f"{FLEET}/s1", do="erase").status_code == 404
    assert administrator.submit(f"{FLEET}/nowhere", do="identify").status_code == 404
    with stand.store.reading() as connection:
        (given,) = orders.listing(connection, now(), station="s1")
    assert (given.kind, given.by) == ("identify", "administrator")
    assert administrator.get(f"{FLEET}/s1/orders/{given.id}").status_code == 404  # it brought nothing


def test_check_ins_are_shown_without_who_it_was(stand):
    journal = Journal(keys.decode_key(stand.pinned["s1"]["sealing_key"]))
    journal.write()
    stand.hub.session(stand.pinned["s1"]["token"]).bring(journal.batch())
    visitor = stand.visitor()
    until(lambda: "••• đã khai báo" in visitor.get(f"{FLEET}/s1").text, "the check-in is shown")
    page = visitor.get(f"{FLEET}/s1").text
    assert "Ánh" not in page
    assert "046193990001" not in page


def events(answer: requests.Response):
    """The news of a stream."""
    for line in answer.iter_lines():
        if line.startswith(b"data: {"):
            yield json.loads(line.removeprefix(b"data: "))


def test_news_name_only_what_changed(stand):
    visitor = stand.visitor()
    with visitor.get("/officers/fleet-live", stream=True) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        news = events(answer)
        stop, said = threading.Event(), 0

        def speak() -> None:
            while not stop.wait(0.5):
                stand.say("s1", camera=CameraFigures(blind="dark"))

        speaking = threading.Thread(target=speak)
        speaking.start()
        try:
            for each in news:
                said += 1
                if "quá tối" in "".join(each.get("rows", ())):
                    break
        finally:
            stop.set()
            speaking.join()
        assert "s1" in each["names"]
        assert "s2" not in each["names"]
        assert said < SECONDS
    stand.say("s1")


def test_a_page_that_is_asked_for_after_the_news_shows_them(stand):
    visitor = stand.visitor()
    with visitor.get("/officers/fleet-live", stream=True) as answer:
        lines = answer.iter_lines()
        assert b"event: begun" in lines
        news = (json.loads(line[6:]) for line in lines if line.startswith(b"data: {"))
        for degrees in (41, 42, 43):
            time.sleep(live.TICK_SECONDS / 2)  # so that the page has been drawn shortly before the news are
            visitor.get(f"{FLEET}/s1")
            stand.say("s1", board=BoardFigures(temperature=float(degrees)))
            next(each for each in news if f"{degrees} °C" in "".join(each.get("rows", ())))
            assert f"{degrees} °C" in visitor.get(f"{FLEET}/s1").text
    stand.say("s1")


@pytest.mark.browser
def test_a_silent_station_comes_to_the_top_and_goes_when_it_is_heard_again(stand, browser):
    from playwright.sync_api import expect

    with browser.new_context(viewport={"width": 1920, "height": 1080}) as context:
        page = context.new_page()
        page.goto(f"{stand.url}/officers/sign-in")
        page.fill("[name=account]", "technician")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**" + FLEET)
        expect(page.locator("#line")).to_have_text("Đang cập nhật trực tiếp")
        first = page.locator("#stations tr").first
        expect(first).to_have_attribute("id", "s-s4", timeout=90_000)
        expect(first).to_contain_text("Mất tin từ")
        stand.say("s4")
        expect(first).not_to_have_attribute("id", "s-s4")
        expect(page.locator("#s-s4")).to_contain_text("Đang chạy")
        with page.expect_response(
            lambda answer: answer.url.endswith("/s1") and answer.request.resource_type == "fetch"
        ):
            page.goto(f"{stand.url}{FLEET}/s1")
        stand.say("s1", camera=CameraFigures(blind="dark"))
        expect(page.locator("#station .danger")).to_contain_text("quá tối")
        expect(page.locator("#alarms")).to_contain_text("Chuỗi ghi bị đứt")
        stand.say("s1")


@pytest.mark.browser
def test_on_a_phone_a_station_s_figures_open_by_keyboard_and_stay_open_when_its_line_is_drawn_anew(stand, browser):
    from playwright.sync_api import expect

    with browser.new_context(viewport={"width": 360, "height": 740}) as context:
        page = context.new_page()
        page.goto(f"{stand.url}/officers/sign-in")
        page.fill("[name=account]", "technician")
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url("**" + FLEET)
        expect(page.locator("#line")).to_have_text("Đang cập nhật trực tiếp")
        line = page.locator("#s-s1")
        worn = line.get_by_text("mòn 40 %")
        expect(line.get_by_text("phỏng đoán")).to_be_hidden()
        line.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(line.get_by_text("phỏng đoán")).to_be_visible()
        stand.say("s1", board=BoardFigures(disk_total=100, disk_free=50, disk_wear=0.4))
        expect(worn).to_be_visible()
        expect(line.locator("summary")).to_be_focused()
        page.keyboard.press("Enter")
        expect(worn).to_be_hidden()
    stand.say("s1")


def test_a_hub_that_ends_does_not_wait_for_who_looks_on(stand):
    visitor = stand.visitor()
    with visitor.get("/officers/fleet-live", stream=True) as answer:
        next(answer.iter_content(1))
        assert stand.hub.stop() == 0
        assert b"" not in list(answer.iter_content(None))
    stand.hub.start()
    stand.url = f"http://{stand.hub.ready['http']}"
