"""Check-ins from the broker to committed rows, beside a bare loop that is given the same batches.

Ours: a hub's process that proves, keeps and marks them, and opens and ties as many as its transactions have time for.
Bare: ``bench.bare_intake``.  Both listen at one broker and are sent the same payloads in turn, each until it says
that the last row is committed.
"""

from __future__ import annotations

import queue
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import sqlalchemy as sa
from paho.mqtt.enums import CallbackAPIVersion

from bench import hubs
from bench.journals import ROWS_A_BATCH, Journal, yesterday
from bench.rows import Row
from core import wire
from hub.storage.store import Store
from hub.storage.tables import journals

STATIONS = tuple(f"gate-{number}" for number in range(4))
BATCHES, ROUNDS = 40, 9
PEOPLE = 20_000
BAR = 0.6
SECONDS = 120.0
READ_SECONDS = 600.0


Sent = tuple[str, bytes, int]
"""A station, the payload of its message, and how far its journal goes with it."""


class Publisher:
    """Sends payloads and hears how far both sides hold them."""

    def __init__(self, port: int) -> None:
        self._heard: queue.SimpleQueue[mqtt.MQTTMessage] = queue.SimpleQueue()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "publisher", protocol=mqtt.MQTTv5)
        self._client.on_message = lambda _client, _data, message: self._heard.put(message)
        self._client.on_connect = lambda client, *_: client.subscribe([("bare/+", 1), ("tq/v1/s/+/held", 1)])
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def close(self) -> None:
        """Leaves the broker."""
        self._client.disconnect()
        self._client.loop_stop()

    def hear(self, topic: str) -> bytes:
        """The next payload on a topic; others are thrown away."""
        while True:
            message = self._heard.get(timeout=SECONDS)
            if message.topic == topic:
                return bytes(message.payload)

    def ours(self, batches: list[Sent]) -> float:
        """Seconds until the hub holds all of them."""
        begun = time.perf_counter()
        for station, payload, _ in batches:
            self._client.publish(f"tq/v1/s/{station}/checkins", payload, qos=1)
        missing = {station: through for station, _, through in batches}
        while missing:
            message = self._heard.get(timeout=SECONDS)
            if message.topic.endswith("/held"):
                mark = msgspec.json.decode(message.payload, type=wire.HeldMark)
                if mark.through >= missing.get(mark.station, mark.through + 1):
                    del missing[mark.station]
        return time.perf_counter() - begun

    def bare(self, batches: list[Sent], held: int) -> float:
        """Seconds until the bare loop has committed so many rows in all."""
        begun = time.perf_counter()
        for _, payload, _ in batches:
            self._client.publish("bare/in/checkins", payload, qos=1)
        while int(self.hear("bare/held")) < held:
            pass
        return time.perf_counter() - begun


def measure(
    folder: Path, told: Callable[[str], None], batches: int = BATCHES, rounds: int = ROUNDS, people: int = PEOPLE
) -> list[Row]:
    """A row for each database."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with hubs.databases(told) as kinds:
        return [
            _row(kind, _rounds(folder / kind, make, told, batches, rounds, people), batches, told)
            for kind, make in kinds.items()
        ]


def _row(kind: str, rounds: Iterator[tuple[float, float]], batches: int, told: Callable[[str], None]) -> Row:
    told(f"{batches} batches of {ROWS_A_BATCH} rows at a time on {kind}")
    pairs = list(rounds)
    sent = batches * ROWS_A_BATCH
    ours, bare = (sent / statistics.median(one) for one in zip(*pairs, strict=True))
    ratio = statistics.median(bare / ours for ours, bare in pairs)
    told(f"  ours {ours:,.0f} rows/s, bare {bare:,.0f} rows/s, ratio {ratio:.2f}")
    return Row(
        name=f"check-ins from the broker to committed rows on {kind}",
        unit="rows/s",
        ours=round(ours),
        against=round(bare),
        ratio=round(ratio, 3),
        bar=BAR,
        sense="at_least",
        n=len(pairs) * sent,
        holds=ratio >= BAR,
    )


def _rounds(
    folder: Path, make: Callable[[str], str], told: Callable[[str], None], batches: int, rounds: int, people: int
) -> Iterator[tuple[float, float]]:
    hub = hubs.furnish(folder, make("hub"), STATIONS, people, lambda _said: None)
    own = [Journal(station, hub.ring.sealing_public, people, yesterday()) for station in STATIONS]
    store = Store(hub.settings.database_url)
    with (
        hubs.broker(folder) as port,
        hubs.serving(hub, port),
        _bare(folder, port, make("bare")),
        publishing(port) as to,
    ):
        to.hear("bare/ready")
        for done in range(1, rounds + 1):
            sent = [(one.station, one.batch(), one.seq) for _ in range(batches // len(STATIONS)) for one in own]
            bare_first = done % 2 == 0
            bare = to.bare(sent, done * len(sent) * ROWS_A_BATCH) if bare_first else 0.0
            ours = to.ours(sent)
            opened = wait_until_read(store)
            bare = bare or to.bare(sent, done * len(sent) * ROWS_A_BATCH)
            told(f"    ours {ours:.2f} s, bare {bare:.2f} s; all opened {opened:.2f} s later")
            yield ours, bare
    store.close()


def wait_until_read(store: Store) -> float:
    """Seconds until the hub has opened all it holds, so that it does nothing while the other side is measured."""
    begun = time.perf_counter()
    unread = sa.select(journals.c.station).where(journals.c.read_through < journals.c.through)
    with store.reading() as connection:
        while connection.execute(unread).first() is not None:
            if time.perf_counter() - begun > READ_SECONDS:
                raise SystemExit("the hub does not open what it holds")
            time.sleep(0.02)
    return time.perf_counter() - begun


@contextmanager
def publishing(port: int) -> Iterator[Publisher]:
    """A publisher that leaves the broker with the block."""
    publisher = Publisher(port)
    try:
        yield publisher
    finally:
        publisher.close()


@contextmanager
def _bare(folder: Path, port: int, database: str) -> Iterator[None]:
    command = [sys.executable, "-m", "bench.bare_intake", str(port), database or str(folder / "bare.sqlite")]
    with hubs.running(command):
        yield
