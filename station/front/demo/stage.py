"""The demo's stage: everything that one station needs around it, in a temporary folder and on free loopback ports."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
import tty
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final

from core.model import Direction, GateKind
from station.front.cable import Address, Cable
from station.front.demo.fleet import READY, Wall, start_fleet
from station.front.demo.processes import DemoError, Interrupted, Part, await_part, program, run_once
from station.front.tray import CABLE, CAST, Cast, read_cast
from station.sections import Transport

PEOPLE: Final = 300
NAME: Final = "demo-1"
_UP_WITHIN: Final = 120.0
_DEADLINE: Final = 5000
"""Milliseconds that the station waits for its hub: a demo shares its machine with hub, broker and browser."""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How the demo is wanted: ``port`` 0 takes a free one, ``journal_bytes`` None the station's own limit.

    ``fleet`` is how many invented stations there are beside the one; with them the hub's wall can be looked at.
    """

    gate: GateKind = GateKind.VENUE
    direction: Direction = Direction.IN
    transport: Transport = "mqtt"
    port: int = 0
    people: int = PEOPLE
    fleet: int = 0
    journal_bytes: int | None = None


@dataclass(frozen=True)
class Stage:
    """A demo that is up: where its page is, its folder, its parts, and the far end of its serial scanner.

    ``wall`` is where the fleet can be looked at, None without one.
    """

    url: str
    page: Address
    folder: Path
    cast: Cast
    parts: tuple[Part, ...]
    serial: int
    wall: Wall | None = None

    @property
    def config(self) -> Path:
        """The station's configuration."""
        return self.folder / "config.toml"

    @property
    def cable(self) -> Path:
        """The socket of the network switch."""
        return self.folder / CABLE

    @property
    def journal(self) -> Path:
        """The station's journal."""
        return self.folder / "station" / "journal.db"

    @property
    def hub(self) -> Path:
        """The hub's data."""
        return self.folder / "hub"

    def check(self) -> None:
        """``DemoError`` when a part has ended by itself."""
        for part in self.parts:
            part.check()


class Telling:
    """Progress for whoever waits: one line on standard error for each step, with how long it took."""

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """Say what is being done, and when it is."""
        begun = time.monotonic()
        self._write(f"demo: {doing} …")
        try:
            yield
        except BaseException:
            self._write(" not done\n")
            raise
        self._write(f" {time.monotonic() - begun:.1f} s\n")

    def _write(self, text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


@contextmanager
def staged(wishes: Wishes, stop: threading.Event) -> Iterator[Stage]:
    """Everything up while the block lasts, and nothing of it after; ``DemoError`` when a part cannot be had."""
    tell = Telling()
    with ExitStack() as stack, _page_port(wishes.port) as port:
        folder = Path(tempfile.mkdtemp(prefix="tram-quet-demo-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        with tell.step("inventing a province"):
            own = _found_hub(folder, wishes, stop)
        with tell.step("starting hub and broker"):
            hub, ready = _start_hub(folder, stack, stop)
        cable = Cable(folder / CABLE)
        http, mqtt = cable.lay(_address(ready["http"])), cable.lay(_address(ready["mqtt"]))
        stack.enter_context(cable)
        serial, line = _serial_line(stack)
        text = _configuration(folder, wishes, own, port=port, http=http, mqtt=mqtt, serial=line)
        (folder / "config.toml").write_text(text, "utf-8")
        with tell.step("starting the station"):
            station = _start_station(folder, port, stack, stop)
        parts, wall = [hub, station], None
        if wishes.fleet:
            with tell.step(f"starting {wishes.fleet} invented stations"):
                invented, wall = start_fleet(folder, ready["http"], wishes.fleet, stack, stop)
                parts.append(invented)
        page = ("127.0.0.1", port)
        cast = read_cast(folder)
        yield Stage(f"http://127.0.0.1:{port}/", page, folder, cast, tuple(parts), serial, wall)


@contextmanager
def _page_port(wanted: int) -> Iterator[int]:
    """The page's port, tried out now, so that a taken one is told before anything is started.

    While the block lasts the system gives it to nobody who asks for any; the station asks for it by number.
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            keeper.bind(("127.0.0.1", wanted))
        except (OSError, OverflowError) as error:
            problem = getattr(error, "strerror", None) or error
            cure = "choose another with --port, or leave it out for a free one"
            raise DemoError(f"port {wanted} is not to be had: {problem}; {cure}") from error
        yield int(keeper.getsockname()[1])


def _found_hub(folder: Path, wishes: Wishes, stop: threading.Event) -> Mapping[str, Mapping[str, str]]:
    """A hub with a province in it; the station's own settings as the hub prints them."""
    files = ("--data", folder / "hub", "--cast", folder / CAST, "--trust", folder / "trust")
    found = ("--people", wishes.people, "--found", NAME, "--kind", wishes.gate.value)
    own: dict[str, dict[str, str]] = json.loads(
        run_once(program("hub", "demo-province", *map(str, (*files, *found))), stop)
    )
    return own


def _start_hub(folder: Path, stack: ExitStack, stop: threading.Event) -> tuple[Part, Mapping[str, str]]:
    ready = folder / READY
    ports = ("--host", "127.0.0.1", "--port", "0", "--broker", "--broker-port", "0")
    command = program("hub", "serve", "--data", str(folder / "hub"), *ports, "--ready", str(ready))
    hub = stack.enter_context(Part("hub", command, folder / "hub.log"))
    await_part(hub, ready.exists, _UP_WITHIN, stop)
    said: dict[str, str] = json.loads(ready.read_bytes())
    if not said.get("mqtt"):
        raise DemoError(f"the hub has no broker; it said:\n{hub.last_words()}")
    return hub, said


def _serial_line(stack: ExitStack) -> tuple[int, str]:
    """A pseudo-terminal: our end, and the path of the end that the station opens as its serial scanner."""
    ours, theirs = os.openpty()
    for end in (ours, theirs):  # theirs stays open here too, so that ours never hears a hang-up
        stack.callback(os.close, end)
    tty.setraw(theirs)
    return ours, os.ttyname(theirs)


def _start_station(folder: Path, port: int, stack: ExitStack, stop: threading.Event) -> Part:
    command = program("station", "run", "--config", str(folder / "config.toml"))
    station = stack.enter_context(Part("station", command, folder / "station.log"))

    def is_up() -> bool:
        return _answers(port)

    await_part(station, is_up, _UP_WITHIN, stop)
    return station


def _answers(port: int) -> bool:
    line = HTTPConnection("127.0.0.1", port, timeout=2)
    with contextlib.closing(line), contextlib.suppress(OSError, HTTPException):
        line.request("GET", "/facts")
        return line.getresponse().status == 200
    return False


def _address(text: str) -> Address:
    host, _, port = text.removeprefix("http://").rpartition(":")
    return host.strip("[]"), int(port)


def _configuration(
    folder: Path,
    wishes: Wishes,
    own: Mapping[str, Mapping[str, str]],
    *,
    port: int,
    http: Address,
    mqtt: Address,
    serial: str,
) -> str:
    """The station's config.toml: the hub's sheet, simulated devices, and everything through the cable."""
    sections: dict[str, dict[str, object]] = {
        "[station]": {**own["station"], "direction": wishes.direction.value, "data": str(folder / "station")},
        "[hub]": {
            **own["hub"],
            "url": "http://{}:{}".format(*http),
            "lookups": wishes.transport,
            "checkins": wishes.transport,
            "deadline_ms": _DEADLINE,
        },
        "[mqtt]": {"host": mqtt[0], "port": mqtt[1], "keepalive": 5} if wishes.transport == "mqtt" else {},
        "[journal]": {} if wishes.journal_bytes is None else {"max_bytes": wishes.journal_bytes},
        "[trust]": {"folder": str(folder / "trust")},
        "[front]": {"enabled": True, "listen": f"127.0.0.1:{port}", "demo": str(folder)},
        "[camera]": {"driver": "sim", "width": 960, "height": 720, "rate": 12.0},
        "[[scanner]] # keys": {"driver": "sim"},
        "[[scanner]] # bytes": {"driver": "serial", "port": serial},
        **{f"[{name}]": {"driver": "sim"} for name in ("led", "buzzer", "display", "relay", "buttons")},
    }
    return "\n".join(f"{head}\n{_toml(keys)}" for head, keys in sections.items() if keys)


def _toml(keys: Mapping[str, object]) -> str:
    return "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in keys.items())


def wait_for_end(stage: Stage, stop: threading.Event) -> None:
    """Until ``stop``; ``DemoError`` when a part ends by itself."""
    while not stop.wait(0.2):
        stage.check()


__all__ = ["DemoError", "Interrupted", "Stage", "Wishes", "staged", "wait_for_end"]
