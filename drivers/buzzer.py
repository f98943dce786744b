"""Buzzers: a passive one that plays tones, or an active one that knows only on and off."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Protocol, Self

import msgspec

from drivers.pins import check_pin, pin_factory, refusals
from drivers.player import Player

HIGHEST_TONE: Final = 10_000.0
"""Hertz that software PWM reaches."""


class Note(msgspec.Struct, frozen=True):
    """A tone in hertz, 0 for a rest, held for ``seconds``."""

    hertz: float
    seconds: float


Tune = tuple[Note, ...]


class Buzzer(Protocol):
    """Something that sounds; a context manager that leaves it silent."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def play(self, tune: Tune) -> None:
        """Begin a tune, cutting an older one off; returns at once, DeviceError when it cannot.  () is silence."""


def steps(tune: Tune) -> Iterable[tuple[float, float]]:
    """A tune as hertz and seconds, with the silence after it."""
    yield from ((note.hertz, note.seconds) for note in tune)
    yield 0.0, 0.0


class _Sounder:
    """What every buzzer does with time; a subclass opens its pin and sounds."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._open(stack)
            self._player = stack.enter_context(Player("buzzer", self._sound))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(self, tune: Tune) -> None:
        """Begin a tune, cutting an older one off; returns at once, DeviceError when it cannot.  () is silence."""
        self._player.play(steps(tune))

    def _open(self, stack: ExitStack) -> None:
        raise NotImplementedError

    def _sound(self, hertz: float) -> None:
        raise NotImplementedError


@dataclass
class TonalBuzzer(_Sounder):
    """A passive buzzer on a pin that is switched as fast as the tone; ``volume`` 1 is an even switching."""

    pin: int = 18
    volume: float = 1.0
    chip: int | None = None

    def __post_init__(self) -> None:
        check_pin("pin", self.pin)
        if not 0 < self.volume <= 1:
            raise ValueError(f"volume = {self.volume} must be above 0 and at most 1")

    def _open(self, stack: ExitStack) -> None:
        import gpiozero

        with refusals(f"buzzer on GPIO{self.pin}"):
            self._pwm = gpiozero.PWMOutputDevice(self.pin, pin_factory=pin_factory(self.chip))
            stack.enter_context(self._pwm)
            stack.callback(self._pwm.off)

    def _sound(self, hertz: float) -> None:
        with refusals(f"buzzer on GPIO{self.pin}"):
            if hertz <= 0:
                self._pwm.off()
            else:
                self._pwm.frequency = min(hertz, HIGHEST_TONE)
                self._pwm.value = self.volume / 2


@dataclass
class ActiveBuzzer(_Sounder):
    """A buzzer that sounds its one tone whenever its pin is on, so that a tune is a rhythm."""

    pin: int = 18
    active_high: bool = True
    chip: int | None = None

    def __post_init__(self) -> None:
        check_pin("pin", self.pin)

    def _open(self, stack: ExitStack) -> None:
        import gpiozero

        with refusals(f"buzzer on GPIO{self.pin}"):
            self._output = gpiozero.DigitalOutputDevice(
                self.pin, active_high=self.active_high, pin_factory=pin_factory(self.chip)
            )
            stack.enter_context(self._output)
            stack.callback(self._output.off)

    def _sound(self, hertz: float) -> None:
        with refusals(f"buzzer on GPIO{self.pin}"):
            self._output.value = hertz > 0


class Sounded(msgspec.Struct, frozen=True):
    """The buzzer changed to a tone at a monotonic time; 0 hertz is silence."""

    at: float
    hertz: float


@dataclass
class SimBuzzer(_Sounder):
    """A simulated buzzer; ``hertz`` is what it sounds now, ``history`` what it sounded, the last thousand changes."""

    def __post_init__(self) -> None:
        self.hertz = 0.0
        self.history: deque[Sounded] = deque(maxlen=1000)

    def _open(self, stack: ExitStack) -> None:
        stack.callback(self._sound, 0.0)

    def _sound(self, hertz: float) -> None:
        if hertz != self.hertz:
            self.hertz = hertz
            self.history.append(Sounded(time.monotonic(), hertz))


@dataclass
class NullBuzzer:
    """No buzzer."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def play(self, tune: Tune) -> None:
        """Do nothing."""


DRIVERS: Final[dict[str, type[Buzzer]]] = {
    "tonal": TonalBuzzer,
    "active": ActiveBuzzer,
    "sim": SimBuzzer,
    "null": NullBuzzer,
}
"""The buzzers that ``[buzzer] driver = ...`` can name."""
