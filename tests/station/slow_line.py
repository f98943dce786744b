"""A slow line to a hub: everything a station sends goes through one queue at so many bytes a second, as by a modem."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from urllib.parse import urlsplit

_PIECE = 256
_WAITING = 64
"""Pieces that lie in the modem before it takes no more."""


class SlowLine:
    """Listens at ``url`` and carries to the hub behind it; ``close`` ends it."""

    def __init__(self, hub: str, rate: float) -> None:
        there = urlsplit(hub)
        self._there = (there.hostname, there.port)
        self._rate = rate
        self._modem: queue.Queue[tuple[socket.socket, bytes] | None] = queue.Queue(_WAITING)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        for work in (self._accept, self._carry):
            threading.Thread(target=work, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._there)
                near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                self._open += [near, far]
                threading.Thread(target=self._up, args=(near, far), daemon=True).start()
                threading.Thread(target=self._down, args=(near, far), daemon=True).start()

    def _up(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := near.recv(_PIECE):
                self._modem.put((far, piece))
        self._modem.put((far, b""))

    def _carry(self) -> None:
        while (taken := self._modem.get()) is not None:
            far, piece = taken
            time.sleep(len(piece) / self._rate)
            with contextlib.suppress(OSError):
                far.sendall(piece) if piece else far.shutdown(socket.SHUT_WR)

    def _down(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := far.recv(65536):
                near.sendall(piece)
            near.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()
        for line in self._open:
            line.close()
