"""What stands between a station and its broker: hears everything, and cuts the line at a moment that is asked for."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class Cutter:
    """A loopback port that leads to another; a context manager.

    ``cuts`` is held against all that went up, before the last of it is passed on: true ends every line there is.
    """

    def __init__(self, target: int) -> None:
        self._target = target
        self.up, self.down = bytearray(), bytearray()
        self.cuts: Callable[[bytes], bool] = lambda _: False
        self.was_cut = 0
        self._lines: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Cutter:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Ends every line there is; new ones may be opened."""
        lines, self._lines = self._lines, []
        for line in lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                if self._listener.fileno() < 0:
                    return
                near.close()  # nobody is there now
                continue
            self._lines += [near, far]
            threading.Thread(target=self._pass, args=(near, far, self.up), daemon=True).start()
            threading.Thread(target=self._pass, args=(far, near, self.down), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, heard: bytearray) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65_536):
                heard += data
                if heard is self.up and self.cuts(bytes(heard)):
                    self.was_cut += 1
                    break
                other.sendall(data)
        for line in (one, other):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
