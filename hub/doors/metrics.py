"""The page that Prometheus fetches from the hub: a small server of its own, off unless it is asked for."""

from __future__ import annotations

import hmac
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import TCPServer
from typing import Any

from hub.config import MetricsSettings
from hub.doors.exposition import CONTENT_TYPE, exposition
from hub.errors import ConfigError, Unavailable
from hub.storage.weather import AWAY
from hub.web.fleet.lines import Board

log = logging.getLogger(__name__)

PATH = "/metrics"
PATIENCE = 5.0
"""Seconds for one request: there is one thread, and nobody may hold it."""


@contextmanager
def serving(settings: MetricsSettings, board: Board) -> Iterator[int]:
    """Answers until the block ends; gives the port.

    ``Unavailable`` when that is not to be had, ``ConfigError`` for a token that cannot be read.
    """
    try:
        token = Path(settings.token_file).read_text().strip() if settings.token_file else ""
    except OSError as error:
        raise ConfigError(f"metrics.token_file {settings.token_file}: {error.strerror or error}") from error
    page = partial(_Page, board, token, settings.stations)
    try:
        server = (_Server6 if ":" in settings.host else _Server)((settings.host, settings.port), page)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise Unavailable(f"metrics: {where}: {error.strerror or error}; choose another metrics.port") from error
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.2,), name="metrics")
        thread.start()
        port = int(server.server_address[1])
        log.info("metrics", extra={"listen": f"{settings.host}:{port}"})
        try:
            yield port
        finally:
            server.shutdown()
            thread.join()


class _Server(TCPServer):
    allow_reuse_address = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Page(BaseHTTPRequestHandler):
    timeout = PATIENCE
    server_version = "hub"
    sys_version = ""

    def __init__(self, board: Board, token: str, stations: bool, *given: Any) -> None:  # noqa: ANN401  # socketserver's own
        self._board, self._token, self._stations = board, token, stations
        super().__init__(*given)

    def do_GET(self) -> None:
        """The one page there is."""
        if self._token and not hmac.compare_digest(
            self.headers.get("Authorization", "").encode(), f"Bearer {self._token}".encode()
        ):
            self.send_error(HTTPStatus.UNAUTHORIZED, "a bearer token is needed: metrics.token_file has it")
        elif self.path.partition("?")[0] != PATH:
            self.send_error(HTTPStatus.NOT_FOUND, f"there is only {PATH}")
        else:
            self._tell()

    def _tell(self) -> None:
        try:
            body = exposition(self._board.look(), self._board.dropped(), stations=self._stations).encode()
        except AWAY:
            self.send_error(HTTPStatus.SERVICE_UNAVAILABLE, "the database is busy or away")
        else:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Fetched every few seconds: not worth a line each."""
