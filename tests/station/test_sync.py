"""Rows on their way to the hub: brought until held, let go at its word alone, over HTTP and over a real broker."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from loopback_hub import Hub
from mqtt_hub import PUBLIC, SmallHub
from posts import Posts
from test_journal import checkin

from core import keys, rows, wire
from core.model import GateKind
from core.rules import Policy
from station import sync as sync_module
from station.broker import Broker
from station.clock import Clock
from station.http import HttpHub
from station.http_carrier import HttpBesideMqtt, HttpCarrier
from station.journal.reading import JournalReader
from station.journal.record import Journal
from station.link import MqttHub
from station.mqtt_carrier import MqttCarrier
from station.policies import Policies
from station.sync import Carrier, Sync

SIGNING, VERIFYING = keys.new_signing_key()
HELD = "does not say that it holds"


def wait(happened: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


class Running:
    """A sync loop with a real journal, in a thread of its own."""

    def __init__(self, folder: Path, carrier: Carrier, wake: threading.Event) -> None:
        self.path = folder / "journal.db"
        self.journal = Journal(self.path, "gate-1", PUBLIC, keep_days=0)
        self.policies = Policies(folder / "policies.json", VERIFYING, ["kind/venue", "all"])
        self.heard = 0
        self.sync = Sync(self.journal, self.policies, Clock(), carrier, wake, self._hear)
        self.ending = threading.Event()
        self._thread = threading.Thread(target=self.sync.run, args=(self.ending,), daemon=True)

    def _hear(self) -> None:
        self.heard += 1

    def __enter__(self) -> Running:
        self.journal.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._thread.is_alive(), "the loop died"
        self.ending.set()
        self.sync.wake.set()
        self._thread.join(60)
        self.waiting_at_the_end = self.waiting
        self.journal.__exit__()

    def record(self, count: int) -> None:
        first = self.journal.seq + 1  # at one go, or the loop might bring a part of them
        self.journal.append_all([checkin(f"{number:012}") for number in range(first, first + count)])
        self.sync.wake.set()

    @property
    def waiting(self) -> int:
        return self.journal.backlog().rows

    def wait_until_held(self) -> None:
        wait(lambda: self.waiting == 0)


@pytest.fixture
def centre(broker) -> Iterator[SmallHub]:
    centre = SmallHub(broker.port)
    yield centre
    centre.close()


@pytest.fixture
def patience() -> float:
    """Seconds that a hub may take to say that it holds rows."""
    return 20.0


@pytest.fixture
def over_mqtt(tmp_path: Path, broker, centre, patience) -> Iterator[Running]:
    """A station at a hub that listens already: what it is asked before, it is asked again after the patience only."""
    wake = threading.Event()
    state = wire.State(station="gate-1", online=True, session="s", since=Clock().now())
    address = Broker("127.0.0.1", broker.port, "gate-1", "token")
    line = MqttHub(address, "gate-1", GateKind.VENUE, PUBLIC, ["kind/venue", "all"], state, wake.set)
    with line, Running(tmp_path, MqttCarrier(line, state, patience=patience), wake) as running:
        yield running


def test_over_mqtt_every_row_arrives_once_byte_for_byte_and_goes_when_it_is_held(over_mqtt, centre):
    over_mqtt.record(450)
    over_mqtt.wait_until_held()
    assert [len(copies) for copies in centre.rows.values()] == [1] * 450
    assert isinstance(
        rows.walk([copies[0] for copies in centre.rows.values()], "gate-1", centre_epoch(centre)), rows.Link
    )


def centre_epoch(centre: SmallHub) -> str:
    return next(iter(centre.rows)).partition("/")[0]


def fall_silent(centre: SmallHub, running: Running) -> None:
    """The hub says no word any more, after it has said how far it holds this journal: no row is sent before that."""
    running.record(1)
    running.wait_until_held()
    centre.silent = True


def next_batch(centre: SmallHub, first: int) -> wire.Batch:
    """The next batch from this row on; one of before may come twice where the patience is short."""
    while (batch := centre.batches.get(timeout=60)).first < first:
        continue
    return batch


@pytest.mark.parametrize("patience", [0.1])
def test_a_puback_alone_lets_nothing_go_and_the_rows_are_sent_again_after_the_window(over_mqtt, centre):
    fall_silent(centre, over_mqtt)
    over_mqtt.record(3)
    first, second = next_batch(centre, 2), next_batch(centre, 2)
    assert (first.first, bytes(first.rows[0])) == (second.first, bytes(second.rows[0]))
    assert over_mqtt.waiting == 3
    wait(lambda: HELD in over_mqtt.sync.carrier.problem)
    centre.silent = False
    over_mqtt.wait_until_held()
    wait(lambda: over_mqtt.sync.carrier.problem == "")


@pytest.mark.parametrize("patience", [60.0])
def test_one_batch_is_under_way_at_a_time_however_many_rows_wait(over_mqtt, centre):
    fall_silent(centre, over_mqtt)
    over_mqtt.record(1)
    next_batch(centre, 2)
    for _ in range(20):
        over_mqtt.record(5)
    time.sleep(0.3)
    assert centre.batches.empty()


@pytest.mark.parametrize("patience", [0.1])
def test_what_the_hub_says_of_another_station_or_an_older_journal_lets_nothing_go(over_mqtt, centre):
    fall_silent(centre, over_mqtt)
    over_mqtt.record(3)
    next_batch(centre, 2)
    epoch = over_mqtt.journal.epoch
    centre.hold(epoch, 4, station="gate-2")
    centre.hold("00" * 8, 4)
    centre.say("held", b"\xff\xfe rubbish")
    centre.say("held", b'{"x":' + b"[" * 100_000)
    next_batch(centre, 2)  # it is sent again: the loop lives
    assert over_mqtt.waiting == 3
    centre.hold(epoch, 4)
    over_mqtt.wait_until_held()


def test_a_hub_restored_from_a_backup_gets_the_rows_again_that_are_still_kept(over_mqtt, centre, monkeypatch):
    monkeypatch.setattr(sync_module, "_ERASE_EVERY", 3600.0)
    over_mqtt.record(5)
    over_mqtt.wait_until_held()
    epoch = over_mqtt.journal.epoch
    centre.hold(epoch, 2)
    wait(lambda: [len(centre.rows[f"{epoch}/{seq}"]) for seq in range(1, 6)] == [1, 1, 2, 2, 2])
    over_mqtt.wait_until_held()


def test_a_restored_hub_is_brought_what_is_kept_of_every_journal_on_the_card(tmp_path, centre, broker):
    epochs = []
    for _ in range(3):
        with Journal(tmp_path / "journal.db", "gate-1", PUBLIC) as journal:
            journal.append(checkin())
            journal.hold(wire.HeldMark("gate-1", journal.epoch, 1, Clock().now()))
            epochs.append(journal.epoch)
        with closing(sqlite3.connect(tmp_path / "journal.db", isolation_level=None)) as db:
            db.execute("UPDATE epochs SET current = 0")
    wake = threading.Event()
    state = wire.State(station="gate-1", online=True, session="s", since=Clock().now())
    line = MqttHub(
        Broker("127.0.0.1", broker.port, "gate-1", "token"), "gate-1", GateKind.VENUE, PUBLIC, [], state, wake.set
    )
    running = Running(tmp_path, MqttCarrier(line, state), wake)
    running.journal.keep_days = 10_000
    with line, running:
        wait(lambda: len(centre.rows) == 3)
        running.wait_until_held()
        centre.rows.clear()
        broker.stop()
        broker.start()
        wait(lambda: sorted(centre.rows) == sorted(f"{epoch}/1" for epoch in epochs))


@pytest.mark.parametrize("patience", [0.1])
def test_no_row_is_sent_on_a_new_line_before_the_hub_has_said_how_far_it_holds_the_journal(over_mqtt, centre, broker):
    over_mqtt.record(2)
    over_mqtt.wait_until_held()
    broker.stop()
    wait(lambda: not over_mqtt.sync.carrier._stands and HELD not in over_mqtt.sync.carrier.problem)
    wait(lambda: not centre.connected)
    while not centre.batches.empty():  # the two rows came, in two or twice
        centre.batches.get()
    over_mqtt.record(3)
    centre.silent = True
    broker.start()
    wait(lambda: HELD in over_mqtt.sync.carrier.problem)
    assert centre.batches.empty()
    centre.silent = False
    over_mqtt.wait_until_held()


def test_refused_rows_are_dead_letters_on_the_card_and_block_nothing(over_mqtt, centre):
    fall_silent(centre, over_mqtt)
    over_mqtt.record(2)
    batch = next_batch(centre, 2)
    centre.hold(batch.epoch, 3, wire.Refused(2, "cannot be read"))
    over_mqtt.wait_until_held()
    assert [(one.seq, one.cause) for one in JournalReader(over_mqtt.path).refused()] == [(2, "cannot be read")]
    centre.silent = False
    over_mqtt.record(1)
    over_mqtt.wait_until_held()


REFUSED = [wire.Refused(seq, f"cause {seq}") for seq in range(1, 31) if seq % 3]


def dead_letters(running: Running) -> list[wire.Refused]:
    return [wire.Refused(one.seq, one.cause) for one in JournalReader(running.path).refused()]


def test_refused_rows_that_no_mark_has_room_for_are_asked_for_over_mqtt(over_mqtt, centre):
    centre.refused = REFUSED[:-3]
    over_mqtt.record(30)
    wait(lambda: dead_letters(over_mqtt) == REFUSED[:-3])
    centre.refused = REFUSED
    over_mqtt.record(1)
    wait(lambda: dead_letters(over_mqtt) == REFUSED)


def test_refused_rows_that_a_station_went_down_over_are_asked_for_after_its_start(over_mqtt, centre):
    over_mqtt.record(30)
    over_mqtt.wait_until_held()
    centre.hold(over_mqtt.journal.epoch, 30, *REFUSED[-8:])
    wait(lambda: dead_letters(over_mqtt) == REFUSED[-8:])
    centre.refused = REFUSED
    over_mqtt.record(1)
    wait(lambda: dead_letters(over_mqtt) == REFUSED)


@pytest.mark.parametrize("patience", [0.1])
def test_a_broker_killed_and_back_costs_no_row(over_mqtt, centre, broker):
    over_mqtt.record(2)
    over_mqtt.wait_until_held()
    broker.stop(hard=True)
    over_mqtt.record(3)
    wait(lambda: over_mqtt.sync.carrier.problem != "")
    broker.start()
    over_mqtt.wait_until_held()
    assert len(centre.rows) == 5


def test_a_batch_is_never_larger_than_the_broker_takes(tmp_path, start_broker):
    broker = start_broker("allow_anonymous true", "max_packet_size 20000")
    centre = SmallHub(broker.port)
    wake = threading.Event()
    state = wire.State(station="gate-1", online=True, session="s", since=Clock().now())
    address = Broker("127.0.0.1", broker.port, "gate-1", "token")
    line = MqttHub(address, "gate-1", GateKind.VENUE, PUBLIC, ["all"], state, wake.set)
    with line, Running(tmp_path, MqttCarrier(line, state), wake) as running:
        running.record(100)
        running.wait_until_held()
    assert len(centre.rows) == 100
    centre.close()


def test_a_policy_announced_is_taken_and_the_state_says_so_at_the_next_connect(over_mqtt, centre, broker):
    before = Clock().now()
    policy = wire.encode(Policy(7, before, before))
    centre.announce(wire.encode(keys.sign(SIGNING, policy)))
    wait(lambda: over_mqtt.policies.newest == 7)
    broker.stop()
    broker.start()
    wait(lambda: [state.policy_version for state in list(centre.states.queue)][-1:] == [7])


def test_a_clean_end_says_that_the_station_is_offline(over_mqtt, centre):
    wait(lambda: [state.online for state in list(centre.states.queue)][-1:] == [True])
    over_mqtt.sync.carrier.close()
    wait(lambda: [state.online for state in list(centre.states.queue)][-1:] == [False])


# over HTTP


@pytest.fixture
def posts() -> Posts:
    return Posts()


@pytest.fixture
def over_http(tmp_path: Path, posts: Posts) -> Iterator[Running]:
    hub = Hub(posts.behave)
    line = HttpHub(hub.url, "token", GateKind.VENUE)
    with line, Running(tmp_path, HttpCarrier(line), threading.Event()) as running:
        yield running
    hub.close()


def test_rows_go_over_http_while_the_broker_hears_that_the_station_is_there(tmp_path, posts, centre, broker):
    wake, hub = threading.Event(), Hub(posts.behave)
    state = wire.State(station="gate-1", online=True, session="s", since=Clock().now())
    address = Broker("127.0.0.1", broker.port, "gate-1", "token")
    line = MqttHub(address, "gate-1", GateKind.VENUE, PUBLIC, ["kind/venue", "all"], state, wake.set)
    post = HttpHub(hub.url, "token", GateKind.VENUE)
    both = HttpBesideMqtt(HttpCarrier(post), MqttCarrier(line, state, brings=False))
    with line, post, Running(tmp_path, both, wake) as running:
        wait(lambda: [state.online for state in list(centre.states.queue)] == [True])
        running.record(3)
        running.wait_until_held()
        broker.stop()
        running.record(3)
        running.wait_until_held()
        broker.start()
        wait(lambda: [state.online for state in list(centre.states.queue)][1:][-1:] == [True])
    wait(lambda: [state.online for state in list(centre.states.queue)][-1:] == [False])
    assert (len(posts.rows), centre.rows) == (6, {})
    hub.close()


def test_over_http_every_row_arrives_once_in_batches(over_http, posts):
    over_http.record(450)
    over_http.wait_until_held()
    assert [len(copies) for copies in posts.rows.values()] == [1] * 450


@pytest.mark.parametrize("says", ["another station's", "another journal's", "nothing new"])
def test_a_hub_that_does_not_say_that_it_holds_the_rows_is_not_stormed(over_http, posts, says):
    posts.mark = {
        "another station's": lambda batch: posts.holding(batch, "gate-2"),
        "another journal's": lambda batch: msgspec.structs.replace(posts.holding(batch), epoch="00" * 8),
        "nothing new": lambda batch: msgspec.structs.replace(posts.holding(batch), through=0),
    }[says]
    begun = time.monotonic()
    over_http.record(3)
    wait(lambda: HELD in over_http.sync.carrier.problem)
    time.sleep(0.5)
    assert posts.batches <= 2 + (time.monotonic() - begun)
    assert over_http.waiting == 3


def test_refused_rows_that_no_mark_has_room_for_are_asked_for_over_http(over_http, posts):
    posts.refused, posts.mark = REFUSED, posts.page
    over_http.record(30)
    wait(lambda: dead_letters(over_http) == REFUSED)


def test_a_hub_that_cannot_say_its_policy_may_still_take_rows(over_http, posts):
    posts.policy = (b"{}", "500 Internal Server Error")
    over_http.record(3)
    over_http.wait_until_held()


def test_an_end_in_the_middle_of_a_long_backlog_comes_after_the_batch_under_way(tmp_path, posts, monkeypatch):
    monkeypatch.setattr(sync_module, "MOST_ROWS", 1)
    hub = Hub(posts.behave)
    line = HttpHub(hub.url, "token", GateKind.VENUE)
    with line, Running(tmp_path, HttpCarrier(line), threading.Event()) as running:
        posts.mark = lambda batch: posts.holding(batch) if running.ending.wait(60) else None
        running.record(20)
        wait(lambda: posts.batches)
    assert posts.batches == 1
    assert running.waiting_at_the_end == 19
    hub.close()
