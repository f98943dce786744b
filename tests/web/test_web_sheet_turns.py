"""A sheet is kept while it is filled in: what is sent at the same moment, or arrives late, undoes nothing."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import requests
from filling import look_for
from playwright.sync_api import expect
from web_stand import SECONDS, phone, whole

from hub.register import areas

DA_NANG = "48"
THERE = areas.under("34", DA_NANG)[0].code


@pytest.fixture
def sheet(visitor):
    """A sheet that somebody has just begun; its address without the step."""
    visitor.prove(phone())
    return visitor.begin()


def test_what_a_page_keeps_undoes_nothing_that_was_sent_after_it(visitor, sheet):
    typed = whole("health")["who"]
    visitor.submit(f"{sheet}/who", do="next", turn=2_000, **typed)
    visitor.submit(f"{sheet}/who", do="keep", turn=1_000, **{**typed, "name": ""})
    assert f'value="{typed["name"]}"' in visitor.get(f"{sheet}/who").text
    visitor.submit(f"{sheet}/who", do="keep", turn=3_000, **{**typed, "name": "Trần Thị Sau"})
    assert 'value="Trần Thị Sau"' in visitor.get(f"{sheet}/who").text
    visitor.submit(f"{sheet}/who", do="next", turn=500, **typed)  # on a clock that was set back
    visitor.submit(f"{sheet}/who", do="keep", turn=600, **{**typed, "name": "Trần Thị Chót"})
    assert 'value="Trần Thị Chót"' in visitor.get(f"{sheet}/who").text


def test_two_steps_that_are_sent_at_the_same_moment_are_both_kept(visitor, sheet):
    sent = {"who": ("name", "Trần Thị Lượt"), "health": ("places_been", "Chợ lượt")}
    cookies = visitor.cookies.get_dict()

    def send(step: str, number: int) -> int:
        field, said = sent[step]
        data = {"_csrf_token": cookies["tq_csrf"], "do": "keep", field: f"{said} {number}"}
        address = f"{visitor.url}{sheet}/{step}"
        return requests.post(address, data=data, cookies=cookies, timeout=SECONDS, allow_redirects=False).status_code

    with ThreadPoolExecutor(2) as both:
        for number in range(20):
            assert [each.result() for each in [both.submit(send, step, number) for step in sent]] == [303, 303]
            for step, (_, said) in sent.items():
                assert f"{said} {number}" in visitor.get(f"{sheet}/{step}").text, step


@pytest.mark.browser
def test_a_page_numbers_what_it_keeps_and_what_it_sends_in_their_order(visitor, sheet, browser):
    with browser.new_context() as context:
        context.add_cookies([{"name": one.name, "value": one.value, "url": visitor.url} for one in visitor.cookies])
        page = context.new_page()
        page.goto(f"{visitor.url}{sheet}/who")
        with page.expect_request(lambda request: "do=keep" in (request.post_data or "")) as kept:
            page.locator("#name").fill("Trần Thị Thử")
            page.locator("#born").focus()
        with page.expect_request(lambda request: "do=next" in (request.post_data or "")) as sent:
            page.locator(".actions .action").click()
        expect(page.locator(".summary")).to_be_visible()
        expect(page.locator("#name")).to_have_value("Trần Thị Thử")
    before, after = (turn_of(each.value.post_data) for each in (kept, sent))
    assert 0 < before < after


@pytest.mark.browser
def test_a_name_looked_for_by_typing_opens_its_list_once_it_is_found(visitor, sheet, browser):
    with browser.new_context() as context:
        context.add_cookies([{"name": one.name, "value": one.value, "url": visitor.url} for one in visitor.cookies])
        page = context.new_page()
        page.clock.install()
        page.goto(f"{visitor.url}{sheet}/where")
        page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
        province, commune = page.locator("[name=address_province]"), page.locator("[name=address_commune]")
        province.focus()
        look_for(page, province, DA_NANG)
        expect(commune.locator(f"option[value='{THERE}']")).to_have_count(0)
        with page.expect_navigation():
            page.clock.run_for(5_000)
        expect(province).to_have_value(DA_NANG)
        expect(commune.locator(f"option[value='{THERE}']")).to_have_count(1)


def turn_of(body: str) -> int:
    return next(int(part.removeprefix("turn=")) for part in body.split("&") if part.startswith("turn="))
