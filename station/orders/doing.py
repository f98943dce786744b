"""What each kind of order has a station do.  Everything of the gate's is done by the gate's own thread, in no time."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from core import orders
from core.orders import Said, Task
from drivers.camera import NullCamera
from drivers.relay import NullRelay
from station import notices
from station.gate import Gate
from station.journal.record import Journal
from station.orders import power
from station.orders.logbook import Logbook
from station.orders.overrides import Overrides
from station.panel import Panel
from station.settings import Settings
from station.shutter import Shutter

_ROWS_AT_ONCE = 100
_FRAME_WITHIN = 5.0
_ANSWER_WITHIN = 10.0

Value = TypeVar("Value")


class Outcome(msgspec.Struct, frozen=True):
    """What became of an order, and what it brings; ``status`` None: it will be known after a new start."""

    status: Said | None
    words: str = ""
    media: str = ""
    data: bytes = b""


def done(words: str) -> Outcome:
    """It is done."""
    return Outcome("succeeded", words)


def refused(words: str) -> Outcome:
    """It was not begun, and why."""
    return Outcome("rejected", words)


@dataclass(kw_only=True)
class Doer:
    """A station's hands; ``errand`` gives the gate's thread something to do, ``end`` ends the service with a code.

    ``resend`` has rows brought to the hub once more: epoch, first, last.  ``forget`` drops all standings in memory.
    ``moved`` is called when what was ordered otherwise than configured has changed.
    """

    settings: Settings
    panel: Panel
    gate: Gate
    journal: Journal
    overrides: Overrides
    logbook: Logbook
    shutter: Shutter | None
    errand: Callable[[Callable[[], None]], None]
    resend: Callable[[str, int, int], None]
    forget: Callable[[], None]
    end: Callable[[int], None]
    moved: Callable[[], None]
    aiming_until: float = float("-inf")  # monotonic

    def do(self, task: Task) -> Outcome:
        """Does it; ``StationError``, ``DeviceError`` and ``OSError`` say what failed."""
        match task:
            case orders.Identify() | orders.TrySignals() | orders.Aim() | orders.Snapshot():
                return self._show(task)
            case orders.HoldOpen() | orders.OpenOnce() | orders.CloseDoor():
                return self._move_door(task)
            case orders.SetPlace() | orders.QuietHours():
                return self._override(task)
            case orders.Restart() | orders.Reboot():
                return self._start_again(task)
            case orders.Logs():
                lines, data = self.logbook.last(task.lines, task.kib << 10)
                return Outcome("succeeded", f"{lines} lines", "application/gzip", data)
            case orders.Resend():
                return self._bring_again(task)
            case orders.Erase():
                return self._erase(task)

    @property
    def aiming(self) -> float:
        """Seconds that aiming mode goes on, 0 when it is off."""
        return max(0.0, self.aiming_until - time.monotonic())

    def _at_gate(self, action: Callable[[], Value]) -> Value:
        """Has the gate's thread do it and waits; ``TimeoutError`` when it does not come to it, and then never does."""
        answer: Future[Value] = Future()

        def run() -> None:
            if answer.set_running_or_notify_cancel():
                answer.set_result(action())

        self.errand(run)
        try:
            return answer.result(_ANSWER_WITHIN)
        except TimeoutError:
            if answer.cancel():
                raise TimeoutError("the gate is too busy") from None
            return answer.result()

    def _show(self, task: orders.Identify | orders.TrySignals | orders.Aim | orders.Snapshot) -> Outcome:
        speaker, name = self.panel.speaker, self.settings.station.name
        match task:
            case orders.Identify(seconds):
                notice = notices.identifying(speaker, name, self.gate.doorway.place_name, seconds)
                self._at_gate(lambda: self.panel.announce("identify", notice))
                return done(f"lamp, buzzer and display say which station this is for {seconds} s")
            case orders.TrySignals(seconds):
                trial = notices.trying_signals(speaker, seconds)
                self._at_gate(lambda: self.panel.announce("trial", trial))
                return done(f"{len(trial.steps)} signals are shown, {seconds} s each")
            case orders.Aim(seconds):
                return self._aim(seconds)
        return self._take_picture()

    def _aim(self, seconds: int) -> Outcome:
        if self.shutter is None or isinstance(self.settings.camera, NullCamera):
            return refused("this station has no camera")
        notice = notices.aiming(self.panel.speaker, seconds) if seconds else None
        self._at_gate(lambda: self.panel.announce("aim", notice))
        self.aiming_until = time.monotonic() + seconds
        return done(f"aiming mode for {seconds} s; the display says so" if seconds else "aiming mode is over")

    def _take_picture(self) -> Outcome:
        if not self.aiming or self.shutter is None:
            return refused("pictures are taken in aiming mode only; order aim first, so that the display says so")
        picture = self.shutter.take(_FRAME_WITHIN)
        if picture is None:
            return Outcome("failed", f"the camera gave no frame within {_FRAME_WITHIN:g} s")
        return Outcome("succeeded", "one picture", "image/jpeg", picture)

    def _move_door(self, task: orders.HoldOpen | orders.OpenOnce | orders.CloseDoor) -> Outcome:
        door = self.panel.door
        if isinstance(door, NullRelay):
            return refused("this station has no relay")
        if isinstance(task, orders.CloseDoor):
            if door.emergency:
                return refused("the emergency input has opened the door for good")
            closed = self._at_gate(self.panel.close_door)
            return done("the door is closed") if closed else Outcome("failed", "the relay does not answer")
        seconds = task.seconds if isinstance(task, orders.HoldOpen) else None
        problem = self._at_gate(lambda: self.gate.open_by_order(seconds))
        if problem:
            return refused(problem)
        return done(f"the door is held open for {seconds} s" if seconds else "the door opens for one person")

    def _override(self, task: orders.SetPlace | orders.QuietHours) -> Outcome:
        if isinstance(task, orders.QuietHours):
            self.overrides.put_quiet(task)
            self._at_gate(lambda: setattr(self.panel, "quiet", self.overrides.quiet))
            self.moved()
            return done(f"quiet from {task.start} to {task.end}" if task.start else "quiet hours as configured")
        self.overrides.put_place(task)
        doorway = self.overrides.doorway
        self._at_gate(lambda: setattr(self.gate, "doorway", doorway))
        self.moved()
        return done(f"this gate is {doorway.place or 'nowhere'}, {doorway.direction.value}")

    def _start_again(self, task: orders.Restart | orders.Reboot) -> Outcome:
        if isinstance(task, orders.Reboot):
            problem = power.reboot(self.settings.orders.reboot_command)
            return refused(problem) if problem else Outcome(None)
        if not power.may_restart():
            return refused("nobody would start this service again: it does not run under systemd")
        self.end(power.EXIT_AGAIN)
        return Outcome(None)

    def _bring_again(self, task: orders.Resend) -> Outcome:
        count = self.journal.count_between(task.epoch, task.first, task.last)
        if not count:
            return refused("none of these rows is on this card any more")
        self.resend(task.epoch, task.first, task.last)
        return done(f"{count} rows go to the hub again")

    def _erase(self, task: orders.Erase) -> Outcome:
        self._at_gate(self.forget)
        emptied = 0
        for first in range(0, len(task.seqs), _ROWS_AT_ONCE):
            emptied += self.journal.empty(task.epoch, task.seqs[first : first + _ROWS_AT_ONCE])
        aside = self.journal.settle()
        words = f"{emptied} rows emptied, {len(task.seqs) - emptied} were gone or empty already"
        if aside:
            return Outcome(
                "failed", f"{words}; {aside} damaged journals lie aside and may hold them: erase those by hand"
            )
        return done(words)


def after_start(kind: str, begun_at_boot: str, boot: str) -> Outcome | None:
    """What became of an order over which the service went down; None: do it again, which changes nothing twice."""
    if kind in ("erase", "resend"):
        return None
    if kind == "restart":
        return done("the service was started again")
    if kind == "reboot":
        again = begun_at_boot != boot
        return done("the board was started again") if again else Outcome("failed", "only the service was started again")
    return Outcome("failed", "the station went down before this was finished; it is not done a second time")
