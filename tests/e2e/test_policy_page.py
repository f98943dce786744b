"""A policy changed in the form, in a real browser: the next scan at a real station warns, and going back ends that."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from gates import number, wait
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.broker]

PASSWORD = "three plain words here"


@pytest.fixture
def page(launch, centre):
    """An administrator's browser, signed in, in English, at a phone's width."""
    centre.run("account", "add", "admin", "--own", "--role", "administrator", "--shown", "Admin", typed=PASSWORD)
    context = launch().new_context(viewport={"width": 360, "height": 780}, java_script_enabled=False)
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{centre.http}/officers/sign-in")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.fill("#account", "admin")
    page.fill("#password", PASSWORD)
    page.locator("main form button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Stations")
    page.goto(f"http://127.0.0.1:{centre.http}/officers/policy")
    expect(page.get_by_role("heading", level=1)).to_have_text("Policy")
    yield page
    context.close()


def test_a_policy_changed_in_the_form_turns_the_next_scan_into_a_warn(centre, open_gate, page):
    gate = open_gate("gate-1").start()
    gate.wait_for_policy()
    assert gate.show(number(0))["outcome"] == "pass"
    wait(lambda: len(centre.rows("gate-1")) == 1)

    page.get_by_role("link", name="Write on from this one").first.click()
    page.locator("#venue-age-health").fill("1 hour")
    page.get_by_role("button", name="Preview and try").last.click()
    sentences = page.locator(".sentences").first
    expect(sentences).to_contain_text("without a health declaration of the last 1 hours will be warned")
    expect(page.locator("main")).to_contain_text("1 scans since")
    expect(page.locator("table")).to_contain_text("venue")  # the trial knew what would come
    expect(page.locator("table tr").nth(1).locator("td").last).to_have_text("1")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("status")).to_contain_text("Published")
    expect(page.locator("article").first).to_contain_text("admin")

    gate.wait_for_policy(2)
    shown = gate.show(number(1))
    assert (shown["outcome"], shown["reasons"]) == ("warn", ["health-expired"])

    page.locator("article").nth(1).get_by_role("link", name="Read").click()
    page.get_by_role("button", name="Go back to this one").click()
    expect(page.locator("main")).to_contain_text("The content of number 1")
    page.get_by_role("button", name="Publish").click()
    gate.wait_for_policy(3)
    assert gate.show(number(2))["outcome"] == "pass"


def test_a_person_is_held_then_released_and_erased_and_only_counts_stay(centre, page):
    def ask(do: str) -> None:
        page.locator("#number").fill(number(3))
        page.get_by_role("button", name=do, exact=True).click()

    page.locator("summary").get_by_text("Menu").click()
    page.get_by_role("link", name="Keeping").click()
    page.locator("#reason").fill("court order 7")
    page.locator("#until").fill(f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%d}")
    ask("Hold")
    expect(page.get_by_role("status")).to_have_text("On hold.")
    page.locator("#sure").check()
    ask("Erase")
    expect(page.get_by_role("alert")).to_contain_text("court order 7")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("status")).to_have_text("Released.")
    page.locator("#sure").check()
    ask("Erase")
    expect(page.get_by_role("status")).to_have_text("Erased.")
    expect(page.locator("table")).to_contain_text("1 people")
    ask("Erase")
    expect(page.locator("#number-fault")).to_contain_text("Nobody is known")
    assert number(3) not in page.content()
    assert number(3).encode() not in (centre.folder / "hub.log").read_bytes()
