"""Scanners that type like a USB keyboard, held so that their keystrokes reach nobody else."""

from __future__ import annotations

import fcntl
import os
import select
import struct
import time
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self

from drivers.errors import DeviceError
from drivers.keys import DOWN, LOST, Key
from drivers.plug import Plug
from drivers.sources import Source

if TYPE_CHECKING:
    import evdev

INPUT: Final = "/dev/input"

EVIOCSCLOCKID: Final = 0x400445A0
"""The request (linux/input.h) by which a device's events are stamped by another clock than the wall's."""


@dataclass
class HidScanner:
    """A keyboard-like scanner, found by any of ``name``, ``id`` and ``port``; all that are given must fit.

    ``name`` is the device's own name, ``id`` its file name under ``/dev/input/by-id``, ``port`` its file name under
    ``/dev/input/by-path`` or the start of its physical place (``usb-0000:01:00.0-1.3``). ``*`` and ``?`` stand for
    any letters. The device is grabbed: the console and other programs get none of its keys.
    """

    name: str = ""
    id: str = ""
    port: str = ""
    source: ClassVar[Source] = "hid"
    kind: ClassVar[Literal["keys"]] = "keys"

    def __post_init__(self) -> None:
        if not (self.name or self.id or self.port):
            raise ValueError("name, id or port: give at least one, so that no other keyboard is grabbed")
        self._plug: Plug[evdev.InputDevice[str]] = Plug(self._open, _close, pause=0.5, longest=2.0)

    @property
    def away(self) -> bool:
        """Tell whether the scanner is lost or was never found."""
        return self._plug.away

    def __enter__(self) -> Self:
        self._plug.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._plug.close()

    def read(self, timeout: float) -> tuple[Key, ...]:
        """Return the next keys (64 at most), or none after ``timeout`` seconds; raises DeviceError once per loss."""
        device = self._plug.get(timeout)
        if device is None:
            return ()
        try:
            ready, _, _ = select.select([device.fd], [], [], timeout)
            keys = _keys(device) if ready else ()
        except (OSError, ValueError) as error:
            raise self._plug.lost(self._error(str(error))) from error
        if keys:
            self._plug.working()
        return keys

    def _open(self) -> evdev.InputDevice[str]:
        import evdev

        others = []
        for path in sorted(evdev.list_devices(INPUT)):
            try:
                device = evdev.InputDevice(path)
            except OSError:  # it went away between the listing and now
                continue
            if _types(device):
                if self._fits(device):
                    return self._grab(device)
                others.append(device.name)
            device.close()
        raise self._error(f"it is not there, but {', '.join(others)}" if others else "it is not there")

    def _grab(self, device: evdev.InputDevice[str]) -> evdev.InputDevice[str]:
        try:
            device.grab()
            _stamp_by_monotonic_clock(device)
        except OSError as error:
            device.close()
            raise self._error(f"another program holds it ({error})") from error
        return device

    def _fits(self, device: evdev.InputDevice[str]) -> bool:
        return (
            (not self.name or fnmatchcase(device.name.strip(), self.name))
            and (not self.id or _links_to("by-id", self.id, device.path))
            and (not self.port or self._is_plugged_in_there(device))
        )

    def _is_plugged_in_there(self, device: evdev.InputDevice[str]) -> bool:
        return fnmatchcase(device.phys or "", f"{self.port}*") or _links_to("by-path", self.port, device.path)

    def _error(self, problem: str) -> DeviceError:
        cure = "plug it in, give its name as /dev/input/by-id shows it, and put the service's user into the group input"
        return DeviceError(f"scanner {self.id or self.name or self.port}", problem, cure)


def _types(device: evdev.InputDevice[str]) -> bool:
    """Tell the device that types from the others that a scanner may show under the same name: it has the digits."""
    from evdev import ecodes

    return ecodes.KEY_1 in device.capabilities().get(ecodes.EV_KEY, ())


def _stamp_by_monotonic_clock(device: evdev.InputDevice[str]) -> None:
    """Have keys stamped by a clock that nobody sets, so that setting the time pulls no scan apart."""
    try:
        fcntl.ioctl(device.fd, EVIOCSCLOCKID, struct.pack("i", time.CLOCK_MONOTONIC))
    except OSError:  # a kernel that cannot: the wall's clock orders keys just as well until it is set
        return


def _keys(device: evdev.InputDevice[str]) -> tuple[Key, ...]:
    from evdev import ecodes

    keys = []
    for event in device.read():
        if event.type == ecodes.EV_KEY:
            keys.append(Key(event.code, event.value, event.timestamp()))
        elif (event.type, event.code) == (ecodes.EV_SYN, ecodes.SYN_DROPPED):
            keys.append(Key(LOST, DOWN, event.timestamp()))
    return tuple(keys)


def _links_to(folder: str, wanted: str, path: str | bytes) -> bool:
    """Tell whether a link in ``/dev/input/<folder>`` whose name fits ``wanted`` leads to the device at ``path``."""
    links = os.path.join(INPUT, folder)
    try:
        names = os.listdir(links)
    except FileNotFoundError:
        return False
    real = os.path.realpath(os.fsdecode(path))
    fitting = (name for name in names if fnmatchcase(name, os.path.basename(wanted)))
    return any(os.path.realpath(os.path.join(links, name)) == real for name in fitting)


def _close(device: evdev.InputDevice[str]) -> None:
    try:
        device.close()
    except OSError:  # closing a device that was pulled out says so again
        return
