"""The front-panel page's server: beside the station's loops, with threads of its own, in nobody's way.

waitress serves it: bounded in threads, connections and bytes, and every piece of a stream leaves as soon as it is
there (``send_bytes`` is 1).
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from waitress import wasyncore
from waitress.server import create_server

from station.front.broadcast import MOST_LISTENERS
from station.front.cable import Switch
from station.front.front import Front
from station.front.parts import FrontParts
from station.front.site import LARGEST_BODY, site
from station.front.tray import CABLE, Tray, read_cast
from station.sections import Front as Section

log = logging.getLogger(__name__)

_THREADS: Final = MOST_LISTENERS + 4  # each listener keeps one, the rest answer requests
_CONNECTIONS: Final = 60
_END_WITHIN: Final = 5.0
_LONGEST_WAIT: Final = 1.0  # seconds; after each, waitress looks for connections that have gone quiet


@dataclass(frozen=True, slots=True)
class Opened:
    """A page that is being served, and where."""

    front: Front
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/"


@contextmanager
def start(section: Section, parts: FrontParts) -> Iterator[Opened | None]:
    """Serves the page while the block lasts; gives None, and says why, when the port is not to be had.

    A page that cannot be opened keeps no gate from working.  ``CastError`` when the demo's tray cannot be read.
    """
    tray = switch = None
    if section.demo is not None:
        tray = Tray.of(read_cast(section.demo), parts.doorway.kind, parts.doorway.direction)
        switch = Switch(section.demo / CABLE)
    with Front(parts, tray, switch) as front:
        try:
            door = _door(*section.address)
        except OSError as error:
            cure = "close what listens there, or choose another [front] listen"
            log.error("no front panel", extra={"listen": section.listen, "problem": error.strerror, "cure": cure})
            yield None
            return
        with _running(front, door):
            host, port = door.getsockname()[:2]
            opened = Opened(front, host, port)
            log.info("front panel", extra={"url": opened.url})
            yield opened


def _door(host: str, port: int) -> socket.socket:
    """A listening socket; ``OSError`` when the port is not to be had."""
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)


@contextmanager
def _running(front: Front, door: socket.socket) -> Iterator[None]:
    sockets: dict[int, Any] = {}
    server: Any = create_server(
        site(front),
        map=sockets,
        sockets=[door],
        threads=_THREADS,
        connection_limit=_CONNECTIONS,
        max_request_body_size=LARGEST_BODY,
        ident="",
        clear_untrusted_proxy_headers=True,
    )
    stop = threading.Event()
    thread = threading.Thread(target=_serve, args=(sockets, stop), name="front server", daemon=True)
    thread.start()
    try:
        yield
    finally:
        front.broadcast.end()
        server.task_dispatcher.shutdown(timeout=_END_WITHIN)  # first: its threads still wake the loop
        stop.set()
        server.pull_trigger()
        thread.join(_END_WITHIN)
        # Only now, and here: a loop that closes its own trigger can do so between a waker's decision and its write.
        wasyncore.close_all(sockets)


def _serve(sockets: dict[int, Any], stop: threading.Event) -> None:
    while not stop.is_set():
        wasyncore.loop(_LONGEST_WAIT, map=sockets, count=1)
