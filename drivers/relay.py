"""The relay that lets one person through: it opens for a moment, and for good when the alarm goes.

The alarm input is a convenience, not a safety device: wire the alarm into the lock's own supply as well.
"""

from __future__ import annotations

import queue
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol, Self

import msgspec

from drivers.pins import check_pin, pin_factory, refusals

Cause = Literal["asked", "time", "alarm", "reset"]


class RelayEvent(msgspec.Struct, frozen=True):
    """The door became ``open``, or not, for a ``cause``: asked to, time run out, the alarm, or the alarm's reset."""

    open: bool
    cause: Cause
    at_monotonic: float = msgspec.field(default_factory=time.monotonic)


class Relay(Protocol):
    """A door that opens for a while; a context manager that leaves the relay at rest."""

    @property
    def emergency(self) -> bool:
        """Tell whether the alarm has opened the door for good."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def open(self, seconds: float) -> None:
        """Open the door for ``seconds`` and return at once; a second opening lengthens the first, never shortens it."""

    def close(self) -> None:
        """Close the door now, unless the alarm has opened it."""

    def reset(self) -> None:
        """Close the door after an alarm that is over; does nothing while the alarm lasts."""

    def wait_event(self, timeout: float) -> RelayEvent | None:
        """Return the next opening or closing, or None when ``timeout`` seconds bring none."""


class _Door:
    """What every relay does with time and alarm; a subclass moves the coil."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._begin()

    def _begin(self) -> None:
        # Nobody has to listen: what is not fetched may fill the queue, and then the newest are lost.
        self._events: queue.Queue[RelayEvent] = queue.Queue(maxsize=256)
        self._closing: threading.Timer | None = None
        self._close_at = 0.0
        self._latched = False

    @property
    def emergency(self) -> bool:
        """Tell whether the alarm has opened the door for good."""
        return self._latched

    def open(self, seconds: float) -> None:
        """Open the door for ``seconds`` and return at once; a second opening lengthens the first, never shortens it."""
        with self._lock:
            if self._latched:
                return
            self._move(True, "asked")
            self._close_at = max(self._close_at, time.monotonic() + seconds)
            self._close_in(self._close_at - time.monotonic())

    def close(self) -> None:
        """Close the door now, unless the alarm has opened it."""
        self._shut("asked")

    def reset(self) -> None:
        """Close the door after an alarm that is over; does nothing while the alarm lasts."""
        with self._lock:
            if self._latched and not self._alarmed():
                self._latched = False
                self._shut("reset")

    def wait_event(self, timeout: float) -> RelayEvent | None:
        """Return the next opening or closing, or None when ``timeout`` seconds bring none."""
        try:
            return self._events.get(timeout=timeout)
        except queue.Empty:
            return None

    def _alarm(self) -> None:
        with self._lock:
            if not self._latched:
                self._latched = True
                self._forget_closing()
                self._move(True, "alarm")

    def _shut(self, cause: Cause) -> None:
        with self._lock:
            if not self._latched:
                self._forget_closing()
                self._move(False, cause)

    def _time_out(self) -> None:
        with self._lock:
            # A newer opening may have replaced this timer while it waited for the lock.
            if self._closing is threading.current_thread():
                self._shut("time")

    def _close_in(self, seconds: float) -> None:
        if self._closing is not None:
            self._closing.cancel()
        self._closing = threading.Timer(seconds, self._time_out)
        self._closing.daemon = True
        self._closing.start()

    def _forget_closing(self) -> None:
        self._close_at = 0.0
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def _move(self, open: bool, cause: Cause) -> None:
        self._drive(open)
        with suppress(queue.Full):
            self._events.put_nowait(RelayEvent(open, cause))

    def _drive(self, open: bool) -> None:
        raise NotImplementedError

    def _alarmed(self) -> bool:
        raise NotImplementedError


@dataclass
class GpioRelay(_Door):
    """A relay on a GPIO pin.

    ``lock`` says what the door does without current: a ``fail-secure`` lock stays shut, and the relay pulls to open
    it; a ``fail-safe`` one stands open, and the relay pulls to hold it shut. Either way the relay rests when the
    station stops. ``alarm_pin`` is a contact to ground, ``normally-closed`` so that a cut wire opens the door too.
    """

    pin: int = 16
    active_high: bool = True
    lock: Literal["fail-secure", "fail-safe"] = "fail-secure"
    alarm_pin: int | None = None
    alarm_contact: Literal["normally-closed", "normally-open"] = "normally-closed"
    alarm_debounce: float = 0.05
    chip: int | None = None

    def __post_init__(self) -> None:
        check_pin("pin", self.pin)
        check_pin("alarm_pin", self.alarm_pin)
        if self.pin == self.alarm_pin:
            raise ValueError(f"alarm_pin = {self.alarm_pin} is the relay's own pin")
        if self.lock not in ("fail-secure", "fail-safe"):
            raise ValueError(f"lock = {self.lock!r} must be fail-secure or fail-safe")
        if self.alarm_contact not in ("normally-closed", "normally-open"):
            raise ValueError(f"alarm_contact = {self.alarm_contact!r} must be normally-closed or normally-open")
        if not 0 <= self.alarm_debounce <= 2:
            raise ValueError(f"alarm_debounce = {self.alarm_debounce} must be 0 to 2 seconds")
        super().__init__()

    def __enter__(self) -> Self:
        import gpiozero

        self._begin()
        self._ringing = False
        self._contact = None
        pins = pin_factory(self.chip)
        with ExitStack() as stack, refusals(f"relay on GPIO{self.pin}"):
            shut = self.lock == "fail-safe"
            self._coil = stack.enter_context(
                gpiozero.DigitalOutputDevice(
                    self.pin, active_high=self.active_high, initial_value=shut, pin_factory=pins
                )
            )
            stack.callback(self._rest)
            if self.alarm_pin is not None:
                self._contact = stack.enter_context(
                    gpiozero.DigitalInputDevice(
                        self.alarm_pin, pull_up=True, bounce_time=self.alarm_debounce or None, pin_factory=pins
                    )
                )
                self._watch()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _watch(self) -> None:
        contact = self._contact
        assert contact is not None
        if self.alarm_contact == "normally-closed":
            contact.when_activated, contact.when_deactivated = self._silence, self._ring
        else:
            contact.when_activated, contact.when_deactivated = self._ring, self._silence
        if bool(contact.is_active) == (self.alarm_contact == "normally-open"):
            self._ring()

    def _ring(self) -> None:
        with self._lock:
            self._ringing = True
            self._alarm()

    def _silence(self) -> None:
        with self._lock:
            self._ringing = False

    def _alarmed(self) -> bool:
        # Not the pin's level: before it has kept still it may jump back without our being told, and the door stay shut.
        return self._ringing

    def _drive(self, open: bool) -> None:
        with refusals(f"relay on GPIO{self.pin}"):
            self._coil.value = open == (self.lock == "fail-secure")

    def _rest(self) -> None:
        with self._lock:
            self._forget_closing()
            self._coil.off()


@dataclass
class SimRelay(_Door):
    """A simulated relay; ``is_open`` shows the door, ``ring`` and ``silence`` are the alarm."""

    def __post_init__(self) -> None:
        super().__init__()
        self.is_open = False
        self._ringing = False

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._forget_closing()
            self._drive(False)

    def ring(self) -> None:
        """Begin an alarm."""
        self._ringing = True
        self._alarm()

    def silence(self) -> None:
        """End the alarm; the door stays open until ``reset``."""
        self._ringing = False

    def _alarmed(self) -> bool:
        return self._ringing

    def _drive(self, open: bool) -> None:
        self.is_open = open


@dataclass
class NullRelay:
    """No relay: nothing opens."""

    emergency: ClassVar[bool] = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def open(self, seconds: float) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""

    def reset(self) -> None:
        """Do nothing."""

    def wait_event(self, timeout: float) -> None:
        """Wait ``timeout`` seconds for nothing."""
        time.sleep(timeout)


DRIVERS: Final[dict[str, type[Relay]]] = {"gpio": GpioRelay, "sim": SimRelay, "null": NullRelay}
"""The relays that ``[relay] driver = ...`` can name."""
