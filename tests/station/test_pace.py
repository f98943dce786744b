"""Batches of rows as large as the line carries: every line drains, and none is taken for long."""

from __future__ import annotations

import socket
import statistics
import time
from datetime import UTC, datetime
from threading import Event, Thread
from types import SimpleNamespace

import pytest
from loopback_hub import Hub, answer_with
from slow_line import SlowLine
from test_journal import checkin

from core import keys, wire
from core.model import GateKind, Scheme
from station import http_carrier
from station.clock import Clock
from station.http import HttpHub
from station.http_carrier import HttpCarrier, Pause
from station.journal.record import Journal
from station.pace import LEAST, Pace
from station.policies import Policies
from station.sync import Sync

MOST = 128 * 1024


def drained(rate: float, latency: float, backlog: int, pace: Pace) -> tuple[float, list[float]]:
    """Seconds that a backlog takes on such a line, and how long each batch that arrived took."""
    total, taken = 0.0, []
    while backlog > 0:
        size = min(backlog, pace.size)
        seconds, deadline = latency + size / rate, pace.deadline(size)
        if seconds > deadline:
            pace.lost(size, deadline)
            total += deadline
        else:
            pace.arrived(size, seconds)
            total, backlog = total + seconds, backlog - size
            taken.append(seconds)
        assert total < 100_000, "it never drains"
    return total, taken


@pytest.mark.parametrize("rate", [300.0, 1_000.0, 20_000.0, 10_000_000.0])
@pytest.mark.parametrize("latency", [0.001, 0.5, 4.0])
def test_a_backlog_drains_over_every_line_and_no_batch_holds_it_for_long(rate, latency):
    total, taken = drained(rate, latency, 1_000_000, Pace(MOST, 20.0))
    settled = taken[len(taken) // 4 :]
    assert max(settled) <= latency + LEAST / rate + 1.5
    assert total < 1_000_000 / rate * (1.2 + latency) + 60


def test_a_fast_line_soon_carries_the_largest_batches():
    pace = Pace(MOST, 20.0)
    for _ in range(3):
        pace.arrived(pace.size, 0.02)
    assert pace.size == MOST
    assert pace.deadline(MOST) < 21.0


def test_no_step_is_so_large_that_the_next_batch_could_keep_the_line_for_long():
    for rate in (1_000.0, 5_000.0, 50_000.0, 500_000.0):
        pace = Pace(MOST, 20.0)
        for _ in range(10):
            before = pace.size / rate
            pace.arrived(pace.size, before)
            assert pace.size / rate <= max(1.0, 2 * before) + 0.01


def test_a_line_that_becomes_slow_goes_on_in_smaller_batches():
    pace = Pace(MOST, 20.0)
    for _ in range(7):
        pace.arrived(pace.size, 0.02)
    total, _ = drained(1_000.0, 0.1, 200_000, pace)
    assert total < 600.0


def test_a_batch_that_is_lost_is_halved_and_a_small_last_one_says_nothing_of_large_ones():
    pace = Pace(MOST, 20.0)
    size = pace.size
    pace.lost(size, 30.0)
    assert pace.size == size // 2
    before = pace.size
    pace.arrived(300, 0.01)
    assert pace.size == before


class Behind:
    """A hub that holds what it is brought and answers what it is asked."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.sizes: list[int] = []

    def behave(self, line: socket.socket, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        if b" /v1/checkins " in head:
            batch = wire.decode(body, wire.Batch)
            self.rows += range(batch.first, batch.first + len(batch.rows))
            self.sizes.append(len(body))
            mark = wire.HeldMark("gate-1", batch.epoch, batch.first + len(batch.rows) - 1, datetime.now(UTC))
            answer_with(wire.encode(mark))(line, request)
        elif b" /v1/lookup " in head:
            answer_with(wire.encode(wire.Answer(None, datetime.now(UTC))))(line, request)
        else:
            answer_with(b"{}", "404 Not Found")(line, request)


def test_over_a_slow_line_every_row_arrives_once_and_a_look_up_is_answered_in_between(tmp_path):
    """Four times the speed of a board on 1 kB/s."""
    behind = Behind()
    hub = Hub(behind.behave)
    slow = SlowLine(hub.url, 4_000.0)
    journal = Journal(tmp_path / "journal.db", "gate-1", keys.new_sealing_key()[1])
    line, asks = (HttpHub(slow.url, "token", GateKind.VENUE) for _ in range(2))
    carrier = HttpCarrier(line)
    with journal, line, asks:
        for number in range(60):
            journal.append(checkin(f"{number:012}"))
        sync = Sync(journal, Policies(tmp_path / "p.json", b"", ["all"]), Clock(), carrier, Event(), lambda: None)
        ending = Event()
        loop = Thread(target=sync.run, args=(ending,), daemon=True)
        loop.start()
        waited = []
        until = time.monotonic() + 200
        while journal.backlog().rows and time.monotonic() < until:
            begun = time.monotonic()
            asks.ask(wire.Who(Scheme.CITIZEN, "046000000001"), datetime.now(UTC), 20.0)
            waited.append(time.monotonic() - begun)
            time.sleep(0.2)
        ending.set()
        sync.wake.set()
        loop.join(30)
        assert journal.backlog().rows == 0
    slow.close()
    hub.close()
    assert behind.rows == list(range(1, 61))
    assert len(waited) > 5
    assert statistics.median(waited[2:]) < 4.0  # all of the rows at once would take ten


def test_a_row_lets_a_look_up_that_is_under_way_go_first(tmp_path):
    behind = Behind()
    hub = Hub(behind.behave)
    asking = [True]
    with (
        Journal(tmp_path / "journal.db", "gate-1", keys.new_sealing_key()[1]) as journal,
        HttpHub(hub.url, "token", GateKind.VENUE) as line,
    ):
        journal.append(checkin())
        policies = Policies(tmp_path / "p.json", b"", ["all"])
        carrier = HttpCarrier(line)
        sync = Sync(journal, policies, Clock(), carrier, Event(), lambda: None, asking=lambda: asking[0])
        carrier.step(sync)
        assert behind.rows == []
        asking[0] = False
        carrier.step(sync)
        assert behind.rows == [1]
    hub.close()


def test_pauses_grow_with_jitter_and_end_at_once_when_things_go_well(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(http_carrier, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    lengths = []
    for _ in range(200):
        pause = Pause()
        for failures in range(1, 9):
            pause.fail()
            lengths.append((failures, pause._until))
        pause.end()
        assert pause.over
    for failures, length in lengths:
        longest = min(60.0, 2.0**failures)
        assert longest / 2 <= length <= longest
    assert len({length for _, length in lengths}) > 1000
