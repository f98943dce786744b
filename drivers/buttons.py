"""The guard's two buttons, which say what became of a person after a warning."""

from __future__ import annotations

import queue
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Protocol, Self

from drivers.pins import check_pin, pin_factory, refusals

Choice = Literal["admitted", "turned-away"]


class Buttons(Protocol):
    """Two buttons; a context manager that watches them."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def read(self, timeout: float) -> Choice | None:
        """Return the next press, or None when ``timeout`` seconds bring none."""


class _Presses:
    """Presses that nobody has read yet; a few are enough, a guard who hammers says no more than once."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Choice] = queue.Queue(maxsize=4)

    def read(self, timeout: float) -> Choice | None:
        """Return the next press, or None when ``timeout`` seconds bring none."""
        try:
            return self._waiting.get(timeout=timeout)
        except queue.Empty:
            return None

    def press(self, choice: Choice) -> None:
        """Press the button of ``choice``; may be called from any thread."""
        with suppress(queue.Full):
            self._waiting.put_nowait(choice)


@dataclass
class GpioButtons(_Presses):
    """Buttons between a GPIO pin and ground; one of them may be missing (no pin given)."""

    admitted_pin: int | None = None
    turned_away_pin: int | None = None
    debounce: float = 0.05
    chip: int | None = None

    def __post_init__(self) -> None:
        check_pin("admitted_pin", self.admitted_pin)
        check_pin("turned_away_pin", self.turned_away_pin)
        if self.admitted_pin is None and self.turned_away_pin is None:
            raise ValueError("admitted_pin, turned_away_pin: give at least one, or set the driver to null")
        if self.admitted_pin == self.turned_away_pin:
            raise ValueError(f"turned_away_pin = {self.turned_away_pin} is the other button's pin")
        if not 0 <= self.debounce <= 1:
            raise ValueError(f"debounce = {self.debounce} must be 0 to 1 seconds")
        super().__init__()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._watch(stack, self.admitted_pin, "admitted")
            self._watch(stack, self.turned_away_pin, "turned-away")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _watch(self, stack: ExitStack, pin: int | None, choice: Choice) -> None:
        if pin is None:
            return
        import gpiozero

        pins = pin_factory(self.chip)
        with refusals(f"button on GPIO{pin}"):
            button = gpiozero.Button(pin, pull_up=True, bounce_time=self.debounce or None, pin_factory=pins)
            stack.callback(button.close)
            button.when_pressed = partial(self.press, choice)


@dataclass
class SimButtons(_Presses):
    """Simulated buttons: ``press`` them from any thread."""

    def __post_init__(self) -> None:
        super().__init__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class NullButtons:
    """No buttons: nobody presses."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self, timeout: float) -> None:
        """Wait ``timeout`` seconds for nothing."""
        time.sleep(timeout)


DRIVERS: Final[dict[str, type[Buttons]]] = {"gpio": GpioButtons, "sim": SimButtons, "null": NullButtons}
"""The buttons that ``[buttons] driver = ...`` can name."""
