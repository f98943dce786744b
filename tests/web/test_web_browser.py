"""A citizen in a real browser: declares, gets a QR that a real station reads and lets in; all of it by keyboard."""

import json
import subprocess
import sys

import pytest
from filling import fill
from hub_stand import ROOT
from keys_alone import enter, reach, type_in
from playwright.sync_api import expect
from web_stand import phone, whole

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 900}
FIVE_CM = 189  # pixels of CSS, 96 an inch


def station(*words: object, said: str = "") -> subprocess.CompletedProcess[str]:
    """One command of a real station."""
    arguments = [sys.executable, "-m", "station", *map(str, words)]
    return subprocess.run(arguments, cwd=ROOT, input=said, capture_output=True, text=True, timeout=180, check=False)


def prove(page, site, messages, number: str) -> None:
    page.goto(f"{site.url}/phone")
    page.fill("#phone", number)
    page.press("#phone", "Enter")
    page.wait_for_url("**/code")
    page.fill("#code", messages.code(number))
    page.press("#code", "Enter")
    page.wait_for_url("**/mine")


def declare(page, site, kind: str, *, scripts: bool) -> None:
    """The whole way from the front page to the QR."""
    page.goto(f"{site.url}/declare/{kind}")
    page.click("form.card button.action")
    for step, fields in whole(kind).items():
        page.wait_for_url(f"**/{step}")
        fill(page, fields, scripts=scripts)
        page.click(".actions .action")
    page.wait_for_url("**/shown/*")


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_the_qr_on_the_page_is_read_by_the_station_and_passes_at_its_gate(
    browser, site, messages, gate, tmp_path, scripts
):
    context = browser.new_context(viewport=PHONE, java_script_enabled=scripts, device_scale_factor=2)
    page = context.new_page()
    prove(page, site, messages, phone())
    declare(page, site, "health", scripts=scripts)
    picture = tmp_path / "screen.png"
    page.screenshot(path=picture)
    page.emulate_media(media="print")
    printed = page.locator(".qr").bounding_box()
    assert (round(printed["width"]), round(printed["height"])) == (FIVE_CM, FIVE_CM)
    context.close()
    codes = json.loads(station("decode", "--json", picture).stdout)["codes"]
    assert [code["text"][:4] for code in codes] == ["TQ1:"]
    shown = gate.show(codes[0]["text"])
    assert (shown["code_kind"], shown["outcome"], shown["origin"]) == ("declaration", "pass", "hub")


@pytest.mark.parametrize("kind", ["health", "entry"])
def test_the_whole_way_to_the_qr_is_gone_by_keyboard_alone(browser, site, messages, kind):
    page = browser.new_page(viewport=DESK)
    prove(page, site, messages, phone())
    page.goto(f"{site.url}/declare/{kind}")
    enter(page, "form.card button.action")
    for step, fields in whole(kind).items():
        page.wait_for_url(f"**/{step}")
        for name, value in fields.items():
            type_in(page, name, value)
        enter(page, ".actions .action")
    page.wait_for_url("**/shown/*")
    expect(page.locator(".qr svg")).to_have_count(1)
    page.close()


def test_what_is_wrong_is_come_to_by_keyboard_with_what_was_typed_still_there(browser, site, messages):
    page = browser.new_page(viewport=DESK)
    prove(page, site, messages, phone())
    page.goto(f"{site.url}/declare/health")
    enter(page, "form.card button.action")
    page.wait_for_url("**/who")
    reach(page, "#name")
    page.keyboard.type("Trần Thị Phím")
    page.keyboard.press("Enter")
    expect(page.locator(".summary")).to_be_visible()
    expect(page.locator("#name")).to_have_value("Trần Thị Phím")
    page.close()
