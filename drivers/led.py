"""Lamps: one, a red and green pair, or red, green and blue; colour and blink, told apart by the blink alone."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, cycle, repeat
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self

import msgspec

from drivers.pins import check_pin, pin_factory, refusals
from drivers.player import Player

if TYPE_CHECKING:
    import gpiozero

Colour = Literal["off", "green", "red", "amber", "blue", "white"]


class Blink(msgspec.Struct, frozen=True):
    """Seconds on and off, and how often; ``off`` 0 is steady, ``times`` 0 or None goes on until something newer."""

    on: float = 1.0
    off: float = 0.0
    times: int | None = None


STEADY: Final = Blink()
FOREVER: Final = float("inf")


class Light(Protocol):
    """A lamp; a context manager that leaves it dark."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, colour: Colour, blink: Blink = STEADY) -> None:
        """Light up in a colour now and go on in the blink's rhythm; returns at once, DeviceError when it cannot."""


def steps(colour: Colour, blink: Blink) -> Iterable[tuple[Colour, float]]:
    """A blink as colours and how long each lasts, possibly without end; after counted blinks the lamp stays dark."""
    if blink.off <= 0 or colour == "off":
        return [(colour, FOREVER)]
    beat: list[tuple[Colour, float]] = [(colour, blink.on), ("off", blink.off)]
    return chain.from_iterable(repeat(beat, blink.times)) if blink.times else cycle(beat)


class _Lamp:
    """What every lamp does with time; a subclass opens its pins and shines."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._open(stack)
            self._player = stack.enter_context(Player("lamp", self._shine))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def show(self, colour: Colour, blink: Blink = STEADY) -> None:
        """Light up in a colour now and go on in the blink's rhythm; returns at once, DeviceError when it cannot."""
        self._player.play(steps(colour, blink))

    def _open(self, stack: ExitStack) -> None:
        raise NotImplementedError

    def _shine(self, colour: Colour) -> None:
        raise NotImplementedError


def _output(stack: ExitStack, pin: int, active_high: bool, chip: int | None) -> gpiozero.DigitalOutputDevice:
    """Open a pin that is dark now and when the stack closes."""
    import gpiozero

    lamp = gpiozero.DigitalOutputDevice(pin, active_high=active_high, pin_factory=pin_factory(chip))
    stack.enter_context(lamp)
    stack.callback(lamp.off)
    return lamp


@dataclass
class SingleLight(_Lamp):
    """One lamp on one pin, whatever its colour."""

    pin: int = 17
    active_high: bool = True
    chip: int | None = None

    def __post_init__(self) -> None:
        check_pin("pin", self.pin)

    def _open(self, stack: ExitStack) -> None:
        with refusals(f"lamp on GPIO{self.pin}"):
            self._led = _output(stack, self.pin, self.active_high, self.chip)

    def _shine(self, colour: Colour) -> None:
        with refusals(f"lamp on GPIO{self.pin}"):
            self._led.value = colour != "off"


# What a red and green pair makes of each colour.
_PAIRED: Final[dict[Colour, tuple[bool, bool]]] = {
    "off": (False, False),
    "green": (False, True),
    "red": (True, False),
    "amber": (True, True),
    "blue": (False, True),  # shown for a repeat, where the earlier green still holds
    "white": (True, True),
}


@dataclass
class PairLight(_Lamp):
    """A red and a green lamp, or a two-colour diode; amber is both."""

    red: int = 27
    green: int = 17
    active_high: bool = True
    chip: int | None = None

    def __post_init__(self) -> None:
        _check_pins(red=self.red, green=self.green)

    def _open(self, stack: ExitStack) -> None:
        with refusals(self._name):
            self._red = _output(stack, self.red, self.active_high, self.chip)
            self._green = _output(stack, self.green, self.active_high, self.chip)

    def _shine(self, colour: Colour) -> None:
        with refusals(self._name):
            self._red.value, self._green.value = _PAIRED[colour]

    @property
    def _name(self) -> str:
        return f"lamps on GPIO{self.red} and GPIO{self.green}"


# Red, green, blue: a diode's green is stronger than its red, so that equal parts would look yellow-green.
_MIXED: Final[dict[Colour, tuple[float, float, float]]] = {
    "off": (0, 0, 0),
    "green": (0, 1, 0),
    "red": (1, 0, 0),
    "amber": (1, 0.4, 0),
    "blue": (0, 0, 1),
    "white": (1, 1, 1),
}


@dataclass
class RgbLight(_Lamp):
    """A red, green and blue diode; ``active_high`` false for a common anode."""

    red: int = 27
    green: int = 17
    blue: int = 22
    active_high: bool = True
    chip: int | None = None

    def __post_init__(self) -> None:
        _check_pins(red=self.red, green=self.green, blue=self.blue)

    def _open(self, stack: ExitStack) -> None:
        import gpiozero

        with refusals(self._name):
            self._led = gpiozero.RGBLED(
                self.red, self.green, self.blue, active_high=self.active_high, pin_factory=pin_factory(self.chip)
            )
            stack.enter_context(self._led)
            stack.callback(self._led.off)

    def _shine(self, colour: Colour) -> None:
        with refusals(self._name):
            self._led.value = _MIXED[colour]

    @property
    def _name(self) -> str:
        return f"lamp on GPIO{self.red}, GPIO{self.green} and GPIO{self.blue}"


def _check_pins(**pins: int) -> None:
    for option, pin in pins.items():
        check_pin(option, pin)
        twin = next((other for other in pins if other != option and pins[other] == pin), None)
        if twin:
            raise ValueError(f"{option} = {pin} is {twin}'s pin too: give each colour its own")


class Shone(msgspec.Struct, frozen=True):
    """The lamp changed to a colour at a monotonic time."""

    at: float
    colour: Colour


@dataclass
class SimLight(_Lamp):
    """A simulated lamp; ``colour`` is what it shows now and ``history`` what it showed, the last thousand changes."""

    def __post_init__(self) -> None:
        self.colour: Colour = "off"
        self.history: deque[Shone] = deque(maxlen=1000)

    def _open(self, stack: ExitStack) -> None:
        stack.callback(self._shine, "off")

    def _shine(self, colour: Colour) -> None:
        if colour != self.colour:
            self.colour = colour
            self.history.append(Shone(time.monotonic(), colour))


@dataclass
class NullLight:
    """No lamp."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, colour: Colour, blink: Blink = STEADY) -> None:
        """Do nothing."""


DRIVERS: Final[dict[str, type[Light]]] = {
    "single": SingleLight,
    "pair": PairLight,
    "rgb": RgbLight,
    "sim": SimLight,
    "null": NullLight,
}
"""The lamps that ``[led] driver = ...`` can name."""
