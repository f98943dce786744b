"""Loopback ports for servers that tests start."""

import fcntl
import os
import random
import socket
import tempfile
from collections import deque
from contextlib import closing

_given: set[int] = set()
_locks: deque[int] = deque()
"""Of the ports given last: those before have their server, or are done with."""


def free_port() -> int:
    """A loopback port that nobody holds, and that the system gives to nobody who asks for any port; each only once.

    A lock on a file of its name keeps it from every other process that asks here: whom it is for binds it a good while
    later.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        if port in _given:
            continue
        lock = os.open(f"{tempfile.gettempdir()}/tram-quet-test-port-{port}", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with closing(socket.socket()) as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(lock)
        else:
            _given.add(port)
            _locks.append(lock)
            if len(_locks) > 100:
                os.close(_locks.popleft())
            return port


def listens(port: int) -> bool:
    """Whether something on this machine takes connections on the port."""
    with closing(socket.socket()) as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0
