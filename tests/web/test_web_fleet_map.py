"""The map of the stations: where each stands, by shape and colour, whom it leads to, and what the address chooses."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from math import hypot

import pytest

from core.health import CameraFigures, Health
from core.model import Area
from hub.stations.trouble import View
from hub.web.fleet import ground
from hub.web.fleet.lines import Line, lines

NOON = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
CHO, GA, CHOT = (16.4725, 107.5885), (16.4566, 107.5786), (16.2, 107.25)
WHERE = {"cho": CHO, "ga": GA, "chot": CHOT}
MAP = "/officers/fleet-map"


def fleet(*stations: tuple[str, str, str]) -> tuple[Line, ...]:
    """Lines of stations by name, place and why their camera is blind."""
    views = [
        View(
            station=name,
            place=place,
            district=f"63/{place}",
            district_name=f"Huyện {place}",
            heard=NOON,
            health=Health(station=name, session="one", number=1, at=NOON, up=1.0, camera=CameraFigures(blind=blind)),
        )
        for name, place, blind in stations
    ]
    return lines(views, (), {}, NOON)


def test_north_is_up_east_is_right_and_distances_are_true():
    drawn = ground.drawn(fleet(("a", "cho", ""), ("b", "ga", ""), ("c", "chot", "")), WHERE)
    marks = {mark.line.name: mark for mark in drawn.marks}
    assert marks["a"].y < marks["b"].y < marks["c"].y
    assert marks["c"].x < marks["b"].x < marks["a"].x
    kilometres, wide = drawn.scale
    across = (marks["a"].x - marks["c"].x) * ground.WIDTH / 100
    down = (marks["c"].y - marks["a"].y) * ground.HEIGHT / 100
    assert hypot(across, down) / (wide * ground.WIDTH / 100) * kilometres == pytest.approx(47.1, rel=0.01)
    assert all(0 < mark.x < 100 and 0 < mark.y < 100 for mark in drawn.marks)


def test_the_gravest_lies_on_top_has_the_first_number_and_those_in_order_at_one_point_share_a_mark():
    well = [(f"w{number}", "cho", "") for number in range(5)]
    drawn = ground.drawn(fleet(*well, ("a", "ga", "covered"), ("b", "ga", "dark"), ("c", "chot", "")), WHERE)
    assert [len(mark.lines) for mark in drawn.marks if mark.line.name.startswith("w")] == [5]
    assert [mark.line.name for mark in drawn.marks][-1] == "a"
    assert [(number, line.name) for number, line in drawn.troubled] == [(1, "a"), (2, "b")]
    assert {mark.number for mark in drawn.marks} == {0, 1, 2}


def test_marks_at_one_point_do_not_hide_each_other():
    drawn = ground.drawn(fleet(*((f"s{number}", "cho", "covered") for number in range(12))), WHERE)
    spots = [(mark.right, mark.down) for mark in drawn.marks]
    apart = min(hypot(a - c, b - d) for n, (a, b) in enumerate(spots) for c, d in spots[:n])
    assert len({(mark.x, mark.y) for mark in drawn.marks}) == 1
    assert apart > 20


def test_a_place_without_coordinates_is_in_the_middle_of_its_commune_and_one_without_that_is_counted():
    assert ground.stands(*CHO, Area("63", "46")) == CHO
    assert ground.stands(None, None, Area("63", "46", "474", "19777")) == (16.48, 107.61)
    assert ground.stands(None, None, Area("63", "46")) is None
    drawn = ground.drawn(fleet(("a", "cho", ""), ("b", "nowhere", "")), WHERE)
    assert (len(drawn.marks), drawn.unknown) == (1, 1)
    assert ground.drawn((), WHERE).marks == ()


def test_names_of_districts_never_stand_upon_each_other():
    close = {f"p{number}": (16.4 + number / 400, 107.5) for number in range(40)} | {"far": (16.2, 107.2)}
    drawn = ground.drawn(fleet(*((f"s{number}", code, "") for number, code in enumerate(close))), close)
    for number, label in enumerate(drawn.labels):
        for other in drawn.labels[:number]:
            assert abs(label.x - other.x) >= ground.MINOR[0] or abs(label.y - other.y) >= ground.MINOR[1]
    assert {label.minor for label in drawn.labels} == {True, False}


def test_stations_stand_on_the_map_by_shape_and_colour_and_lead_to_their_pages(technician):
    page = technician.get(MAP).text
    (mark,) = re.findall(r'<a id="m-s1" class="mark red" href="([^"]+)" aria-label="([^"]+)"', page)
    assert mark[0] == "/officers/fleet/s1"
    assert mark[1].startswith("s1: Camera bị che")
    assert technician.get(mark[0]).status_code == 200
    assert "M8 8l20 20M28 8 8 28" in page.partition('id="m-s1"')[2].partition("</a>")[0], "a cross, not colour alone"
    assert " style=" not in page


def test_what_is_chosen_stands_in_the_address_and_goes_along_to_the_list(technician):
    page = technician.get(f"{MAP}?trouble=1&kind=venue").text
    marks = re.findall(r'<a id="m-[^"]+" class="mark ([a-z]+)', page)
    assert marks
    assert set(marks) <= {"red", "amber"}
    assert "/officers/fleet?kind=venue&amp;trouble=1" in page
    assert 'id="m-' not in technician.get(f"{MAP}?place=nowhere").text
    assert f"{MAP}?kind=venue" in technician.get("/officers/fleet?kind=venue&group=district").text


@pytest.mark.browser
def test_marks_are_reached_by_keyboard_and_are_large_enough_for_a_finger(town, technician, browser):
    from playwright.sync_api import expect

    with browser.new_context(viewport={"width": 360, "height": 740}) as context:
        cookies = [{"name": each.name, "value": each.value, "url": town.url} for each in technician.cookies]
        context.add_cookies(cookies)
        page = context.new_page()
        page.goto(town.url + MAP)
        page.locator("#line").get_by_text("Đang cập nhật trực tiếp").wait_for()
        page.locator("#m-s1").focus()
        expect(page.locator("#m-s1")).to_be_focused()
        box = page.locator("#m-s1").bounding_box()
        assert min(box["width"], box["height"]) >= 44
        page.keyboard.press("Enter")
        page.wait_for_url("**/officers/fleet/s1")
