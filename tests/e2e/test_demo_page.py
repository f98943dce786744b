"""The front panel in a real browser: what a person holds up, types or scans comes to a verdict that can be read."""

import io
import re
from urllib.request import urlopen

import pytest
from PIL import Image
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.broker]

# Notes on the page's body what the display read and showed, and how the lamp was lit: neither stands for long.
NOTE = """() => {
  const body = document.body, display = document.getElementById('display'), lamp = document.getElementById('lamp');
  const lit = () => display.getContext('2d').getImageData(0, 0, 128, 64).data
    .filter((value, at) => at % 4 === 0 && value > 128).length;
  const onChange = (one, name, note) =>
    new MutationObserver(note).observe(one, {attributes: true, attributeFilter: [name]});
  body.dataset.shown = body.dataset.lamps = '';
  onChange(display, 'aria-label', () => { body.dataset.shown += `${display.ariaLabel} (${lit()})|`; });
  onChange(lamp, 'data-colour', () => { body.dataset.lamps += `${lamp.dataset.colour} ${lamp.dataset.blink}|`; });
}"""


@pytest.fixture(scope="module")
def browser(launch):
    return launch()


@pytest.fixture
def page(browser, demo):
    """The page of the running demo, quiet on its console to the end."""
    context = browser.new_context(viewport={"width": 1360, "height": 900})
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if is_complaint(said) else None)
    page.goto(demo.url)
    expect(page.locator("#line")).to_have_attribute("data-state", "live")
    page.evaluate(NOTE)
    yield page
    context.close()
    assert complaints == []


def is_complaint(said) -> bool:
    """Whether a line on the console is an error; that the station refused something is told on the page as well."""
    return said.type == "error" and "status of 422" not in said.text


def hold_up(page, card: str):
    """Click a card of the tray and return the verdict's place once there is a new one."""
    before = int(page.locator("#verdict").get_attribute("data-count") or 0)
    page.locator(f"[data-name={card}]").click()
    verdict = page.locator("#verdict")
    expect(verdict).to_have_attribute("data-count", str(before + 1))
    return verdict


def look_up(page, number: str) -> None:
    """Type a number and wait for its verdict."""
    before = int(page.locator("#verdict").get_attribute("data-count") or 0)
    page.get_by_role("tab", name="Gõ số").click()
    page.locator("#number").fill(number)
    page.keyboard.press("Enter")
    expect(page.locator("#verdict")).to_have_attribute("data-count", str(before + 1))


def has_read(page, words: str) -> int:
    """Waits until the display has read so since the page was opened; how many of its pixels were lit then."""
    found = re.compile(re.escape(words) + r"[^|]*\((\d+)\)\|")
    expect(page.locator("body")).to_have_attribute("data-shown", found)
    return int(found.search(page.locator("body").get_attribute("data-shown")).group(1))


def has_lit(page, lamp: str) -> None:
    """Waits until the lamp has been lit so since the page was opened."""
    expect(page.locator("body")).to_have_attribute("data-lamps", re.compile(re.escape(lamp)))


def test_a_card_held_up_is_read_and_its_verdict_shown_by_display_lamp_and_words(page):
    verdict = hold_up(page, "pass-cccd")
    expect(verdict).to_have_attribute("data-outcome", "pass")
    expect(verdict).to_contain_text("MỜI VÀO")
    expect(verdict).to_contain_text("COME IN")
    assert has_read(page, "MỜI VÀO") > 300
    has_lit(page, "green")
    expect(page.locator("#mute")).to_have_attribute("data-played", "1")
    row = page.locator("#rows tr[data-type=checkin]").first
    expect(row).to_have_attribute("data-outcome", "pass")
    expect(row).to_contain_text("Máy ảnh")


def test_a_warning_is_decided_by_the_guard_and_both_are_recorded(page):
    verdict = hold_up(page, "symptoms")
    expect(verdict).to_have_attribute("data-reasons", "symptoms")
    has_lit(page, "amber 0.5/0.5")
    page.get_by_role("button", name="Cho vào").click()
    expect(page.locator("#rows tr[data-type=decision]").first).to_contain_text("Đã cho vào")
    has_read(page, "CHO QUA")


def test_a_wrong_code_says_what_it_is_and_writes_no_row(page):
    newest, one_before = (page.locator("#rows tr[data-type=checkin]").nth(back) for back in (0, 1))
    look_up(page, "046 099 999 901")
    expect(newest).to_contain_text("Gõ số")
    before = newest.get_attribute("data-seq")
    page.get_by_role("tab", name="Khay").click()
    verdict = hold_up(page, "wrong-payment")
    expect(verdict).to_have_attribute("data-outcome", "wrong-code")
    expect(verdict).to_contain_text("Đây là mã thanh toán")
    look_up(page, "046 099 999 902")
    expect(newest).not_to_have_attribute("data-seq", before)
    expect(one_before).to_have_attribute("data-seq", before)


def test_a_card_that_takes_more_than_holding_it_up_says_so_and_does_it_itself(page):
    again = page.locator("[data-name=repeat]")
    expect(again).to_contain_text("Tự giơ hai lần")
    again.click()
    expect(page.locator("#verdict")).to_have_attribute("data-outcome", "repeat")
    expect(page.locator("#tray-note")).to_be_hidden()
    fault = hold_up(page, "fault")
    expect(fault).to_have_attribute("data-reasons", "journal-full")
    room = page.locator("#room")
    expect(room).to_have_attribute("aria-checked", "false")
    expect(page.locator("#tray-note")).to_be_visible()
    room.click()
    expect(room).to_have_attribute("aria-checked", "true")
    expect(hold_up(page, "wrong-wifi")).to_have_attribute("data-outcome", "wrong-code")


def test_a_typed_number_is_looked_up(page):
    look_up(page, "046 099 999 999")
    expect(page.locator("#verdict")).to_have_attribute("data-reasons", "not-found")
    expect(page.locator("#verdict-meta")).to_contain_text("Gõ số")


def test_a_usb_scanners_keystrokes_are_decoded_and_escape_leaves_the_field(page):
    page.get_by_role("tab", name="Máy quét").click()
    page.locator("#capture").focus()
    page.keyboard.type("C1234567")
    page.keyboard.press("Enter")
    expect(page.locator("#verdict-meta")).to_contain_text("Số hộ chiếu · Máy quét USB")
    page.keyboard.press("Escape")
    expect(page.locator("#capture")).not_to_be_focused()


def test_a_chosen_picture_is_held_up_and_one_that_is_none_is_refused_in_words(page, demo):
    page.get_by_role("tab", name="Ảnh").click()
    page.locator("#file").set_input_files({"name": "no.png", "mimeType": "image/png", "buffer": b"this is no picture"})
    expect(page.locator("#picture-said")).to_contain_text("Không đọc được ảnh này")
    card = urlopen(f"{demo.url}tray/wrong-contact.png", timeout=120).read()
    page.locator("#file").set_input_files({"name": "contact.png", "mimeType": "image/png", "buffer": card})
    expect(page.locator("#verdict")).to_have_attribute("data-reasons", "is-contact")


def test_everything_can_be_done_from_the_keyboard(page):
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.locator("#tab-tray").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#tab-webcam")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    page.locator("[data-name=no-health]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#verdict")).to_have_attribute("data-reasons", "no-health")


def test_with_the_network_cut_signed_codes_pass_strangers_are_recorded_unverified_and_all_heals(page):
    switch = page.locator("#network")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    try:
        signed = hold_up(page, "pass-tq1-health")
        expect(signed).to_have_attribute("data-outcome", "pass")
        expect(signed).to_have_attribute("data-reasons", "held-answer")
        stranger = hold_up(page, "no-entry")
        expect(stranger).to_have_attribute("data-outcome", "unverified")
        expect(stranger).to_contain_text("Lỗi kết nối máy chủ")
        expect(page.locator("#backlog")).not_to_have_text("0")
    finally:
        switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(page.locator("#backlog")).to_have_text("0", timeout=120_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1360])
def test_it_fits_its_window_with_text_and_targets_large_enough(browser, demo, width: int, scheme: str):
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page = context.new_page()
    page.goto(demo.url)
    expect(page.locator("#line")).to_have_attribute("data-state", "live")
    expect(page.locator("[data-name=fault]")).to_be_visible()  # the tray is there
    assert page.evaluate("document.documentElement.scrollWidth") == width
    small = page.evaluate(
        "() => [...document.querySelectorAll('button, input:not([type=file]), .drop, .capture')]"
        ".filter((one) => one.checkVisibility()).map((one) => [one.id || one.className, one.getBoundingClientRect()])"
        ".filter(([, box]) => box.height < 44 || box.width < 44).map(([name]) => name)"
    )
    assert small == []
    tiny = page.evaluate(
        "() => [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility()"
        " && [...one.childNodes].some((child) => child.nodeType === 3 && child.data.trim())"
        " && parseFloat(getComputedStyle(one).fontSize) < 14).map((one) => one.outerHTML.slice(0, 80))"
    )
    assert tiny == []
    context.close()


def test_a_clip_before_the_webcam_is_read(launch, demo, tmp_path):
    clip = tmp_path / "clip.mjpeg"
    clip.write_bytes(b"".join(film(urlopen(f"{demo.url}tray/pass-national.png", timeout=120).read())))
    browser = launch(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={clip}",
    )
    page = browser.new_page()
    page.goto(demo.url)
    page.get_by_role("tab", name="Webcam").click()
    page.locator("#webcam-switch").click()
    verdict = page.locator("#verdict")
    expect(verdict).to_have_attribute("data-outcome", re.compile("pass|repeat"), timeout=120_000)
    expect(page.locator("#verdict-meta")).to_contain_text("QR cá nhân quốc gia · Máy ảnh")
    page.locator("#webcam-switch").click()
    expect(page.locator("#webcam")).to_be_hidden()


def film(card: bytes) -> list[bytes]:
    """A clip of a hand that brings a code before the camera, as one JPEG a frame."""
    code = Image.open(io.BytesIO(card)).convert("L").resize((300, 300))
    frames = []
    for step in range(30):
        wall = Image.new("L", (640, 480), 150)
        wall.paste(code, (170, max(90, 480 - step * 40)))
        file = io.BytesIO()
        wall.convert("RGB").save(file, "JPEG", quality=85)
        frames.append(file.getvalue())
    return frames
