"""One loop for each device that a presentation or a guard's word comes from; they end in one bounded queue.

Scanners wait for room in the queue, camera frames drop.  A device that is lost is told once, when it goes and when it
is back, and shown; it never ends the service.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from core.model import Capture, Source, Symbology
from drivers.buttons import Buttons, Choice
from drivers.camera import Camera
from drivers.errors import DeviceError
from drivers.frame import Frame
from drivers.relay import Relay, RelayEvent
from drivers.scanner import ByteScanner, KeyScanner
from station.clock import Clock
from station.handover import Handover
from station.reading.camera_reader import CameraReader
from station.reading.keys import KeyDecoder
from station.reading.lines import Line, LineDecoder
from station.shutter import Shutter

log = logging.getLogger(__name__)

_WAIT = 0.25
_SHORTEST = 0.001
_ROOM = 4
_AHEAD = 32
"""Scans that wait beside the queue while their scanner is listened to."""
_OFFER_AGAIN = 0.02


class Pressed(msgspec.Struct, frozen=True):
    """The guard pressed a button."""

    choice: Choice


class Moved(msgspec.Struct, frozen=True):
    """The door opened or closed."""

    event: RelayEvent


class Errand(msgspec.Struct, frozen=True):
    """Something that only the gate's own thread may do, between two presentations; it takes no time."""

    run: Callable[[], None]


class Burst:
    """Several codes that a scanner gave at one go; ``taken`` when the gate has been through with all of them."""

    def __init__(self, captures: Iterable[Capture]) -> None:
        self.captures = deque(captures)
        self.taken = threading.Event()


Item = Capture | Burst | Pressed | Moved | Errand


class Captures:
    """The queue between the sources and the gate: short, because a person at the gate is there now."""

    def __init__(self, room: int = _ROOM) -> None:
        self._room = threading.Semaphore(room)
        self._items: Handover[Item] = Handover()

    def put(self, item: Item, timeout: float | None = None) -> None:
        """Waits for room, at most ``timeout`` seconds; ``queue.Full`` when there is none."""
        if not self._room.acquire(timeout=timeout):
            raise queue.Full
        self._items.put(item)

    def put_nowait(self, item: Item) -> None:
        """``queue.Full`` when there is no room now."""
        if not self._room.acquire(blocking=False):
            raise queue.Full
        self._items.put(item)

    def get(self, timeout: float) -> Item:
        """The next; ``queue.Empty`` when none comes within ``timeout`` seconds."""
        item = self._items.get(timeout)
        self._room.release()
        return item

    def empty(self) -> bool:
        """Whether nothing waits."""
        return not self._items


class Loop(Protocol):
    """Something that waits on one device."""

    @property
    def name(self) -> str:
        """What it is called when it dies."""

    def run(self, stop: threading.Event) -> None:
        """Goes on until ``stop``."""


class Watched:
    """A device's state as told: logged when it changes, shown in health."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problem = ""
        self.tried = False  # it has worked, or said why it does not

    def lost(self, error: DeviceError) -> None:
        """Tells of a loss."""
        self.tried = True
        self.problem = error.problem
        log.warning("device lost", extra={"device": error.device, "problem": error.problem, "cure": error.cure})

    def works(self) -> None:
        """Tells of its return, if it was lost."""
        self.tried = True
        if self.problem:
            log.warning("device is back", extra={"device": self.name, "after": self.problem})
            self.problem = ""


class CameraLoop:
    """Frames → captures."""

    def __init__(self, camera: Camera, reader: CameraReader, into: Captures, clock: Clock) -> None:
        self.name = "camera"
        self.watched = Watched("camera")
        self.reader = reader
        self.shutter = Shutter()
        self._camera, self._into, self._clock = camera, into, clock

    def run(self, stop: threading.Event) -> None:
        """Reads frame after frame; a read that the queue has no room for is offered again while it is in view."""
        while not stop.is_set():
            try:
                frame = self._camera.frame(_WAIT)
            except DeviceError as error:
                self.watched.lost(error)
                continue
            if frame is not None:
                self.take(frame, time.monotonic())

    def take(self, frame: Frame, seen: float) -> None:
        """Does with one frame, seen at that monotonic second, all that is done with each."""
        self.shutter.offer(frame)
        at = self._clock.now()
        self.watched.works()
        for read in self.reader.on_frame(frame, seen):
            try:
                self._into.put_nowait(Capture(read.data, read.symbology, Source.CAMERA, at))
            except queue.Full:
                self.reader.forget(read)
        self.reader.eyesight.watch(frame, seen)


class Lines(Protocol):
    """A scanner together with the decoder of what it sends."""

    source: Source

    @property
    def away(self) -> bool:
        """Whether the scanner is lost."""

    def read(self, timeout: float) -> Sequence[Line]:
        """The scans that became complete, or none; ``DeviceError`` once per loss."""

    def forget(self) -> Sequence[Line]:
        """Drops half a scan, so that it is never joined to what comes after a loss; returns what was whole of it."""


class KeyLines:
    """A scanner that types."""

    def __init__(self, scanner: KeyScanner, decoder: KeyDecoder) -> None:
        self.source = Source(scanner.source)
        self._scanner, self._decoder = scanner, decoder

    @property
    def away(self) -> bool:
        """Whether the scanner is lost."""
        return self._scanner.away

    def read(self, timeout: float) -> Sequence[Line]:
        """The scans that became complete."""
        wait = _patience(timeout, self._decoder.patience)
        keys = self._scanner.read(wait)
        return self._decoder.feed(keys) if keys else self._decoder.silence(wait)

    def forget(self) -> Sequence[Line]:
        """Drops half a scan and the keys that are down."""
        self._decoder.reset()
        return ()


class ByteLines:
    """A scanner that sends bytes."""

    def __init__(self, scanner: ByteScanner, decoder: LineDecoder) -> None:
        self.source = Source(scanner.source)
        self._scanner, self._decoder = scanner, decoder

    @property
    def away(self) -> bool:
        """Whether the scanner is lost."""
        return self._scanner.away

    def read(self, timeout: float) -> Sequence[Line]:
        """The scans that became complete."""
        wait = _patience(timeout, self._decoder.patience)
        data = self._scanner.read(wait)
        return self._decoder.feed(data) if data else self._decoder.silence(wait)

    def forget(self) -> Sequence[Line]:
        """Drops half a scan; a stream's last line is whole also without an end of its own."""
        if self.source is Source.STDIN:
            return self._decoder.end()
        self._decoder.drop()
        return ()


def _patience(timeout: float, patience: float) -> float:
    """How long to wait for a device: no longer than until its silence would mean something."""
    return max(min(timeout, patience), _SHORTEST)


class ScannerLoop:
    """Keystrokes or bytes → captures.

    A scanner is listened to also while the gate has no room: the silence between two scans is heard once or never, and
    without it two scans of one that sends no suffix are one.
    """

    def __init__(self, lines: Lines, into: Captures, clock: Clock, number: int) -> None:
        self.name = f"scanner {number} ({lines.source.value})"
        self.watched = Watched(self.name)
        self._lines, self._into, self._clock = lines, into, clock

    def run(self, stop: threading.Event) -> None:
        """Reads until ``stop``; waits for room in the queue."""
        if not self._lines.away:
            self.watched.works()
        waiting: deque[Capture] = deque()
        while not stop.is_set():
            try:
                lines = self._lines.read(_OFFER_AGAIN if waiting else _WAIT)
            except DeviceError as error:
                self.watched.lost(error)
                lines = self._lines.forget()
            if not self._lines.away:
                self.watched.works()
            now = self._clock.now()
            self._give([Capture(line.data, Symbology.KEYS, self._lines.source, now) for line in lines], waiting, stop)

    def _give(self, read: Sequence[Capture], waiting: deque[Capture], stop: threading.Event) -> None:
        """What was read at one go waits at the gate together, and nothing more is read until it has been through.

        It had ends of its own.  One scan after another is handed on as there is room, while the scanner is read on.
        """
        most = _AHEAD if len(read) < 2 else 0
        while len(waiting) > most and not stop.is_set():
            put(waiting.popleft(), self._into, stop)
        if len(read) < 2:
            waiting.extend(read)
            _hand_on(waiting, self._into)
            return
        burst = Burst(read)
        put(burst, self._into, stop)
        while not (burst.taken.wait(_WAIT) or stop.is_set()):
            pass


def _hand_on(waiting: deque[Capture], into: Captures) -> None:
    """Hands on what there is room for."""
    while waiting:
        try:
            into.put_nowait(waiting[0])
        except queue.Full:
            return
        waiting.popleft()


class ButtonsLoop:
    """The guard's buttons → the queue."""

    name = "buttons"

    def __init__(self, buttons: Buttons, into: Captures) -> None:
        self.watched = Watched(self.name)
        self._buttons, self._into = buttons, into

    def run(self, stop: threading.Event) -> None:
        """Waits for presses."""
        while not stop.is_set():
            choice = self._buttons.read(_WAIT)
            if choice is not None:
                put(Pressed(choice), self._into, stop)


class RelayLoop:
    """Openings and closings of the door → the queue."""

    name = "relay"

    def __init__(self, relay: Relay, into: Captures) -> None:
        self.watched = Watched(self.name)
        self._relay, self._into = relay, into

    def run(self, stop: threading.Event) -> None:
        """Waits for the door."""
        while not stop.is_set():
            event = self._relay.wait_event(_WAIT)
            if event is not None:
                put(Moved(event), self._into, stop)


def put(item: Item, into: Captures, stop: threading.Event) -> None:
    """Waits for room in the queue, until ``stop``."""
    while not stop.is_set():
        try:
            into.put(item, timeout=_WAIT)
        except queue.Full:
            continue
        return
