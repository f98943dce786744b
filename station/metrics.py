"""The page that Prometheus fetches: one small server on a thread of its own, off unless it is asked for."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer
from typing import Any

from core.health import Health
from station.errors import ConfigError
from station.exposition import CONTENT_TYPE, exposition
from station.sections import Metrics

log = logging.getLogger(__name__)

PATH = "/metrics"
_PATIENCE = 5.0
"""Seconds for one request: there is one thread, and nobody may hold it."""


@contextmanager
def serving(section: Metrics, figures: Callable[[], Health | None]) -> Iterator[tuple[str, int]]:
    """Answers with the figures of now until the block ends; gives the address.

    ``ConfigError`` when that is not to be had.
    """

    kind = _Server6 if ":" in section.address[0] else _Server
    try:
        server = kind(section.address, partial(_Page, figures))
    except OSError as error:
        cure = "choose another port, or an address of this board"
        raise ConfigError("config.toml", [f"[metrics] listen: {error.strerror or error}; {cure}"]) from error
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.2,), name="metrics", daemon=True)
        thread.start()
        log.info("metrics", extra={"listen": f"{section.address[0]}:{server.server_address[1]}"})
        try:
            yield section.address[0], server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class _Server(TCPServer):
    allow_reuse_address = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Page(BaseHTTPRequestHandler):
    timeout = _PATIENCE
    server_version = "station"
    sys_version = ""

    def __init__(self, figures: Callable[[], Health | None], *given: Any) -> None:  # noqa: ANN401  # socketserver's own
        self._figures = figures
        super().__init__(*given)

    def do_GET(self) -> None:
        """The one page there is."""
        figures = self._figures()
        if self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND, f"there is only {PATH}")
        elif figures is None:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "nothing has been measured yet")
        else:
            body = exposition(figures).encode()
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Fetched every few seconds: not worth a line each."""
