"""A running hub with pages on either database, its text messages, and a real browser; one hub for a module's tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hub"))  # hub_stand
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))  # gates
sys.path.insert(0, str(Path(__file__).parent))

from chromium import chromium
from databases import module_database, postgres  # noqa: F401  # fixtures
from gates import Gate
from town import PASSWORD, furnish_town, speak
from web_stand import Messages, Visitor, serve_pages, station_config


@pytest.fixture(scope="module")
def messages():
    """A provider's gateway that keeps every message it was given."""
    with Messages() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def site(tmp_path_factory, messages, module_database):  # noqa: F811  # the fixture
    """A hub with pages, people, places and one station named s1; ``site.url`` is where it answers."""
    hub = serve_pages(tmp_path_factory.mktemp("site"), messages, database=module_database)
    yield hub
    assert hub.stop() == 0


@pytest.fixture(scope="module")
def town(tmp_path_factory, messages, module_database):  # noqa: F811  # the fixture
    """The same with a town on it: officials of every role, a morning's scans."""
    hub = serve_pages(tmp_path_factory.mktemp("town"), messages, furnish_town, database=module_database)
    yield hub
    assert hub.stop() == 0


@pytest.fixture
def visitor(site, messages):
    """Somebody without JavaScript who has not been here yet."""
    with Visitor(site.url, messages) as somebody:
        yield somebody


@pytest.fixture
def technician(town):
    """Somebody without JavaScript who looks after the town's stations, signed in; one of these was heard just now."""
    speak(town)
    with Visitor(town.url, None) as visitor:
        visitor.submit("/officers/sign-in", account="ky-thuat", password=PASSWORD)
        yield visitor


@pytest.fixture
def gate(site, tmp_path):
    """A real station at the hub's first place, with a scanner on its standard input, and a policy in force."""
    running = Gate(station_config(site, tmp_path)).start()
    try:
        running.wait_for_policy()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium, headless."""
    with chromium() as launch:
        yield launch()
