"""A hub restored from a backup while nobody passes the gate: the station asks, and brings what the hub lost."""

import json
import threading

import pytest
from hub_stand import CITIZEN, HubProcess, furnish, now, on, until
from ports import free_port

from core import keys, wire
from core.model import Direction, GateKind, Outcome, Scheme
from station import http_carrier
from station.clock import Clock
from station.http import HttpHub
from station.http_carrier import HttpCarrier
from station.journal.record import Entry, Journal
from station.policies import Policies
from station.sync import Sync

WHO = wire.Who(Scheme.CITIZEN, CITIZEN)


@pytest.fixture
def often(monkeypatch):
    """The station asks and tries again at once: nobody here is spared by its patience."""
    monkeypatch.setattr(http_carrier, "_HELD_EVERY", 0.2)
    monkeypatch.setattr(http_carrier, "_LONGEST_PAUSE", 0.2)


@pytest.fixture(params=["sqlite", "postgres"])
def databases(request):
    """A database with a schema and one with nothing in it; empty: the data folder's own files."""
    if request.param == "sqlite":
        yield "", ""
        return
    server = request.getfixturevalue("postgres")
    lent, bare = server.lend(), server.make()
    yield lent, bare
    server.take_back(lent)
    server.drop(bare)


def record(journal: Journal, count: int) -> None:
    clock = wire.RowClock("ntp", "boot", 1.0)
    for _ in range(count):
        journal.append(
            Entry(
                *("checkin", now(), clock, GateKind.VENUE, "cho"),
                direction=Direction.IN,
                outcome=Outcome.PASS,
                who=WHO,
            )
        )


def test_an_idle_station_over_http_fills_a_restored_hub_again(tmp_path, often, databases):
    first, (database, again) = tmp_path / "hub", databases
    pinned = furnish(first, "s1", database=database)["s1"]
    port = str(free_port())  # of those that nobody is given meanwhile, who asks for any
    hub = HubProcess(first, *on(first, database), "--port", port).start()
    (tmp_path / "secret.txt").write_text("twelve letters at least\n")
    sealed = ("--passphrase-file", tmp_path / "secret.txt")

    policies = Policies(tmp_path / "policies.json", keys.decode_key(pinned["policy_key"]), ["all"])
    line = HttpHub(f"http://127.0.0.1:{port}", pinned["token"], GateKind.VENUE)
    ending, wake = threading.Event(), threading.Event()
    with Journal(tmp_path / "journal.db", "s1", keys.decode_key(pinned["sealing_key"])) as journal, line:
        sync = Sync(journal, policies, Clock(), HttpCarrier(line), wake, lambda: None)
        loop = threading.Thread(target=sync.run, args=(ending,), daemon=True)
        loop.start()
        record(journal, 3)
        until(lambda: journal.backlog().rows == 0, "the first rows held", 120)
        hub.command("backup", tmp_path / "night.tqb", *sealed)
        record(journal, 4)
        until(lambda: journal.backlog().rows == 0, "the rows after the backup held", 120)
        assert hub.stop() == 0
        hub = HubProcess(tmp_path / "again", *on(tmp_path / "again", again), "--port", port)
        hub.command("restore", tmp_path / "night.tqb", *sealed)
        hub.start()
        with hub.session(pinned["token"]) as asking:
            until(lambda: asking.get("/v1/held").json()["through"] == 7, "what the restored hub lost", 120)
        ending.set()
        wake.set()
        loop.join(60)
    assert hub.stop() == 0
    proof = json.loads(hub.command("journal", "verify", "s1", "--json"))
    assert [(each["through"], each["missing"], each["refused"]) for each in proof] == [(7, [], 0)]
