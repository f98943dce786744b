"""From the frame's arrival to the lamp's pin, beside the bare parts a presentation cannot do without.

Ours: a whole station (camera loop, queue, gate, journal, gpiozero pin) in this process, asking a real hub.  Bare: the
same frame through zxing-cpp, one HPKE seal, one INSERT committed with synchronous=FULL on the same disk, and one
request to the same hub (a requests session, or a paho publish and its answer).  One presentation of each in turn.
"""

from __future__ import annotations

import base64
import queue
import secrets
import shutil
import sqlite3
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gpiozero
import msgspec
import paho.mqtt.client as mqtt
import requests
import segno
import zxingcpp
from gpiozero.pins.mock import MockFactory, MockPin
from msgspec.structs import replace
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from PIL import Image

from bench.centre import Centre, number, running
from bench.rows import Row
from core import keys, wire
from core.model import GateKind, Scheme
from drivers.frame import Frame
from station import config
from station.app import Station
from station.settings import Settings

PRESENTATIONS = 500
PIN = 17
DEVICES = """
[camera]
driver = "sim"
[led]
driver = "pair"
green = 17
red = 27
"""

_lit = threading.Event()
_lit_at = 0.0


class WatchedPin(MockPin):
    """gpiozero's mock pin, telling when a lamp's level went up."""

    def _change_state(self, value: bool) -> bool:
        global _lit_at
        changed = super()._change_state(value)
        if changed and value:
            _lit_at = time.perf_counter()
            _lit.set()
        return changed


class Feed:
    """A camera that gives the bench's frames and says when each arrived."""

    def __init__(self) -> None:
        self.frames: queue.Queue[Frame] = queue.Queue()
        self.arrived = 0.0

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def frame(self, timeout: float) -> Frame | None:
        """The next frame, stamped as it arrives."""
        try:
            frame = self.frames.get(timeout=timeout)
        except queue.Empty:
            return None
        self.arrived = time.perf_counter()
        return frame


def frames() -> list[Frame]:
    """One 640×480 frame a person, each with the payload of a synthetic chip ID card."""
    made = []
    for person in range(PRESENTATIONS):
        text = f"{number(person)}||Nguyễn Thử {person}|01011990|Nam|thôn Thử, xã Thử, Huế|01012021"
        code = segno.make(text.encode(), error="m")
        matrix = [0 if dark else 235 for line in code.matrix_iter(border=4) for dark in line]
        side = code.symbol_size(border=4)[0]
        picture = Image.new("L", (side, side))
        picture.putdata(matrix)
        wall = Image.new("L", (640, 480), 118)
        wall.paste(picture.resize((side * 6, side * 6), Image.Resampling.NEAREST), (120, 20))
        made.append(Frame(memoryview(wall.tobytes()), 640, 480, 640, person))
    return made


def measure(folder: Path, told: Callable[[str], None]) -> list[Row]:
    """Rows for HTTP and for MQTT."""
    gpiozero.Device.pin_factory = MockFactory(pin_class=WatchedPin)
    shutil.rmtree(folder, ignore_errors=True)
    pictures = frames()
    rows = []
    with running(folder, PRESENTATIONS) as centre:
        for transport in ("http", "mqtt"):
            told(f"{PRESENTATIONS} presentations over {transport}")
            ours, bare = _alternate(centre, transport, pictures)
            ratio = statistics.median(ours) / statistics.median(bare)
            rows.append(
                Row(
                    name=f"frame arrival to lamp pin over {transport.upper()}, median",
                    unit="ms",
                    ours=round(statistics.median(ours), 3),
                    against=round(statistics.median(bare), 3),
                    ratio=round(ratio, 3),
                    bar=1.3,
                    sense="at_most",
                    n=len(ours),
                    holds=ratio <= 1.3,
                )
            )
            told(f"  ours {_spread(ours)} ms, bare {_spread(bare)} ms, ratio {ratio:.2f}")
    return rows


def _spread(taken: list[float]) -> str:
    quarters = statistics.quantiles(taken, n=20)
    return f"{statistics.median(taken):.2f} ({quarters[0]:.2f} to {quarters[-1]:.2f})"


def _alternate(centre: Centre, transport: str, pictures: list[Frame]) -> tuple[list[float], list[float]]:
    text = centre.station(f"bench-{transport}", transport)
    feed = Feed()
    settings = replace(config.read(text + DEVICES), camera=feed)
    ours: list[float] = []
    bare: list[float] = []
    with ExitStack() as stack:
        station = Station(settings, stack)
        thread = threading.Thread(target=station.service.run)
        thread.start()
        stack.callback(thread.join)
        stack.callback(station.service.stop.set)
        parts = stack.enter_context(_Bare(settings, transport, centre.folder))
        _wait_for_policy(station)
        for number, picture in enumerate(pictures):  # a picture is cold for who comes first: each in turn
            if number % 2:
                bare.append(parts.run(picture))
            ours.append(_present(station, feed, picture))
            if not number % 2:
                bare.append(parts.run(picture))
    return ours, bare


def _wait_for_policy(station: Station) -> None:
    until = time.monotonic() + 20
    while station.policies.newest == 0 or station.hub_problem:
        if time.monotonic() > until:
            raise SystemExit(f"the station does not get its policy: {station.hub_problem}")
        time.sleep(0.05)


def _present(station: Station, feed: Feed, picture: Frame) -> float:
    _lit.clear()
    feed.frames.put(picture)
    if not _lit.wait(10):
        raise SystemExit(f"no lamp lit: {station.figures.outcomes()}")
    took = (_lit_at - feed.arrived) * 1000
    while station.journal.backlog().rows:  # what the sync loop does then is nobody's wait
        time.sleep(0.002)
    station.panel.tick(station._idle(), time.monotonic() + 60)
    return took


class _Bare:
    """The parts alone."""

    def __init__(self, settings: Settings, transport: str, folder: Path) -> None:
        self._settings, self._transport = settings, transport
        self._hub = settings.hub.sealing_key
        self._seal = keys.Sealer(self._hub)
        self._db = sqlite3.connect(folder / f"bare-{transport}.db", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("CREATE TABLE rows (seq INTEGER PRIMARY KEY, raw BLOB)")
        self._seq = 0
        self._ask = self._over_http() if transport == "http" else self._over_mqtt()

    def __enter__(self) -> _Bare:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()
        if self._transport == "mqtt":
            self._client.disconnect()
            self._client.loop_stop()

    def run(self, picture: Frame) -> float:
        begun = time.perf_counter()
        pixels = picture.pixels.cast("B", (picture.height, picture.stride))
        found = zxingcpp.read_barcodes(pixels, formats=zxingcpp.BarcodeFormat.QRCode)
        who = found[0].bytes[:12].decode()
        self._ask(who)
        sealed = self._seal.seal(who.encode() * 4, b"bench")
        self._db.execute("BEGIN IMMEDIATE")
        self._seq += 1
        self._db.execute("INSERT INTO rows VALUES (?, ?)", (self._seq, sealed * 4))
        self._db.execute("COMMIT")
        return (time.perf_counter() - begun) * 1000

    def _over_http(self) -> Callable[[str], None]:
        session = requests.Session()
        session.trust_env = False  # as ours: neither looks for proxies and passwords at each request
        headers = {"Authorization": f"Bearer {self._settings.hub.token}", "Content-Type": "application/json"}
        url = f"{self._settings.hub.url}/v1/lookup"

        def ask(who: str) -> None:
            body = wire.encode(wire.Ask(wire.Who(Scheme.CITIZEN, who), GateKind.VENUE, datetime.now(UTC)))
            session.post(url, data=body, headers=headers, timeout=5).raise_for_status()

        return ask

    def _over_mqtt(self) -> Callable[[str], None]:
        """A second client with the station's name would throw the station off: it has one of its own."""
        name = self._settings.station.name
        private, public = keys.new_sealing_key()
        channel, key = keys.AskingChannel.station(private, self._hub), keys.encode_key(public)
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"{name}-bare", protocol=mqtt.MQTTv5)
        client.username_pw_set(self._settings.mqtt_username, self._settings.mqtt_password)
        answers: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        listening = threading.Event()
        client.on_socket_open = lambda _c, _d, sock: sock.setsockopt(6, 1, 1)  # TCP_NODELAY
        client.on_connect = lambda c, *_: c.subscribe(f"tq/v1/s/{name}/answer")
        client.on_subscribe = lambda *_: listening.set()
        client.on_message = lambda _c, _d, message: answers.put(message.payload)
        client.connect(*self._settings.mqtt.address)
        client.loop_start()
        if not listening.wait(10):
            raise SystemExit("the bare client may not listen to answers")
        self._client = client

        def ask(who: str) -> None:
            ask_id = secrets.token_hex(8)
            now = datetime.now(UTC)
            plain = wire.encode(wire.Ask(wire.Who(Scheme.CITIZEN, who), GateKind.VENUE, now))
            box = base64.b64encode(channel.seal_ask(plain, ask_id)).decode()
            reply = f"tq/v1/s/{name}/answer"
            properties = Properties(PacketTypes.PUBLISH)
            properties.MessageExpiryInterval = 5
            sealed = wire.SealedAsk(ask_id, key, box, reply, now + timedelta(seconds=5))
            client.publish(f"tq/v1/s/{name}/ask", wire.encode(sealed), properties=properties)
            while True:
                answer = msgspec.json.decode(answers.get(timeout=5), type=wire.SealedAnswer)
                if answer.id == ask_id:
                    channel.open_answer(base64.b64decode(answer.box), ask_id)
                    return

        return ask
