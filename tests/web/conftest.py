"""A running hub with pages, its text messages, and a real browser; one hub for the tests of a module."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hub"))  # hub_stand
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))  # gates
sys.path.insert(0, str(Path(__file__).parent))

from chromium import chromium
from databases import module_database, postgres  # noqa: F401  # fixtures
from gates import Gate
from web_stand import Messages, Visitor, serve_pages, station_config


@pytest.fixture(scope="module")
def messages():
    """A provider's gateway that keeps every message it was given."""
    with Messages() as gateway:
        yield gateway


@pytest.fixture(scope="module")
def site_database():
    """The URL of the database that the pages stand on; empty: the hub's own file, as for all slow browsers."""
    return ""


@pytest.fixture(scope="module")
def site(tmp_path_factory, messages, site_database):
    """A hub with pages, people, places and one station named s1; ``site.url`` is where it answers."""
    hub = serve_pages(tmp_path_factory.mktemp("site"), messages, database=site_database)
    yield hub
    assert hub.stop() == 0


@pytest.fixture
def visitor(site, messages):
    """Somebody without JavaScript who has not been here yet."""
    with Visitor(site.url, messages) as somebody:
        yield somebody


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
