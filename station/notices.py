"""What the panel shows on its own account while nobody is being signalled: pages in steps, each with lamp and tune."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.signals import SIGNALS, Signal
from drivers.buzzer import Note, Tune
from drivers.led import Blink, Colour
from drivers.page import Page
from station.pages import Speaker

_BEEP: Tune = (Note(2093.0, 0.12), Note(0.0, 0.1), Note(2093.0, 0.12))
_FLASH = Blink(0.25, 0.25, 0)
_BEEP_EVERY = 2.0
_AIM_LAMP = Blink(0.1, 1.9, 0)


class Step(msgspec.Struct, frozen=True):
    """One page with its lamp; its tune is played when it begins."""

    page: Page
    colour: Colour
    blink: Blink
    tune: Tune = ()


class Notice(msgspec.Struct, frozen=True):
    """Steps one after the other, each for so many seconds."""

    steps: Sequence[Step]
    each: float

    def at(self, seconds: float) -> int | None:
        """Which step it is so many seconds after the beginning; None when all are over."""
        number = int(seconds / self.each)
        return number if number < len(self.steps) else None


def identifying(speaker: Speaker, name: str, place: str, seconds: float) -> Notice:
    """This is the station: its name, the lamp flashing, a beep every other second."""
    step = Step(speaker.named(name, place), "blue", _FLASH, _BEEP)
    count = max(1, round(seconds / _BEEP_EVERY))
    return Notice((step,) * count, seconds / count)


def trying_signals(speaker: Speaker, seconds: float) -> Notice:
    """Every signal in turn, each page saying that it is a test."""
    rows = tuple(SIGNALS.values())
    return Notice([_tried(speaker, row, number, len(rows)) for number, row in enumerate(rows, 1)], seconds)


def _tried(speaker: Speaker, row: Signal, number: int, count: int) -> Step:
    tune = tuple(Note(*tone) for tone in row.tune)
    return Step(speaker.trial(row, number, count), row.colour, Blink(*row.blink), tune)


def aiming(speaker: Speaker, seconds: float) -> Notice:
    """The camera is being aimed: whoever stands before it reads that its picture may be taken."""
    return Notice((Step(speaker.aiming(), "white", _AIM_LAMP),), seconds)
