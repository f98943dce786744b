"""Stations' health: what looking at itself costs a station, and what taking it in costs the hub.

Taking in: the hub's own line (decode, check, believe, keep) beside a bare paho loop that counts what it is given, on
one mosquitto, the same messages from a publisher of its own process, in turn.  Rates are messages per second of the
taking process's processor time, so that neither waits for the publisher.  The station: a whole one on simulated devices
at 15 frames a second; the processor time of its health loop, with a measured picture a second, as a share of one core.
"""

from __future__ import annotations

import json
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from PIL import Image

from bench.rows import Row
from core.health import (
    BoardFigures,
    CameraFigures,
    ClockFigures,
    Device,
    Health,
    Histogram,
    JournalFigures,
    LinkFigures,
    Versions,
)
from core.model import GateKind
from hub.centre import Centre
from hub.config import Settings
from hub.doors.link import Link
from hub.doors.wires import BrokerAddress
from hub.journals.writer import Writer
from hub.opening import open_store
from hub.register import people, registry
from hub.stations import fleet
from station import config
from station.app import Station
from station.reading.eyesight import measure as look_at
from station.reading.plane import plane_of

STATIONS, MESSAGES, ROUNDS = 100, 5_000, 5
RUN_SECONDS = 60.0
PLACE = {"code": "cho", "name": "Chợ Đông Ba", "kind": "venue", "area": {"edition": "63", "province": "46"}}
DEVICES = """
[camera]
driver = "sim"
noise = 3
[[scanner]]
driver = "sim-serial"
[led]
driver = "sim"
[buzzer]
driver = "sim"
[display]
driver = "sim"
"""

PUBLISHER = """
import json, sys
import paho.mqtt.client as mqtt
client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
client.connect("127.0.0.1", int(sys.argv[1]))
client.loop_start()
for line in sys.stdin:
    for topic, payload in json.loads(line):
        client.publish(topic, payload).wait_for_publish()
    print("sent", flush=True)
"""


def said(station: str, session: str, number: int) -> Health:
    """A message as a station with every device sends it."""
    times = Histogram(tuple(range(900, 913)), 123_456.789)
    return Health(
        station=station,
        session=session,
        boot="61706c6f-4af8-483f-8dd9-e14962ae1baa",
        number=number,
        at=datetime.now(UTC),
        up=float(number),
        versions=Versions(software="0.1.0", policy=17),
        clock=ClockFigures(source="ntp", error=0.012, offset=-0.034),
        journal=JournalFigures(backlog=12, oldest=5.8, seq=98_765),
        link=LinkFigures(last_contact=1.3, dbm=-67, radio=0.61),
        outcomes=dict.fromkeys(("pass", "warn", "unverified", "repeat", "wrong-code"), 1_000 + number),
        decode=times,
        lookup=times,
        signal=times,
        camera=CameraFigures(frames=900_000, fps=14.9, sharpness=31.2, best=33.3, brightness=0.4, contrast=0.2),
        scanner=True,
        devices=tuple(map(Device, ("camera", "scanner 1 (hid)", "lamp", "buzzer", "display", "relay"))),
        board=BoardFigures(temperature=61.2, under_voltage=False, memory_total=1 << 30, disk_total=1 << 34, up=1e6),
    )


def measure(folder: Path, told: Callable[[str], None]) -> list[Row]:
    """Two rows."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return [_taking(folder, told), _looking(folder, told)]


# the hub


def _taking(folder: Path, told: Callable[[str], None]) -> Row:
    told(f"{ROUNDS} rounds of {MESSAGES} messages, hub and bare loop in turn")
    ours, bare = [], []
    with _mosquitto(folder) as port, _publisher(port) as publish, _centre(folder) as centre:
        for turn in range(ROUNDS):
            ours.append(_ours(centre, port, publish, turn))
            bare.append(_bare(port, publish, turn))
            told(f"  hub {ours[-1]:.0f}/s, bare {bare[-1]:.0f}/s of processor time")
    ratio = statistics.median(ours) / statistics.median(bare)
    return Row(
        name="health messages taken in beside a bare paho loop",
        unit="messages/s of processor time",
        ours=round(statistics.median(ours)),
        against=round(statistics.median(bare)),
        ratio=round(ratio, 3),
        bar=0.5,
        sense="at_least",
        n=ROUNDS * MESSAGES,
        holds=ratio >= 0.5,
    )


def _messages(session: str) -> list[tuple[str, str]]:
    names = [f"gate-{number}" for number in range(STATIONS)]
    each = range(1, MESSAGES // STATIONS + 1)
    return [
        (f"tq/v1/s/{name}/health", msgspec.json.encode(said(name, session, number)).decode())
        for number in each
        for name in names
    ]


def _rate(count: Callable[[], int], publish: Callable[[], None]) -> float:
    """Messages taken a second of this process's time, from before the first until all are there."""
    before = count()
    publish_thread = threading.Thread(target=publish)
    publish_thread.start()
    begun = time.process_time()
    idle = 0.0
    until = time.monotonic() + 120
    while count() < before + MESSAGES and time.monotonic() < until:
        looked = time.thread_time()
        time.sleep(0.02)
        idle += time.thread_time() - looked
    spent = time.process_time() - begun - idle
    publish_thread.join()
    taken = count() - before
    if taken < MESSAGES:
        raise SystemExit(f"{taken} of {MESSAGES} health messages came")
    return taken / spent


def _kept(centre: Centre) -> int:
    return sum(member.messages for member in centre.fleet.members())


def _ours(centre: Centre, port: int, publish: Callable[[list[tuple[str, str]]], None], turn: int) -> float:
    """The hub's own line in this process; it stands in its own rounds only."""
    link = Link(centre, Writer(centre.store, centre.ring), BrokerAddress("127.0.0.1", port, "hub", "", "hub"))
    thread = threading.Thread(target=link.run)
    thread.start()
    link.subscribed.wait(30)
    time.sleep(1.0)  # it greets every station first
    try:
        return _rate(lambda: _kept(centre), lambda: publish(_messages(f"session {turn}")))
    finally:
        link.stop()
        thread.join()


def _bare(port: int, publish: Callable[[list[tuple[str, str]]], None], turn: int) -> float:
    taken = [0]
    ready = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)

    def on_message(*_: object) -> None:
        taken[0] += 1

    client.on_message = on_message
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", port)
    client.subscribe("tq/v1/s/+/health", 0)
    client.loop_start()
    ready.wait(30)
    try:
        return _rate(lambda: taken[0], lambda: publish(_messages(f"bare {turn}")))
    finally:
        client.disconnect()
        client.loop_stop()


@contextmanager
def _mosquitto(folder: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    with subprocess.Popen([program, "-c", folder / "mosquitto.conf"], stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.02)
            yield port
        finally:
            process.terminate()


@contextmanager
def _publisher(port: int) -> Iterator[Callable[[list[tuple[str, str]]], None]]:
    command = [sys.executable, "-c", PUBLISHER, str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        given, heard = process.stdin, process.stdout

        def publish(messages: list[tuple[str, str]]) -> None:
            given.write(json.dumps(messages) + "\n")
            given.flush()
            heard.readline()

        try:
            yield publish
        finally:
            given.close()
            process.wait(30)


@contextmanager
def _centre(folder: Path) -> Iterator[Centre]:
    store, ring = open_store(Settings(data=str(folder / "hub")))
    registry.import_people(store, ring, people.parse(json.dumps({"places": [PLACE]}).encode(), "people.json"))
    with store.writing() as connection:
        for number in range(STATIONS):
            fleet.add_station(connection, f"gate-{number}", "cho", GateKind.VENUE, datetime.now(UTC))
    try:
        yield Centre(store, ring)
    finally:
        store.close()


# the station


def _looking(folder: Path, told: Callable[[str], None]) -> Row:
    told(f"a station for {RUN_SECONDS:.0f} s")
    settings = config.read(f'[station]\nname = "bench"\ndata = "{folder / "station"}"\n{DEVICES}')
    with ExitStack() as stack:
        station = Station(settings, stack)
        run = threading.Thread(target=station.service.run)
        run.start()
        try:
            clock = _clock_of("health")
            began, spent = time.monotonic(), time.clock_gettime(clock)
            time.sleep(RUN_SECONDS)
            share = (time.clock_gettime(clock) - spent) / (time.monotonic() - began)
        finally:
            station.service.stop.set()
            run.join()
    share += _picture()
    told(f"  {share:.3%} of a core")
    return Row(
        name="a station's health, of one core",
        unit="%",
        ours=round(share * 100, 3),
        against=None,
        ratio=None,
        bar=0.5,
        sense="at_most",
        n=round(RUN_SECONDS),
        holds=share < 0.005,
    )


def _clock_of(name: str) -> int:
    """The processor clock of the thread that goes by a name."""
    while True:
        for thread in threading.enumerate():
            if thread.name == name and thread.ident is not None:
                return time.pthread_getcpuclockid(thread.ident)
        time.sleep(0.01)


def _picture() -> float:
    """Seconds of processor time that the camera's thread spends on one measured picture of 1280 by 720."""
    frame = plane_of(Image.effect_noise((1280, 720), 40))
    begun = time.thread_time()
    for _ in range(100):
        look_at(frame)
    return (time.thread_time() - begun) / 100
