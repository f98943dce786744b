"""A backlog on its way to the hub, beside a bare sender of the same batches, and beside one row a message.

Ours: a station's sync loop, which reads the journal, publishes, waits for *held* and notes it on the card.  Bare: a
paho client that publishes ready payloads, each after the word for the one before.  One receiver answers both
(``bench.bare_receiver``), and they take turns.  A backlog is what a gate has after a busy day or two; ours begins as a
station does, by asking what is held and by small batches until it knows the line.
"""

from __future__ import annotations

import queue
import shutil
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from bench import hubs
from bench.rows import Row
from core import keys, wire
from core.model import CodeKind, Direction, GateKind, Outcome, Scheme, Source, Subject
from station import config
from station.app import Station
from station.arrivals import MOST_TOGETHER
from station.journal.record import Entry, Journal
from station.service import TURN_SECONDS
from station.sync import MOST_BYTES, MOST_ROWS

ROWS, ROUNDS = 20_000, 7
SINGLE = 200
SECONDS = 120.0
SETTINGS = """
[station]
name = "{name}"
place = "cho-dong-ba"
data = "{data}"
[hub]
url = "http://127.0.0.1:9"
lookups = "mqtt"
checkins = "mqtt"
token = "token"
sealing_key = "{sealing}"
policy_key = "{signing}"
[mqtt]
host = "127.0.0.1"
port = {port}
[camera]
driver = "null"
[[scanner]]
driver = "sim"
"""


def entry(person: int) -> Entry:
    """One person who passed."""
    subject = Subject(Scheme.CITIZEN, f"046{person:09}")
    return Entry(
        "checkin",
        datetime.now(UTC),
        wire.RowClock("ntp", "bench", float(person), 0.01),
        GateKind.VENUE,
        "cho-dong-ba",
        Direction.IN,
        source=Source.HID,
        code_kind=CodeKind.CCCD,
        outcome=Outcome.PASS,
        policy_version=1,
        who=wire.Who(subject.scheme, subject.value),
        seen=subject,
    )


class Bare:
    """Publishes ready payloads one after another, each when the one before is held."""

    def __init__(self, port: int, name: str) -> None:
        self._name, self._heard = name, queue.SimpleQueue[bytes]()
        subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, name, protocol=mqtt.MQTTv5)
        self._client.on_socket_open = lambda _c, _d, sock: sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._client.on_message = lambda _client, _data, message: self._heard.put(message.payload)
        self._client.on_connect = lambda client, *_: client.subscribe(f"tq/v1/s/{name}/held", 1)
        self._client.on_subscribe = lambda *_: subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not subscribed.wait(SECONDS):
            raise SystemExit("the broker does not answer")

    def close(self) -> None:
        """Leaves the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, payloads: list[bytes]) -> float:
        """Seconds until the last is held."""
        begun = time.perf_counter()
        for payload in payloads:
            self._client.publish(f"tq/v1/s/{self._name}/checkins", payload, 1)
            self._heard.get(timeout=SECONDS)
        return time.perf_counter() - begun


def measure(folder: Path, told: Callable[[str], None], count: int = ROWS, rounds: int = ROUNDS) -> list[Row]:
    """A row for each bar."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sys.setswitchinterval(TURN_SECONDS)  # as in a running station
    told(f"{count} rows, {rounds} times")
    with hubs.broker(folder) as port:
        command = [sys.executable, "-m", "bench.bare_receiver", str(port), str(folder / "receiver.db")]
        with hubs.running(command):
            _wait_for_receiver(port)
            found = list(_rounds(folder, port, told, count, rounds))
    ours, bare, single = zip(*found, strict=True)
    return [
        _row("a backlog drained, beside the bare sender of the same batches", ours, bare, 0.7, count),
        _row("a backlog drained, beside one row a message", ours, single, 8.0, count),
    ]


def _row(name: str, ours: tuple[float, ...], against: tuple[float, ...], bar: float, count: int) -> Row:
    ratio = statistics.median(one / other for one, other in zip(ours, against, strict=True))
    return Row(
        name=name,
        unit="rows/s",
        ours=round(statistics.median(ours)),
        against=round(statistics.median(against)),
        ratio=round(ratio, 3),
        bar=bar,
        sense="at_least",
        n=count * len(ours),
        holds=ratio >= bar,
    )


def _wait_for_receiver(port: int) -> None:
    ready = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "waits", protocol=mqtt.MQTTv5)
    client.on_message = lambda *_: ready.set()
    client.on_connect = lambda client, *_: client.subscribe("bare/ready", 1)
    client.connect("127.0.0.1", port)
    client.loop_start()
    if not ready.wait(SECONDS):
        raise SystemExit("the bare receiver does not start")
    client.disconnect()
    client.loop_stop()


def _rounds(
    folder: Path, port: int, told: Callable[[str], None], count: int, rounds: int
) -> Iterator[tuple[float, float, float]]:
    """Rows a second: ours, the bare sender of the same batches, and the bare sender of one row a message."""
    for number in range(rounds):
        name, data = f"gate-{number}", folder / f"gate-{number}"
        _, sealing = keys.new_sealing_key()
        data.mkdir()
        text = SETTINGS.format(
            name=name,
            data=data,
            port=port,
            sealing=keys.encode_key(sealing),
            signing=keys.encode_key(keys.new_signing_key()[1]),
        )
        settings = config.read(text)
        with Journal(settings.journal_path, name, sealing) as journal:
            for first in range(0, count, MOST_TOGETHER):
                journal.append_all([entry(person) for person in range(first, min(count, first + MOST_TOGETHER))])
            payloads, single = _payloads(journal, f"bare-{number}", count)
        with closing(Bare(port, f"bare-{number}")) as bare:
            if number % 2:
                against, ours = count / bare.send(payloads), count / _drain(settings)
            else:
                ours, against = count / _drain(settings), count / bare.send(payloads)
            one_each = len(single) / bare.send(single)
        told(f"  ours {ours:,.0f} rows/s, the same batches bare {against:,.0f}, one a message {one_each:,.0f}")
        yield ours, against, one_each


def _payloads(journal: Journal, name: str, count: int) -> tuple[list[bytes], list[bytes]]:
    """The journal's own rows under another station's name: in the batches ours sends, and one a message."""
    lots: list[tuple[bytes, ...]] = []
    first = 1
    while first <= count:
        pending = journal.between(journal.epoch, first, count, MOST_ROWS, MOST_BYTES)
        assert pending is not None
        lots.append(pending.raws)
        first += len(pending.raws)

    def payload(first: int, lot: tuple[bytes, ...], epoch: str) -> bytes:
        return wire.encode(wire.Batch(name, epoch, first, tuple(msgspec.Raw(raw) for raw in lot)))

    batches, first = [], 1
    for lot in lots:
        batches.append(payload(first, lot, f"{name}-batches"))
        first += len(lot)
    each = [raw for lot in lots for raw in lot][:SINGLE]
    return batches, [payload(seq, (raw,), f"{name}-single") for seq, raw in enumerate(each, 1)]


def _drain(settings: config.Settings) -> float:
    """Seconds from a standing line to the last row's *held*."""
    with ExitStack() as stack:
        station = Station(settings, stack)
        _until(lambda: station.sync.carrier._hub.connected)
        stop = threading.Event()
        loop = threading.Thread(target=station.sync.run, args=(stop,), daemon=True)
        begun = time.perf_counter()
        loop.start()
        _until(lambda: station.journal.backlog().rows == 0, 0.002)
        took = time.perf_counter() - begun
        stop.set()
        station.sync.wake.set()
        loop.join(30)
    return took


def _until(holds: Callable[[], bool], pause: float = 0.01) -> None:
    end = time.monotonic() + SECONDS
    while not holds():
        if time.monotonic() > end:
            raise SystemExit("the station does not drain")
        time.sleep(pause)
