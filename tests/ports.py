"""Loopback ports for servers that tests start."""

import random
import socket
from contextlib import closing, suppress

_given: set[int] = set()


def free_port() -> int:
    """A loopback port that nobody holds, and that the system gives to nobody who asks for any port; each only once."""
    while True:
        port = random.randrange(20_000, 32_000)
        if port in _given:
            continue
        _given.add(port)
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    """Whether something on this machine takes connections on the port."""
    with closing(socket.socket()) as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0
