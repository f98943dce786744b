"""A hub's store for each test, on SQLite and on a PostgreSQL of the tests' own."""

import json
import shutil

import pytest
from databases import module_database, postgres  # noqa: F401  # fixtures
from desk import Desk
from hub_stand import PEOPLE, HubProcess, OpenBroker, furnish, now, on

from hub.register import people, registry
from hub.stations.fleet import add_station
from hub.storage import keyring
from hub.storage.store import Store, sqlite_url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory):
    """A database file at this program's schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "hub.sqlite"
    made = Store(sqlite_url(path))
    made.upgrade()
    made.close()
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def database(request, tmp_path):
    """The URL of a database at this program's schema with nothing in it."""
    if request.param == "sqlite":
        path = tmp_path / "hub.sqlite"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield sqlite_url(path)
        return
    server = request.getfixturevalue("postgres")
    url = server.lend()
    yield url
    server.take_back(url)


@pytest.fixture
def postgres_database(request):
    """The URL of a PostgreSQL database at this program's schema with nothing in it."""
    server = request.getfixturevalue("postgres")
    url = server.lend()
    yield url
    server.take_back(url)


@pytest.fixture
def vietnamese_store(request):
    """An empty store on a PostgreSQL database that orders text by language."""
    server = request.getfixturevalue("postgres")
    url = server.make_vietnamese()
    opened = Store(url)
    opened.upgrade()
    yield opened
    opened.close()
    server.drop(url)


@pytest.fixture(params=["sqlite", "postgres"])
def bare_database(request, tmp_path):
    """The URL of a database in which there is nothing at all."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "hub.sqlite")
        return
    server = request.getfixturevalue("postgres")
    url = server.make()
    yield url
    server.drop(url)


@pytest.fixture
def store(database):
    """An empty store at this program's schema."""
    opened = Store(database)
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture
def ring(tmp_path):
    """A hub's keys."""
    return keyring.load(tmp_path / "keys")


@pytest.fixture
def peopled(store, ring):
    """The store with the tests' people and one station."""
    registry.import_people(store, ring, people.parse(json.dumps(PEOPLE).encode(), "people.json"))
    with store.writing() as connection:
        add_station(connection, "s1", "cho", None, now())
    return store


@pytest.fixture
def desk(tmp_path, database):
    """Where commands are given to a hub on either database: ``desk.run(*words, code=…)``."""
    data = tmp_path / "hub"
    data.mkdir()
    return Desk(data, database)


@pytest.fixture
def serving(tmp_path):
    """Starts real hubs: ``serving(*arguments, stations=…)`` gives the process and each station's settings."""
    started = []

    def start(*arguments, stations=("s1",)):
        pinned = furnish(tmp_path, *stations)
        hub = HubProcess(tmp_path, *arguments)
        started.append(hub)
        return hub.start(), pinned

    yield start
    for hub in started:
        if hub.process.poll() is None:
            hub.kill()


@pytest.fixture
def serving_either(tmp_path, database):
    """Starts a real hub on either database: ``serving_either(*arguments, stations=…)``, as ``serving`` does."""
    started = []

    def start(*arguments, stations=("s1",)):
        pinned = furnish(tmp_path, *stations, database=database)
        hub = HubProcess(tmp_path, *on(tmp_path, database), *arguments)
        started.append(hub)
        return hub.start(), pinned

    yield start
    for hub in started:
        if hub.process.poll() is None:
            hub.kill()


@pytest.fixture
def open_broker(tmp_path):
    """A broker that anybody may use."""
    broker = OpenBroker(tmp_path).start()
    yield broker
    broker.stop()
