"""Databases that tests of the hub and of its pages are given: one server for all, one database for a module's tests."""

import pytest
from postgres_stand import Postgres


@pytest.fixture(scope="session")
def postgres():
    """The server that every test's database is in."""
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def module_database(request):
    """The URL of a database for all tests of a module; empty: the hub's own file."""
    if request.param == "sqlite":
        yield ""
        return
    server = request.getfixturevalue("postgres")
    url = server.lend()
    yield url
    server.take_back(url)
