"""A running demo and a real browser, shared by the tests of a module."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hub"))  # databases
sys.path.insert(0, str(Path(__file__).parent))

from chromium import chromium
from databases import module_database, postgres  # noqa: F401  # fixtures
from demos import Demo
from gates import PLACE, Centre, Gate, enrol, furnish


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
    with chromium() as start:
        yield start


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Gives the URL of another database with nothing at all in it; empty: the hub's own file."""
    if request.param == "sqlite":
        yield str
        return
    server, made = request.getfixturevalue("postgres"), list[str]()

    def make() -> str:
        made.append(server.make())
        return made[-1]

    yield make
    for url in made:
        server.drop(url)


@pytest.fixture
def centre(tmp_path: Path, empty_database: Callable[[], str]) -> Iterator[Centre]:
    """A running hub on either database, with people and a policy."""
    centre = Centre(tmp_path / "hub", database=empty_database())
    centre.folder.mkdir()
    furnish(centre)
    try:
        centre.start()
        yield centre
    finally:
        centre.stop()


@pytest.fixture
def open_gate(centre: Centre, tmp_path: Path) -> Iterator[Callable[..., Gate]]:
    gates: list[Gate] = []

    def open_one(name: str, transport: str = "mqtt", *, place: str = PLACE, folder: str = "", token: str = "") -> Gate:
        gate = enrol(centre, tmp_path / (folder or name), name, transport, place=place, token=token)
        gates.append(gate)
        return gate

    yield open_one
    for gate in gates:
        gate.stop()
