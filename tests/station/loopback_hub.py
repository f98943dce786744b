"""A hub of the test's own: a real listener on loopback that does to each request what it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

Behaviour = Callable[[socket.socket, bytes], None]


class Hub:
    """A listener of the test's own that does to each request what ``behave`` says."""

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.requests: list[bytes] = []
        self.connections = 0
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            if self._stop.is_set():
                line.close()
                return
            self.connections += 1
            self._open.append(line)
            threading.Thread(target=self._serve, args=(line,), daemon=True).start()

    def _serve(self, line: socket.socket) -> None:
        with line:
            while not self._stop.is_set():
                try:
                    request = self._request(line)
                    if not request:
                        return
                    self.requests.append(request)
                    self.behave(line, request)
                except OSError:
                    return

    @staticmethod
    def _request(line: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (piece := line.recv(65536)):
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += line.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        self._stop.set()
        with socket.create_connection(self._listener.getsockname()):
            pass
        self._thread.join(60)
        self._listener.close()
        for line in self._open:
            line.close()


def answer_with(body: bytes, status: str = "200 OK", headers: str = "") -> Behaviour:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode()
    return lambda line, _: line.sendall(head + body)
