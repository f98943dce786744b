"""The demo's network cable: every connection between station and hub runs through it, and a switch cuts it.

A cut cable is silent: nothing is refused or closed, bytes simply stop, as on a real wire.  What the two ends had sent
waits where it was and goes on when the cable is whole again, as TCP would do by itself.
"""

from __future__ import annotations

import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

Address = tuple[str, int]

_ROOM: Final = 1 << 16
_CONNECT_WITHIN: Final = 2.0
_WORD_WITHIN: Final = 3.0
_ANSWER_WITHIN: Final = 10.0
_WORDS: Final = {b"cut\n": False, b"mend\n": True}


class Line:
    """One connection through the cable: two sockets, and what waits to be written to each."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.sockets = (near, far)
        self.waiting = {near: bytearray(), far: bytearray()}
        self.silent: set[socket.socket] = set()  # ends that will say no more
        for one in self.sockets:
            one.setblocking(False)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @property
    def over(self) -> bool:
        """Whether both ends have said all and heard all."""
        return len(self.silent) == 2 and not any(self.waiting.values())

    def wants(self, one: socket.socket) -> int:
        """What to wait for at one end."""
        reads = one not in self.silent and len(self.waiting[self._other(one)]) < _ROOM
        return (selectors.EVENT_READ if reads else 0) | (selectors.EVENT_WRITE if self.waiting[one] else 0)

    def move(self, one: socket.socket, events: int) -> None:
        """Take from one end and give to it; ``OSError`` when the connection is broken."""
        other = self._other(one)
        if events & selectors.EVENT_READ:
            taken = one.recv(_ROOM)
            self.waiting[other] += taken
            if not taken:
                self.silent.add(one)
            if not self.waiting[other]:
                self._end(other, one)
        if events & selectors.EVENT_WRITE and self.waiting[one]:
            del self.waiting[one][: one.send(self.waiting[one])]
            if not self.waiting[one]:
                self._end(one, other)

    def close(self) -> None:
        """Close both ends."""
        for one in self.sockets:
            one.close()

    def _other(self, one: socket.socket) -> socket.socket:
        return self.sockets[one is self.sockets[0]]

    def _end(self, hearer: socket.socket, speaker: socket.socket) -> None:
        """Pass on that an end will say no more, once all that it said has been heard."""
        if speaker in self.silent:
            hearer.shutdown(socket.SHUT_WR)


class Cable:
    """Carries connections from ports of its own to others; a context manager with a thread that does the carrying.

    ``control`` is a Unix socket on which a ``Switch`` speaks to it.
    """

    def __init__(self, control: Path) -> None:
        self._targets: dict[socket.socket, Address] = {}
        self._lines: set[Line] = set()
        self._whole = True
        self._stopped = False
        self._control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with _address(control) as address:
            self._control.bind(address)
        control.chmod(0o600)
        self._control.listen()
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="cable", daemon=True)

    def lay(self, to: Address) -> Address:
        """Begin to carry connections to an address; the address to connect to instead.  Before the start only."""
        door = socket.create_server(("127.0.0.1", 0))
        self._targets[door] = to
        host, port = door.getsockname()
        return host, port

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self._wake.send(b"!")
        self._thread.join()
        for line in self._lines:
            line.close()
        for one in (*self._targets, self._control, self._wake, self._woken):
            one.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            for door in (*self._targets, self._control):
                selector.register(door, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._stopped:
                for key, events in selector.select():
                    self._serve(selector, key, events)

    def _serve(self, selector: selectors.BaseSelector, key: selectors.SelectorKey, events: int) -> None:
        one = key.fileobj
        assert isinstance(one, socket.socket)
        if one is self._control:
            self._obey(selector)
        elif one in self._targets:
            self._connect(one)
        elif key.data in self._lines and self._whole:
            self._carry(key.data, one, events)
        self._watch(selector)

    def _connect(self, door: socket.socket) -> None:
        near, _ = door.accept()
        try:
            far = socket.create_connection(self._targets[door], _CONNECT_WITHIN)
        except OSError:
            near.close()
            return
        self._lines.add(Line(near, far))

    def _carry(self, line: Line, one: socket.socket, events: int) -> None:
        try:
            line.move(one, events)
        except BlockingIOError:
            return
        except OSError:
            line.silent.update(line.sockets)
            for waiting in line.waiting.values():
                waiting.clear()

    def _obey(self, selector: selectors.BaseSelector) -> None:
        caller, _ = self._control.accept()
        with caller:
            caller.settimeout(_WORD_WITHIN)
            try:
                self._whole = _WORDS.get(caller.recv(16), self._whole)
                for door in self._targets:
                    _want(selector, door, selectors.EVENT_READ if self._whole else 0, None)
                caller.sendall(b"whole\n" if self._whole else b"cut\n")
            except OSError:  # whoever called has gone
                return

    def _watch(self, selector: selectors.BaseSelector) -> None:
        """Bring what is waited for up to date, and let go of connections that are over."""
        for line in [line for line in self._lines if line.over]:
            for one in line.sockets:
                _want(selector, one, 0, line)
            line.close()
            self._lines.discard(line)
        for line, one in self._ends():
            _want(selector, one, line.wants(one) if self._whole else 0, line)

    def _ends(self) -> Iterator[tuple[Line, socket.socket]]:
        for line in self._lines:
            for one in line.sockets:
                yield line, one


def _want(selector: selectors.BaseSelector, one: socket.socket, events: int, line: Line | None) -> None:
    known = selector.get_map().get(one)
    if known is None:
        if events:
            selector.register(one, events, line)
    elif not events:
        selector.unregister(one)
    elif known.events != events:
        selector.modify(one, events, line)


class Switch:
    """Cuts a cable and mends it, from another process too; ``OSError`` when there is no cable."""

    def __init__(self, control: Path) -> None:
        self._control = control

    def is_whole(self) -> bool:
        """Whether the cable is whole."""
        return self._say(b"?\n")

    def set(self, whole: bool) -> bool:
        """Mend it or cut it; how it is now."""
        return self._say(b"mend\n" if whole else b"cut\n")

    def _say(self, word: bytes) -> bool:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(_ANSWER_WITHIN)
            with _address(self._control) as address:
                line.connect(address)
            line.sendall(word)
            if not (answer := line.recv(16)):
                raise ConnectionError("the cable does not answer")
            return answer == b"whole\n"


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Where a Unix socket is reached however long its path is: the kernel itself takes 107 bytes and no more."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
