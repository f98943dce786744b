"""The wall over an invented fleet on a real broker, in a real browser: whatever is wrong is seen at once."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta

import pytest
from gates import DEVICES, PLACE, wait
from insides import Inside
from walls import CROWDS, DESK, FAULTS, FLEET, PHONE, hub_with_fleet, looking_on, standing, told_within, too_small

pytestmark = [pytest.mark.broker, pytest.mark.browser]

SILENCE = """
[[fault]]
kind = "silent"
after = "5s"
lasts = "110s"
"""
WITHIN = timedelta(seconds=90)
LARGE = int(os.environ.get("STATIONS", "0"))
"""A fleet of this size, too: `make wall STATIONS=2000`."""


@pytest.fixture(scope="module")
def town(tmp_path_factory, module_database):
    """A hub on either database, with twenty invented stations, six of them with a fault."""
    pattern = CROWDS + FAULTS + SILENCE
    folder = tmp_path_factory.mktemp("town")
    with hub_with_fleet(folder, 20, pattern, "--speed", "10", database=module_database) as town:
        yield town


@pytest.fixture(scope="module")
def browser(launch):
    return launch()


def first_screens(browser, centre, fleet) -> None:
    with looking_on(browser, centre) as page:
        told_within(page, fleet.faults, DESK["height"], in_lines=True)
        assert too_small(page) == []
        page.screenshot(path=centre.folder / "desk.png")
    with looking_on(browser, centre, PHONE, "dark") as page:
        told_within(page, fleet.faults, 2 * PHONE["height"], in_lines=False)
        assert too_small(page) == []
        page.screenshot(
            path=centre.folder / "phone.png", clip={"x": 0, "y": 0, "width": 360, "height": 1480}, full_page=True
        )


def test_a_station_that_falls_silent_is_an_alarm_within_90_seconds_and_none_when_it_is_back(browser, town):
    # first of all tests, and the browser before the fleet: its silence begins with that and does not last
    centre, fleet = town
    name = fleet.faults["silent"]
    with looking_on(browser, centre) as page:
        alarm = page.locator("#alarms .alarm", has=page.locator(f'a[href$="/{name}"]')).filter(has_text="Mất tin")
        alarm.wait_for(timeout=200_000)
        (told,) = [each for each in standing(centre) if (each.kind, each.station) == ("silent", name)]
        assert told.last - told.first <= WITHIN  # raised, and last heard, by the hub's own clock
        page.locator(f"#s-{name}").get_by_text("Đang chạy").wait_for(timeout=200_000)
        alarm.wait_for(state="detached", timeout=200_000)
        (told,) = [each for each in standing(centre) if (each.kind, each.station) == ("silent", name)]
        assert told.cleared is not None


def test_twenty_stations_five_faults_are_in_the_first_screen_and_on_a_phone_within_one_scroll(town, browser):
    first_screens(browser, *town)


def test_a_backlog_that_grows_is_named_with_how_much_waits(town, browser):
    centre, fleet = town
    with looking_on(browser, centre) as page:
        line = page.locator(f"#s-{fleet.faults['backlog']}")
        line.get_by_text("lượt chờ gửi").wait_for(timeout=180_000)

        def waiting() -> int:
            return int(line.locator("td.more").first.inner_text().split()[0])

        seen = [waiting()]
        for _ in range(480):
            seen.append(waiting())
            if seen[-1] > min((each for each in seen if each >= 20), default=seen[-1]):
                break
            page.wait_for_timeout(250)
        else:
            raise AssertionError(f"it does not grow: {seen}")


def test_identify_on_the_page_makes_the_simulated_panel_flash_and_beep(town, browser, tmp_path):
    centre, _ = town
    sheet = json.loads(centre.run("station", "add", "gate-1", "--place", PLACE, "--json"))["hub"]
    config = tmp_path / "gate-1.toml"
    config.write_text(
        f'[station]\nname = "gate-1"\nplace = "{PLACE}"\ndata = "{tmp_path / "gate-1"}"\n'
        f'[hub]\nurl = "http://127.0.0.1:{centre.http}"\nlookups = "mqtt"\ncheckins = "mqtt"\n'
        f'token = "{sheet["token"]}"\nsealing_key = "{sheet["sealing_key"]}"\npolicy_key = "{sheet["policy_key"]}"\n'
        f'[mqtt]\nhost = "127.0.0.1"\nport = {centre.mqtt}\n{DEVICES}'
    )
    config.chmod(0o600)
    gate = Inside(config)
    try:
        with looking_on(browser, centre) as page:
            page.goto(f"http://127.0.0.1:{centre.http}{FLEET}/gate-1")
            page.click("#do-identify")
            wait(lambda: gate.station.panel.face.colour == "blue" and gate.station.panel.face.tune != ())
            page.locator("#orders").get_by_text("xong").wait_for(timeout=180_000)
    finally:
        gate.close()


def test_identify_reaches_an_invented_station_too(town):
    centre, fleet = town
    centre.run("order", fleet.faults["power"], "identify", "--for", "5s", "--wait", "150s", "--json")
    wait(lambda: f"{fleet.faults['power']}: an order succeeded" in fleet.said)


@pytest.mark.parametrize("stations", [200, *([LARGE] if LARGE else [])])
def test_many_stations_five_faults_are_in_the_first_screen_and_on_a_phone_within_one_scroll(
    stations, browser, tmp_path
):
    begun = time.monotonic()
    with hub_with_fleet(tmp_path, stations, CROWDS + FAULTS, "--speed", "10") as (centre, fleet):
        up = time.monotonic()
        first_screens(browser, centre, fleet)
        print(f"{stations} stations: up after {up - begun:.0f} s, seen {time.monotonic() - up:.0f} s later")
        summary = fleet.stop()
        assert summary["connects"] == stations
        print(f"{summary['memory']} MiB, {summary['processor']} s of processor time in {summary['seconds']} s")
