"""The wall by keyboard, by groups, and in a room without one: what the address says and what the keys do."""

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize(
    ("by", "first", "rows"),
    [("district", "Quận Phú Xuân", 2), ("place", "Chợ Đông Ba", 2), ("kind", "địa điểm", 1)],
)
def test_stations_are_summed_by_what_they_share_the_worst_group_first(technician, by, first, rows):
    page = technician.get(f"/officers/fleet?group={by}").text
    table = page.partition('id="shared"')[2].partition("</table>")[0]
    assert table.count('<th scope="row">') == rows
    assert first in table.partition("</tr>")[2].partition("</tr>")[0]
    assert "412" in table
    assert ">s1</a>: Camera bị che" in table


def test_a_group_that_there_is_not_is_none(technician):
    assert 'id="shared"' not in technician.get("/officers/fleet?group=name").text


@pytest.mark.browser
def test_keys_walk_the_stations_open_the_filter_and_show_what_they_do(town, technician, browser):
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        cookies = [{"name": each.name, "value": each.value, "url": town.url} for each in technician.cookies]
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(f"{town.url}/officers/fleet")
        expect(page.locator("#line")).to_have_text("Đang cập nhật trực tiếp")
        first, second = page.locator("#stations tr th a").nth(0), page.locator("#stations tr th a").nth(1)
        expect(first).to_have_text("s1")
        page.keyboard.press("j")
        expect(first).to_be_focused()
        page.keyboard.press("j")
        expect(second).to_be_focused()
        page.keyboard.press("k")
        expect(first).to_be_focused()
        page.keyboard.press("/")
        expect(page.locator("#district")).to_be_focused()
        page.keyboard.press("j")  # somebody types in a field: no key of ours
        expect(page.locator("#district")).to_be_focused()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#keys")).to_be_hidden()
        page.keyboard.press("b")
        page.wait_for_url("**kiosk=1**")
        page.keyboard.press("b")
        page.wait_for_url(lambda url: "kiosk" not in url)
