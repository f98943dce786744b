"""The station's face: signals become lamp, buzzer and display, each guarded so that none can stop a presentation.

``present``, ``decided`` and ``tick`` belong to the gate's one thread; ``face`` may be read from any.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Sequence
from datetime import datetime, tzinfo
from typing import Literal, Self

import msgspec
from msgspec.structs import replace

from core.signals import SIGNALS, Sign, Signal, signal
from core.words import LANGUAGES, Language
from drivers.buzzer import Buzzer, Note, Tune
from drivers.drawing import draw
from drivers.led import STEADY, Blink, Colour, Light
from drivers.oled import Display
from drivers.page import BlankPage, IdlePage, Page
from drivers.relay import Relay
from station.guard import Guard
from station.notices import Notice
from station.pages import IdleFacts, Reel, Shown, Speaker
from station.screen import Screen
from station.sections import Quiet, Release

__all__ = ["Face", "IdleFacts", "Panel", "Shown"]

IDLE_SECONDS = 1.0
"""The idle page changes at most this often."""


BLANK = BlankPage()


class Face(msgspec.Struct, frozen=True):
    """What people see and hear now; each number grows when its part begins anew, ``seq`` with any of them."""

    seq: int = 0
    page: Page = BLANK
    colour: Colour = "off"
    blink: Blink = STEADY
    lamp_seq: int = 0
    tune: Tune = ()
    tune_seq: int = 0

    def png(self) -> bytes:
        """The display's 128×64 pixels as a PNG file."""
        file = io.BytesIO()
        draw(self.page).save(file, "PNG")
        return file.getvalue()


class _Showing(msgspec.Struct, frozen=True):
    """A signal that stands, with its pages, since and until a monotonic time."""

    reel: Reel
    since: float
    until: float


class _Standing(msgspec.Struct):
    """A notice since a monotonic time, and the step that was begun last."""

    notice: Notice
    since: float
    begun: int = -1


class Panel:
    """Joins opened devices, any of which may be null; a context manager that runs the display's loop."""

    def __init__(
        self,
        light: Light,
        buzzer: Buzzer,
        display: Display,
        relay: Relay,
        *,
        zone: tzinfo,
        languages: Sequence[Language] = LANGUAGES,
        quiet: Quiet | None = None,
        release: Release | None = None,
    ) -> None:
        self._light, self._buzzer, self._relay = light, buzzer, relay
        self._screen = Screen(display)
        self._lamp_guard, self._buzzer_guard, self._relay_guard = Guard("lamp"), Guard("buzzer"), Guard("relay")
        self.speaker = Speaker(languages, zone)
        self._zone = zone
        self.quiet = quiet or Quiet()
        self._release = release or Release()
        self._changed = threading.Condition()
        self._face = Face()
        self._showing: _Showing | None = None
        self._notices: dict[str, _Standing] = {}
        self._idle_since: float | None = None
        self._idle_painted = 0.0
        self._lamp_tried = 0.0
        self._hushed = False

    def __enter__(self) -> Self:
        self._screen.__enter__()
        self._paint(self.speaker.starting())
        return self

    def __exit__(self, *_: object) -> None:
        self._screen.__exit__()

    @property
    def face(self) -> Face:
        """What people see and hear now."""
        return self._face

    def face_after(self, seq: int, timeout: float) -> Face:
        """The face as soon as it is newer than ``seq``, or as it is after ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._face.seq > seq, timeout)
            return self._face

    def present(self, shown: Shown, now: float | None = None) -> None:
        """Signal a presentation, cutting in on whatever is shown: lamp, relay, buzzer, then the display."""
        verdict = shown.verdict
        row = signal(verdict.outcome, verdict.reasons, shown.direction, held=False)
        self._hush(shown.at)
        self._begin(row, loud=verdict.outcome in self.quiet.loud or not self._hushed)
        self._show(self.speaker.reel(shown, row), row, now)

    def decided(self, choice: Literal["admitted", "turned-away"], now: float | None = None) -> None:
        """Confirm what the guard decided after a warn; *admitted* opens the relay when it is configured to."""
        row = SIGNALS[Sign(choice)]
        if not self._release.on_admitted:
            row = replace(row, opens=False)
        self._begin(row, loud=not self._hushed)
        self._show(self.speaker.decision(row.sign), row, now)

    def tick(self, idle: IdleFacts, now: float | None = None) -> None:
        """Turn the pages and put out what has had its time; to be called a few times a second."""
        now = time.monotonic() if now is None else now
        self._hush(idle.at)
        self._heal_lamp(now)
        showing = self._showing
        if showing is not None and now < showing.until:
            self._paint(showing.reel.at(now - showing.since))
            return
        self._showing = None
        if self._notify(now):
            return
        if self._idle_since is None:
            self._idle_since = now
        self._rest(idle, now - self._idle_since, now)

    def announce(self, name: str, notice: Notice | None, now: float | None = None) -> None:
        """Show a notice from now on whenever nobody is being signalled, the newest before others; None ends it."""
        self._notices.pop(name, None)
        if notice is not None:
            self._notices[name] = _Standing(notice, time.monotonic() if now is None else now)

    def open_door(self, seconds: float | None = None) -> bool:
        """Open the door on somebody's word, for one person's time unless told for how long; False when it refuses."""
        longest = self._release.seconds if seconds is None else seconds
        return self._relay_guard.attempt(lambda: self._relay.open(longest))

    def close_door(self) -> bool:
        """Close the door, which does nothing while the alarm has it open; False when it refuses."""
        return self._relay_guard.attempt(self._relay.close)

    @property
    def door(self) -> Relay:
        """The relay, to be asked whether the alarm has opened the door."""
        return self._relay

    def settle(self, seconds: float = 2.0) -> bool:
        """Wait until the display shows the newest page or has refused it."""
        return self._screen.settle(seconds)

    def health(self) -> dict[str, str]:
        """What is wrong with each device, in words; an empty text when nothing is."""
        guards = (self._lamp_guard, self._buzzer_guard, self._screen.guard, self._relay_guard)
        return {guard.device: str(guard.trouble or "") for guard in guards}

    def _begin(self, row: Signal, *, loud: bool) -> None:
        self._lamp(row.colour, Blink(*row.blink))
        if row.opens:
            self._relay_guard.attempt(lambda: self._relay.open(self._release.seconds))
        self._play(tuple(Note(*tone) for tone in row.tune) if loud else ())

    def _play(self, tune: Tune) -> None:
        self._buzzer_guard.attempt(lambda: self._buzzer.play(tune))
        self._change(tune=tune, tune_seq=self._face.tune_seq + 1)

    def _show(self, reel: Reel, row: Signal, now: float | None) -> None:
        now = time.monotonic() if now is None else now
        self._showing = _Showing(reel, now, now + row.seconds)
        self._idle_since = None
        self._paint(reel.at(0))

    def _notify(self, now: float) -> bool:
        """Show the newest notice that is not over; False when there is none."""
        for name, standing in reversed(list(self._notices.items())):
            number = standing.notice.at(now - standing.since)
            if number is None:
                del self._notices[name]
                continue
            step = standing.notice.steps[number]
            self._keep_lamp(step.colour, step.blink)
            if number != standing.begun and step.tune:
                self._play(step.tune)
            standing.begun = number
            self._idle_since = None
            self._paint(step.page)
            return True
        return False

    def _rest(self, idle: IdleFacts, seconds: float, now: float) -> None:
        """Nobody is there: a standing fault blinks and says why, else the lamp is dark and the clock goes."""
        if idle.troubles:
            fault = SIGNALS[Sign.FAULT]
            self._keep_lamp(fault.colour, Blink(*fault.blink))
            self._paint(self.speaker.alarm(idle.troubles).at(seconds))
            return
        self._keep_lamp("off", STEADY)
        page = self.speaker.idle(idle, seconds)
        if type(page) is type(self._face.page) is IdlePage and now - self._idle_painted < IDLE_SECONDS:
            return
        self._idle_painted = now
        self._paint(page)

    def _hush(self, at: datetime) -> None:
        self._hushed = self.quiet.at(at.astimezone(self._zone).time())

    def _keep_lamp(self, colour: Colour, blink: Blink) -> None:
        if (self._face.colour, self._face.blink) != (colour, blink):
            self._lamp(colour, blink)

    def _lamp(self, colour: Colour, blink: Blink) -> None:
        self._lamp_guard.attempt(lambda: self._light.show(colour, blink))
        self._change(colour=colour, blink=blink, lamp_seq=self._face.lamp_seq + 1)

    def _heal_lamp(self, now: float) -> None:
        """Try a lamp in trouble again, in what it should be showing."""
        if self._lamp_guard.trouble is not None and now - self._lamp_tried >= self._lamp_guard.pause:
            self._lamp_tried = now
            self._lamp_guard.attempt(lambda: self._light.show(self._face.colour, self._face.blink))

    def _paint(self, page: Page) -> None:
        if page != self._face.page:
            self._screen.show(page)
            self._change(page=page)

    def _change(self, **parts: object) -> None:
        with self._changed:
            self._face = replace(self._face, seq=self._face.seq + 1, **parts)
            self._changed.notify_all()
