"""The hub's loops: started in order, ended in reverse; a loop that dies ends the process and says its name."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import uvicorn
from litestar.types import ASGIApp

from hub.centre import Centre
from hub.config import Settings
from hub.custody import keeper
from hub.doors import api
from hub.doors.broker import HUB_USER, Broker
from hub.doors.correlation import Correlated
from hub.doors.home_assistant import Herald
from hub.doors.link import Link
from hub.doors.metrics import serving
from hub.doors.short_way import ShortWay
from hub.doors.snapshot_line import SnapshotLine
from hub.doors.wires import BrokerAddress, own_client_id
from hub.errors import ConfigError, Unavailable
from hub.journals.messages import RECEIVED_AT_MOST
from hub.journals.second_look import SecondLook
from hub.journals.writer import Writer
from hub.key_watch import KeyWatch
from hub.lead import Lead
from hub.opening import open_store
from hub.province.opening import open_desk
from hub.province.outage import Outage
from hub.snapshots.nightly import Nightly
from hub.snapshots.shelf import Shelf
from hub.stations import fleet
from hub.storage.store import Store
from hub.storage.weather import Weather
from hub.telling.teller import Teller
from hub.telling.ways import ways
from hub.watchman import Watchman
from hub.web import safety
from hub.web.fleet.lines import Board
from hub.web.site import Site

log = logging.getLogger(__name__)

WATCH_SECONDS = 1.0
GRACE_SECONDS = 3
LINK_SECONDS = 5.0
SWITCH_SECONDS = 0.001  # a look-up must not wait out the interpreter's usual 5 ms behind a backlog being opened


class Ready(msgspec.Struct, frozen=True):
    """Where the hub can be reached; written as JSON to ``--ready FILE`` when it can be."""

    http: str
    mqtt: str
    pid: int


class Loops:
    """Threads with names; the first that dies of an error ends the server."""

    def __init__(self) -> None:
        self.died = ""
        self._ended = False
        self._server: uvicorn.Server | None = None

    def end(self) -> None:
        """Has the server end, now or as soon as it begins."""
        self._ended = True
        if self._server is not None:
            self._server.should_exit = True

    def serve(self, server: uvicorn.Server, listener: socket.socket) -> None:
        """Answers HTTP in the calling thread until the end."""
        self._server = server
        if self._ended:
            server.should_exit = True
        server.run(sockets=[listener])
        if not server.started:
            self.died = self.died or "http"  # the database went away just then, say

    @contextmanager
    def running(self, name: str, body: Callable[[], None], stop: Callable[[], None]) -> Iterator[None]:
        """Runs ``body`` beside; stops it and waits for its end on leaving."""
        thread = threading.Thread(target=self._guarded, args=(name, body), name=name)
        thread.start()
        try:
            yield
        finally:
            stop()
            thread.join()

    def _guarded(self, name: str, body: Callable[[], None]) -> None:
        try:
            body()
        except Exception:  # the loop's last words, whatever it died of
            log.critical("a loop died", extra={"loop": name}, exc_info=True)
            self.died = name
            self.end()


def serve(settings: Settings, ready: Path | None = None) -> int:
    """Runs the hub until it is told to stop; the exit code."""
    sys.setswitchinterval(SWITCH_SECONDS)
    loops = Loops()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loops.end())
    with ExitStack() as stack:
        store, ring = open_store(settings)
        stack.callback(store.close)
        keeper.catch_up(store, ring, settings, datetime.now(UTC))
        centre = Centre(store, ring)
        centre.lead = Lead(store)
        stack.callback(centre.lead.close)
        keys = KeyWatch(centre, settings.folder / "keys")
        keys.step(datetime.now(UTC))  # before any station asks
        centre.refresh()
        centre.province = open_desk(settings.province, ring, centre.tally)
        if centre.province is not None:
            stack.enter_context(loops.running("province", centre.province.run, centre.province.stop))
        listener = stack.enter_context(_listen(settings.http.host, settings.http.port))
        broker = _broker(settings, store)
        address = _broker_address(settings, stack.enter_context(broker) if broker else None)
        writer = Writer(store, ring)
        stack.enter_context(loops.running("writer", writer.run, writer.stop))
        link = Link(centre, writer, address) if address else None
        if link is not None:
            writer.moved = link.moved
            stack.enter_context(loops.running("link", link.run, link.stop))
        watchman = Watchman(centre, link.subscribed.is_set if link is not None else lambda: True)
        stack.enter_context(loops.running("watchman", watchman.run, watchman.stop))
        keeping = keeper.Keeper(store, ring, settings)
        stack.enter_context(loops.running("keeper", keeping.run, keeping.stop))
        again = SecondLook(store, ring, lambda: centre.leads, lambda: writer.busy)
        stack.enter_context(loops.running("second look", again.run, again.stop))
        if told := ways(settings.alarms):
            teller = Teller(store, settings.alarms, told, centre.tally)
            stack.enter_context(loops.running("teller", teller.run, teller.stop))
        if settings.metrics.enabled:
            stack.enter_context(serving(settings.metrics, Board(centre)))
        if settings.home_assistant.host:
            name = own_client_id(settings.folder)
            herald = Herald(Board(centre), settings.home_assistant, name, lambda: centre.leads)
            stack.enter_context(loops.running("home assistant", herald.run, herald.stop))
        if settings.snapshots.enabled:
            centre.shelf = Shelf(settings.shelf, ring)
            nightly = Nightly(store, centre.shelf, settings)
            stack.enter_context(loops.running("snapshots", nightly.run, nightly.stop))
        if address is not None:
            line = SnapshotLine(centre, address)
            stack.enter_context(loops.running("snapshot line", line.run, line.stop))
        stop = threading.Event()
        stack.enter_context(loops.running("watch", lambda: _watch(centre, keys, broker, link, stop), stop.set))
        reached = Ready(_address(listener), f"{address.host}:{address.port}" if address else "", os.getpid())
        site = Site(centre, settings)
        doors = api.Doors(centre, writer)
        app = ShortWay(api.build(doors, site), doors, safety.https_only(settings.web.is_https))
        proxies = settings.web.trusted_proxies
        loops.serve(_Server(app, proxies, lambda: _announce(reached, link, ready), site.ending.set), listener)
    log.info("ended", extra={"died": loops.died})
    return os.EX_SOFTWARE if loops.died else os.EX_OK


def _broker(settings: Settings, store: Store) -> Broker | None:
    if not settings.broker.start:
        return None
    broker = Broker(settings.folder / "broker", settings.broker.host, settings.broker.port)
    _admit(broker, store)
    return broker


def _broker_address(settings: Settings, broker: Broker | None) -> BrokerAddress | None:
    if broker is not None:
        return BrokerAddress(broker.host, broker.port, HUB_USER, broker.password, "hub")
    mqtt = settings.mqtt
    if not mqtt.host:
        return None
    try:
        password = Path(mqtt.password_file).read_text().strip() if mqtt.password_file else ""
    except OSError as error:
        raise ConfigError(f"mqtt.password_file {mqtt.password_file}: {error.strerror or error}") from error
    client_id = mqtt.client_id or own_client_id(settings.folder)
    return BrokerAddress(mqtt.host, mqtt.port, mqtt.user, password, client_id, mqtt.shared)


def _watch(centre: Centre, keys: KeyWatch, broker: Broker | None, link: Link | None, stop: threading.Event) -> None:
    """Notices what other processes changed in the database, a broker that died and a province system that is down."""
    outage = Outage(centre.store, centre.province) if centre.province is not None else None
    weather = Weather("what other processes change in the database is not seen now")
    while not stop.wait(WATCH_SECONDS):
        if centre.lead is not None:
            centre.lead.look()
        keys.step(datetime.now(UTC))
        if outage is not None:
            outage.step(datetime.now(UTC))
        if broker is not None:
            broker.check()
            for user in broker.oversized():
                centre.refuse("line", f"larger than {RECEIVED_AT_MOST} bytes: the broker cut its line", user)
        with weather.outlasting():
            centre.refresh()
            if broker is not None:
                _admit(broker, centre.store)
        if link is not None:
            link.ring()


def _admit(broker: Broker, store: Store) -> None:
    with store.reading() as connection:
        broker.admit(fleet.broker_hashes(connection), fleet.at_places(connection))


def _listen(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port), backlog=1024)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # every line inherits it; without it 40 ms
        return listener
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {host}:{port}: {error.strerror or error}; choose another http.port"
        ) from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"{host}:{port}"


class _Server(uvicorn.Server):
    def __init__(
        self,
        app: ASGIApp,
        trusted_proxies: tuple[str, ...],
        started: Callable[[], None],
        ending: Callable[[], None],
    ) -> None:
        super().__init__(
            uvicorn.Config(
                Correlated(app),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=GRACE_SECONDS,
                lifespan="on",
                forwarded_allow_ips=list(trusted_proxies),
            )
        )
        self._started, self._ending = started, ending

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to ``serve``: uvicorn would raise them again at its end, before the other loops have ended."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Says that the hub can be reached once it can."""
        await super().startup(sockets)
        await asyncio.to_thread(self._started)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Has what streams to browsers end, and then waits for every answer that is under way."""
        self._ending()
        await super().shutdown(sockets)


def _announce(ready: Ready, link: Link | None, path: Path | None) -> None:
    if link is not None and not link.subscribed.wait(LINK_SECONDS):
        log.warning("ready without the broker; still trying", extra={"broker": ready.mqtt})
    log.info("ready", extra=msgspec.structs.asdict(ready))
    if path is not None:
        beside = path.with_name(path.name + ".new")
        beside.write_bytes(msgspec.json.encode(ready))
        beside.replace(path)
