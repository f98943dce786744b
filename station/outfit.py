"""The devices of a gate, opened as its settings say: the panel, and one loop for each thing that is read."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TypeVar

from core.words.keys import Label
from drivers.buttons import NullButtons
from drivers.buzzer import NullBuzzer
from drivers.camera import NullCamera
from drivers.errors import DeviceError
from drivers.led import NullLight
from drivers.oled import NullDisplay
from drivers.relay import NullRelay
from station.clock import Clock
from station.health import DeviceState
from station.panel import Panel
from station.reading.camera_reader import CameraReader
from station.reading.keys import KeyDecoder
from station.reading.ladder import Ladder
from station.reading.layouts import LAYOUTS
from station.reading.lines import LineDecoder
from station.service import Sight
from station.settings import Scanner, Settings
from station.shutter import Shutter
from station.sources import (
    ButtonsLoop,
    ByteLines,
    CameraLoop,
    Captures,
    KeyLines,
    Lines,
    RelayLoop,
    ScannerLoop,
    Watched,
)

log = logging.getLogger(__name__)

Device = TypeVar("Device")
Source = CameraLoop | ScannerLoop | ButtonsLoop | RelayLoop


class Outfit:
    """What a gate has; ``stack`` closes it in reverse order.

    A camera or scanner that is not there is waited for by its loop.  A lamp, buzzer, display, relay or button whose
    pins cannot be had is left out and told in ``states``: it must not keep a gate from working.
    """

    def __init__(self, settings: Settings, clock: Clock, stack: ExitStack) -> None:
        self.captures: Captures = Captures()
        self._clock, self._stack = clock, stack
        self._missing: list[DeviceState] = []
        relay = self._opened(settings.relay, NullRelay())
        self.panel = stack.enter_context(
            Panel(
                self._opened(settings.led, NullLight()),
                self._opened(settings.buzzer, NullBuzzer()),
                self._opened(settings.display, NullDisplay()),
                relay,
                zone=settings.station.zone,
                languages=settings.station.languages,
                quiet=settings.quiet,
                release=settings.release,
            )
        )
        self.loops = self._sources(settings)
        if not isinstance(relay, NullRelay):
            self.loops.append(RelayLoop(relay, self.captures))

    @property
    def blind(self) -> bool:
        """Whether nothing is left to read with."""
        return bool(self._readers) and all(one.problem for one in self._readers)

    @property
    def lost(self) -> tuple[Label, ...]:
        """Which ways to read are gone, for the display of a gate that still reads by another."""
        cameras = [one.watched for one in self.loops if isinstance(one, CameraLoop)]
        scanners = [one.watched for one in self.loops if isinstance(one, ScannerLoop)]
        kinds = ((Label.CAMERA_LOST, cameras), (Label.SCANNER_LOST, scanners))
        return () if self.blind else tuple(label for label, some in kinds if any(one.problem for one in some))

    def sight(self) -> Sight:
        """Whether anything can be read with already, or all has been tried in vain; in words for whoever starts us."""
        readers = self._readers
        working = [one.name for one in readers if one.tried and not one.problem]
        lost = [f"{one.name}: {one.problem}" for one in readers if one.problem]
        awaited = [one.name for one in readers if not one.tried]
        told = [f"reads with {', '.join(working)}"] if working else []
        told += [f"waits for {', '.join(awaited)}"] if awaited else []
        told += [f"without {'; '.join(lost)}"] if lost else []
        return Sight(bool(working) or not awaited, ", ".join(told) or "nothing to read with is configured")

    @property
    def _readers(self) -> list[Watched]:
        return [loop.watched for loop in self.loops if isinstance(loop, CameraLoop | ScannerLoop)]

    @property
    def reader(self) -> CameraReader | None:
        """What reads the camera's frames, if there is a camera."""
        return next((loop.reader for loop in self.loops if isinstance(loop, CameraLoop)), None)

    @property
    def shutter(self) -> Shutter | None:
        """What hands one of the camera's frames over, if there is a camera."""
        return next((loop.shutter for loop in self.loops if isinstance(loop, CameraLoop)), None)

    @property
    def scanner_present(self) -> bool | None:
        """Whether every scanner is there; None where none is configured."""
        scanners = [loop.watched for loop in self.loops if isinstance(loop, ScannerLoop)]
        return not any(one.problem for one in scanners) if scanners else None

    def states(self) -> tuple[DeviceState, ...]:
        """Every device, and what keeps it from working."""
        read = [DeviceState(loop.watched.name, loop.watched.problem) for loop in self.loops]
        shown = [DeviceState(name, problem) for name, problem in self.panel.health().items()]
        return (*read, *shown, *self._missing)

    def _opened(self, device: Device, absent: Device) -> Device:
        try:
            return self._stack.enter_context(device)  # type: ignore[arg-type]  # every driver is a context manager
        except DeviceError as error:
            log.error("device missing", extra={"device": error.device, "problem": error.problem, "cure": error.cure})
            self._missing.append(DeviceState(error.device, f"{error.problem}; {error.cure}"))
            return absent

    def _sources(self, settings: Settings) -> list[Source]:
        loops: list[Source] = []
        if not isinstance(settings.camera, NullCamera):
            camera = self._stack.enter_context(settings.camera)
            reader = CameraReader(Ladder(settings.reading.engines, settings.reading.formats))
            loops.append(CameraLoop(camera, reader, self.captures, self._clock))
        for number, scanner in enumerate(settings.scanners, start=1):
            self._stack.enter_context(scanner.device)
            loops.append(ScannerLoop(_lines(scanner), self.captures, self._clock, number))
        if not isinstance(settings.buttons, NullButtons):
            loops.append(ButtonsLoop(self._opened(settings.buttons, NullButtons()), self.captures))
        return loops


def _lines(scanner: Scanner) -> Lines:
    framing, device = scanner.framing, scanner.device
    if device.kind == "keys":
        gap = {} if framing.gap_seconds is None else {"gap": framing.gap_seconds}
        return KeyLines(device, KeyDecoder(LAYOUTS[framing.layout], suffix=framing.suffix, **gap))
    # Who fills a pipe may pause wherever it likes: there only the end of a line ends a scan, unless told otherwise.
    return ByteLines(device, LineDecoder(framing.gap_seconds or (None if device.source == "stdin" else 0.1)))
