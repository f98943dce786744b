"""A hub, an invented fleet on its broker, and somebody who may look at the wall: all as real processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gates import BIN, PLACE, Centre, wait

from hub.stations import alarms
from hub.stations.alarms import Alarm

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hub"))  # hub_stand, which web_stand stands on
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "web"))

from inspector import SMALL, SMALLEST_TEXT, TOUCH

WHO, PASSWORD = "lan", "ba con vịt trời"
FLEET = "/officers/fleet"
DESK = {"width": 1920, "height": 1080}
PHONE = {"width": 360, "height": 740}

ALWAYS_OPEN = "hours = [" + ", ".join(["1"] * 24) + "]\nbusiest = 12\nstations_a_place = 1\n"
CROWDS = f"""
[boards]
health_seconds = 10
[people]
count = 400
[crowd.venue]
share = 0.8
{ALWAYS_OPEN}
[crowd.checkpoint]
share = 0.2
{ALWAYS_OPEN}
"""
FIVE = {
    "blind": "Camera bị che",
    "clock": "Đồng hồ nhanh 7 phút",
    "backlog": "lượt chờ gửi",
    "power": "Nguồn điện yếu",
    "disk": "Thẻ nhớ",
}
"""Five faults of different kinds and what the wall must say of each."""

FAULTS = """
[[fault]]
kind = "blind"
[[fault]]
kind = "clock"
[[fault]]
kind = "backlog"
at = "checkpoint"
crowd = 100
[[fault]]
kind = "power"
[[fault]]
kind = "disk"
"""

# How far down the page a station's fault is told, in pixels: in its line or else in an alarm, in whole words.
DEPTH = """([station, words, inLines]) => {
  const inView = (each) => each.checkVisibility({visibilityProperty: true}) && each.textContent.includes(words);
  const line = document.getElementById('s-' + station);
  const own = (each) => each.querySelector(`a[href$="/${station}"]`);
  const alarms = inLines ? [] : [...document.querySelectorAll('#alarms .alarm')].filter(own);
  const said = (each) => each.querySelector('.said > span') ?? each;
  const fits = (each) => each.scrollWidth <= each.clientWidth && each.scrollHeight <= each.clientHeight + 1;
  const whole = (each) => fits(said(each));
  const found = [line, ...alarms].filter((each) => each && inView(each) && whole(each));
  return Math.min(...found.map((each) => each.getBoundingClientRect().bottom + scrollY));
}"""


class Fleet:
    """``hub simulate`` beside a hub; ``faults`` gives the station of each kind of fault."""

    def __init__(self, centre: Centre, stations: int, pattern: str, *more: str) -> None:
        self._folder = centre.folder
        self._summary: dict[str, object] | None = None
        (self._folder / "pattern.toml").write_text(pattern)
        own = ["--stations", str(stations), "--crowd", "pattern.toml", "--hub", "ready.json", "--ready", "up.json"]
        with (self._folder / "simulate.log").open("wb") as log:
            where = ["--data", self._folder, *centre.configured()]
            command = [BIN / "hub", "simulate", *where, *own, *more, "--json"]
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=self._folder, text=True)
        up = self._folder / "up.json"
        try:
            wait(lambda: up.exists() or self._process.poll() is not None, 300)
            assert up.exists(), self.said
        except BaseException:
            self._process.kill()  # or it goes on without anybody
            raise
        self.faults = {each["kind"]: each["station"] for each in json.loads(up.read_bytes())["faults"]}

    @property
    def said(self) -> str:
        return (self._folder / "simulate.log").read_text()

    def stop(self) -> dict[str, object]:
        """Ends it; its summary."""
        if self._summary is None:
            self._process.terminate()
            said, _ = self._process.communicate(timeout=180)
            assert self._process.returncode == 0, self.said
            self._summary = json.loads(said.splitlines()[-1])
        return self._summary


@contextmanager
def hub_with_fleet(
    folder: Path, stations: int, pattern: str, *more: str, database: str = ""
) -> Iterator[tuple[Centre, Fleet]]:
    """A hub with one place of its own and an official, and so many invented stations."""
    centre = Centre(folder / "hub", database=database)
    centre.folder.mkdir(parents=True)
    area = {"edition": "63", "province": "46", "district": "474", "commune": "19777"}
    place = {"code": PLACE, "name": "Chợ Đông Ba", "kind": "venue", "area": area}
    (folder / "people.json").write_text(json.dumps({"places": [place]}))
    centre.run("import", str(folder / "people.json"))
    centre.publish()
    centre.run("account", "add", WHO, "--role", "administrator", "--own", typed=PASSWORD + "\n")
    try:
        centre.start()
        fleet = Fleet(centre, stations, pattern, *more)
        try:
            yield centre, fleet
        finally:
            fleet.stop()
    finally:
        centre.stop()


def standing(centre: Centre) -> list[Alarm]:
    """The alarms that stand."""
    store, _ = centre.opened()
    with store.reading() as connection:
        found = alarms.listed(connection)
    store.close()
    return found


@contextmanager
def looking_on(browser, centre: Centre, viewport: dict[str, int] = DESK, scheme: str = "light"):
    """The wall in a browser, signed in and live."""
    with browser.new_context(viewport=viewport, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{centre.http}/officers/sign-in")
        page.fill("[name=account]", WHO)
        page.fill("[name=password]", PASSWORD)
        page.press("[name=password]", "Enter")
        page.wait_for_url(lambda url: not url.endswith("/sign-in"))
        page.goto(f"http://127.0.0.1:{centre.http}{FLEET}")
        page.locator("#line").get_by_text("Đang cập nhật trực tiếp").wait_for(timeout=120_000)
        yield page


def told_within(page, faults: dict[str, str], pixels: int, *, in_lines: bool, seconds: float = 120) -> None:
    """Every fault is told in words within so many pixels from the top, at once; ``in_lines``: alarms do not count."""

    def depths() -> dict[str, float]:
        return {kind: page.evaluate(DEPTH, [faults[kind], words, in_lines]) for kind, words in FIVE.items()}

    _wait_here(page, lambda: all(depth is not None and depth <= pixels for depth in depths().values()), depths, seconds)


def _wait_here(page, holds: Callable[[], bool], said: Callable[[], object], seconds: float) -> None:
    for _ in range(int(seconds * 4)):
        if holds():
            return
        page.wait_for_timeout(250)
    raise AssertionError(said())


def too_small(page) -> Iterable[str]:
    """Text under 14 px, targets under 44, a page that scrolls sideways."""
    return page.evaluate(SMALL, [SMALLEST_TEXT, TOUCH])
