"""An official at work in a real browser: by keyboard alone, and with a phone's camera."""

import pytest
import segno
import sqlalchemy as sa
from chromium import chromium
from hub_stand import CITIZEN, HubProcess, furnish, now, on
from playwright.sync_api import expect

from hub.config import Settings
from hub.officials import accounts
from hub.officials.accounts import Account
from hub.officials.rights import Role
from hub.opening import open_store
from hub.storage.tables import visits

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PASSWORD = "ba con vịt trời"
MY_QR = "MYQR-ANH-0001"
WIDTH, HEIGHT, MODULE = 640, 480, 10


@pytest.fixture(scope="module")
def hub(tmp_path_factory, module_database):
    """A hub with an officer at a checkpoint and a guard at a market."""
    data = tmp_path_factory.mktemp("officials")
    furnish(data, "s1", database=module_database)
    store, _ = open_store(Settings(data=str(data), database=module_database))
    with store.writing() as connection:
        account = Account("lan", "Lê Thị Lan", Role.CHECKPOINT_OFFICER, place="chot")
        accounts.add(connection, account, accounts.Password(PASSWORD), now())
        accounts.add(
            connection, Account("bao-ve", "Bảo vệ", Role.VENUE_GUARD, place="cho"), accounts.Password(PASSWORD), now()
        )
    store.close()
    process = HubProcess(data, *on(data, module_database)).start()
    yield process
    process.kill()


def film(path, text):
    """A camera's film (YUV4MPEG2) that shows one QR code all the time."""
    luma = bytearray(b"\xeb" * (WIDTH * HEIGHT))
    matrix = [list(row) for row in segno.make_qr(text, error="m").matrix_iter(scale=MODULE, border=4)]
    left, top = (WIDTH - len(matrix[0])) // 2, (HEIGHT - len(matrix)) // 2
    for line, row in enumerate(matrix):
        start = (top + line) * WIDTH + left
        luma[start : start + len(row)] = bytes(0x10 if dark else 0xEB for dark in row)
    frame = b"FRAME\n" + bytes(luma) + b"\x80" * (WIDTH * HEIGHT // 2)
    path.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420\n".encode() + frame * 3)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium whose camera looks at a My QR."""
    held_up = tmp_path_factory.mktemp("film") / "my-qr.y4m"
    film(held_up, MY_QR)
    camera = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={held_up}",
    )
    with chromium() as launch:
        yield launch(*camera)


def enter(page, hub, name, lands):
    """Signs in by keyboard; the page on which this account lands is loaded."""
    page.goto(f"http://{hub.ready['http']}/officers/sign-in")
    expect(page.locator("#account")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"http://{hub.ready['http']}/officers/{lands}")


@pytest.fixture
def page(browser, hub):
    """The check page of somebody who signed in by keyboard, quiet on its console to the end."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    enter(page, hub, "lan", "check")
    yield page
    context.close()
    assert complaints == []


def test_an_official_finds_a_person_in_both_boxes_by_keyboard_only(page):
    expect(page.locator("#code-entry")).to_be_focused()
    page.keyboard.type(CITIZEN)
    page.keyboard.press("Enter")
    answer = page.locator("#answer")
    expect(answer).to_contain_text("N***** T** Ánh")
    expect(answer.locator("h3").first).to_have_text("Khai báo đến Thừa Thiên Huế")
    expect(page.locator("#code-entry")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#code-health")).to_be_focused()
    page.keyboard.type(MY_QR)  # as a scanner types
    page.keyboard.press("Enter")
    expect(answer.locator("h3").first).to_have_text("Khai báo y tế toàn dân")
    expect(answer).to_have_attribute("data-outcome", "warn")
    expect(page.locator("#code-health")).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_the_verdict_stays_in_sight_on_a_low_screen_while_the_next_code_is_awaited(browser, hub, scripts):
    with browser.new_context(viewport={"width": 1366, "height": 625}, java_script_enabled=scripts) as context:
        page = context.new_page()
        enter(page, hub, "lan", "check")
        expect(page.locator("#code-entry")).to_be_focused()
        page.keyboard.type(CITIZEN)
        page.keyboard.press("Enter")
        expect(page.locator("#answer")).to_contain_text("N***** T** Ánh")
        expect(page.locator("#code-entry")).to_be_focused()
        page.wait_for_timeout(500)
        expect(page.locator("#answer .verdict .word")).to_be_in_viewport(ratio=1)


def test_on_a_phone_the_answer_comes_into_view_and_not_the_keyboard(browser, hub):
    with browser.new_context(viewport={"width": 390, "height": 664}, has_touch=True, is_mobile=True) as context:
        page = context.new_page()
        enter(page, hub, "lan", "check")
        page.locator("#code-entry").fill(CITIZEN)
        page.locator("#code-entry").press("Enter")
        answer = page.locator("#answer")
        expect(answer).to_contain_text("N***** T** Ánh")
        page.wait_for_load_state()
        page.wait_for_timeout(500)
        expect(page.locator("#code-entry")).not_to_be_focused()
        expect(answer.locator(".verdict .word")).to_be_in_viewport(ratio=1)
        page.locator("#code-entry").tap()
        expect(page.locator("#code-entry")).to_be_focused()


def test_a_phone_s_camera_reads_my_qr_and_shows_the_three_groups(page):
    page.locator("#camera-open").click()
    answer = page.locator("#answer")
    expect(answer).to_contain_text("N***** T** Ánh")
    expect(answer.locator(".group")).to_have_count(3)
    expect(answer).to_contain_text("Tờ khai")


def test_the_guard_s_count_comes_anew_by_itself_and_leaves_the_focus_where_it_was(browser, hub):
    with browser.new_context(viewport={"width": 390, "height": 844}) as context:
        page = context.new_page()
        page.clock.install()
        enter(page, hub, "bao-ve", "check")
        page.goto(f"http://{hub.ready['http']}/officers/inside")
        count = page.locator(".count b")
        expect(count).to_have_text("0")
        page.locator("a[href='?still=true']").focus()
        store, _ = open_store(hub.settings)
        with store.writing() as connection:
            row = {"at": now(), "place": "cho", "direction": "in", "outcome": "pass", "went_in": 1}
            connection.execute(sa.insert(visits).values(identity=b"1" * 16, **row))
        store.close()
        for _ in range(120):  # the hub keeps what it counted for some seconds by its own clock
            page.clock.fast_forward(21_000)
            page.wait_for_timeout(250)
            if count.text_content() == "1":
                break
        expect(count).to_have_text("1")
        expect(page.locator("a[href='?still=true']")).to_be_focused()
