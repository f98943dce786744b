"""A running demo and a real browser, shared by the tests of a module."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from demos import Demo
from gates import DEVICES, PLACE, Centre, Gate, number
from lacking import lacking

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture
def make_demo(tmp_path: Path) -> Iterator[Callable[..., Demo]]:
    """Demos of a test's own; they end with it."""
    made: list[Demo] = []

    def make(*words: str) -> Demo:
        demo = Demo(tmp_path / f"demo-{len(made)}", words)
        made.append(demo)
        return demo

    yield make
    for demo in made:
        demo.clear()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """One demo that is up."""
    demo = Demo(tmp_path_factory.mktemp("shared") / "demo")
    demo.start()
    try:
        demo.await_url()
        yield demo
    finally:
        demo.clear()


@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[..., object]]:
    """Start Debian's Chromium, headless, with more switches if a test needs them."""
    if CHROMIUM is None:
        lacking("chromium is not installed; provisioning/setup.sh dev installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browsers = []

        def start(*more: str):
            browsers.append(playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *more]))
            return browsers[-1]

        yield start
        for browser in browsers:
            browser.close()


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    centre = Centre(tmp_path / "hub")
    centre.folder.mkdir()
    area = {"edition": "63", "province": "46", "district": "474", "commune": "19777"}
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    people = [
        {
            "ref": f"p{person}",
            "name": f"Nguyễn Thử {person}",
            "identities": [{"scheme": "citizen", "value": number(person)}],
            "declarations": [{"kind": "health", "at": yesterday}],
        }
        for person in range(60)
    ]
    places = [{"code": code, "name": code, "kind": "venue", "area": area} for code in (PLACE, "ga-hue")]
    (tmp_path / "people.json").write_text(json.dumps({"places": places, "people": people}))
    centre.run("import", str(tmp_path / "people.json"))
    centre.publish()
    try:
        centre.start()
        yield centre
    finally:
        centre.stop()


@pytest.fixture
def open_gate(centre: Centre, tmp_path: Path) -> Iterator[Callable[..., Gate]]:
    gates: list[Gate] = []

    def open_one(name: str, transport: str = "mqtt", *, place: str = PLACE, folder: str = "", token: str = "") -> Gate:
        url = f"http://127.0.0.1:{centre.http}"
        sheet = json.loads(centre.run("station", "add", name, "--place", place, "--url", url, "--json"))
        hub = sheet["hub"] | ({"token": token} if token else {})
        data = tmp_path / (folder or name)
        config = tmp_path / f"{folder or name}.toml"
        config.write_text(
            f'[station]\nname = "{name}"\nplace = "{place}"\ndata = "{data}"\n'
            f'[hub]\nurl = "{url}"\nlookups = "{transport}"\ncheckins = "{transport}"\ntoken = "{hub["token"]}"\n'
            f'deadline_ms = 5000\nsealing_key = "{hub["sealing_key"]}"\npolicy_key = "{hub["policy_key"]}"\n'
            f'[mqtt]\nhost = "127.0.0.1"\nport = {centre.mqtt}\n{DEVICES}'
        )
        config.chmod(0o600)
        gate = Gate(config)
        gates.append(gate)
        return gate

    yield open_one
    for gate in gates:
        gate.stop()
