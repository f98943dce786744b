"""The loops of a running station: started together, stopped in reverse order, and a death of one ends them all.

Bugs end the process, and systemd starts it again; weather does not.  That goes for the threads that libraries start,
too: a line to the broker whose thread is dead would look connected for ever.  The watchdog is fed by the main loop's
own work.
"""

from __future__ import annotations

import _thread
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import NamedTuple

from station.sources import Loop

log = logging.getLogger(__name__)

TURN_SECONDS = 0.0002
"""How long a thread may hold the interpreter while another waits for it."""

_DIED = "a loop died; the service ends"
_JOIN_WITHIN = 5.0
_FEED_EVERY = 2.0
_AT_ONCE = 0.5
"""Seconds in which devices that are there are open, as a rule."""
_READY_WITHIN = 20.0
"""Seconds after which a silent device is waited for no longer: a gate that cannot read must say so itself."""


class Sight(NamedTuple):
    """Whether the station can read, or has found out that it cannot, and in words with what."""

    settled: bool
    told: str


def notify(message: str) -> None:
    """Tells systemd (sd_notify(3)); does nothing when nobody asked to be told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.connect("\0" + address[1:] if address.startswith("@") else address)
        line.send(message.encode())


class Service:
    """Runs ``turn`` in the calling thread, again and again, beside one thread for each loop."""

    def __init__(
        self,
        turn: Callable[[], None],
        loops: Sequence[Loop],
        wakes: Sequence[threading.Event] = (),
        sight: Callable[[], Sight] = lambda: Sight(True, ""),
        stop: threading.Event | None = None,
    ) -> None:
        self._turn, self._loops, self._wakes, self._sight = turn, loops, wakes, sight
        self._told = ""
        self.stop = stop if stop is not None else threading.Event()
        self.died = ""
        self._code = 0

    def end(self, code: int) -> None:
        """Ends with this exit code; by any thread."""
        self._code = code
        self.stop.set()

    def run(self) -> int:
        """Until ``stop``: exit code 0, that of ``end``, or 70 when a loop died."""
        # A scan passes through three threads: each would wait up to 5 ms for another's turn in the interpreter to end.
        sys.setswitchinterval(TURN_SECONDS)
        # Daemons: a loop that hangs in a device is told of, and must not keep the process from ending.
        threads = [
            threading.Thread(target=self._guarded, args=(loop.name, loop.run), name=loop.name, daemon=True)
            for loop in self._loops
        ]
        with self._watching_all_threads():
            try:
                for thread in threads:
                    thread.start()
                self._guarded("gate", self._turns)
            finally:
                notify("STOPPING=1")
                self._end(threads)
        return 70 if self.died else self._code

    def _turns(self, stop: threading.Event) -> None:
        begun = time.monotonic()
        while not self._sight().settled and time.monotonic() - begun < _AT_ONCE and not stop.wait(0.002):
            pass
        ready, fed = False, 0.0
        while not stop.is_set():
            if not ready:
                ready = self._tell_ready(time.monotonic() - begun)
            self._turn()
            if ready and time.monotonic() - fed >= _FEED_EVERY:
                fed = time.monotonic()
                self._tell(self._sight(), "WATCHDOG=1")

    def _tell_ready(self, waited: float) -> bool:
        """READY when the station can read, or cannot and says why; not for ever later."""
        sight = self._sight()
        if not sight.settled and waited < _READY_WITHIN:
            self._tell(sight)
            return False
        self._tell(sight, "READY=1")
        log.info("ready", extra={"loops": [loop.name for loop in self._loops], "sight": self._told})
        return True

    def _tell(self, sight: Sight, *state: str) -> None:
        """Tells systemd, and what the station reads with when that has changed."""
        told = " ".join(sight.told.split())
        status = () if told == self._told else (f"STATUS={told}",)
        self._told = told
        if state or status:
            notify("\n".join((*state, *status)))

    def _guarded(self, name: str, run: Callable[[threading.Event], None]) -> None:
        try:
            run(self.stop)
        except Exception:  # a bug in a loop must end the service and name itself, not die in silence
            log.critical(_DIED, extra={"loop": name}, exc_info=True)
            self._die(name)
        else:
            if not self.stop.is_set():
                log.critical(_DIED, extra={"loop": name})
                self._die(name)

    def _die(self, name: str) -> None:
        self.died = self.died or name
        self.stop.set()

    def _note_death(self, dead: threading.ExceptHookArgs) -> None:
        name = dead.thread.name if dead.thread is not None else "a thread"
        log.critical(_DIED, extra={"loop": name}, exc_info=dead.exc_value)
        self._die(name)

    @contextlib.contextmanager
    def _watching_all_threads(self) -> Iterator[None]:
        old = threading.excepthook
        threading.excepthook = self._note_death
        try:
            yield
        finally:
            threading.excepthook = old

    def _end(self, threads: Sequence[threading.Thread]) -> None:
        self.stop.set()
        for wake in self._wakes:
            wake.set()
        until = time.monotonic() + _JOIN_WITHIN
        for thread in reversed(threads):
            if thread.ident is not None:
                thread.join(max(0.1, until - time.monotonic()))
            if thread.is_alive():
                log.error("a loop does not end", extra={"loop": thread.name})


def set_beside(event: threading.Event) -> Callable[[int, FrameType | None], None]:
    """A signal handler that sets an event by another thread.

    The thread that a handler interrupts may hold the event's own lock: to wait for that would be to wait for ever.
    """

    def handle(_number: int, _frame: FrameType | None) -> None:
        _thread.start_new_thread(event.set, ())

    return handle


@contextlib.contextmanager
def stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT only set ``stop``; their old handlers come back at the end."""
    old = {number: signal.signal(number, set_beside(stop)) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
