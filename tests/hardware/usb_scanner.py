"""A USB scanner made of the kernel's gadget framework: one plug with a keyboard and a serial line behind it."""

import os
import subprocess
import termios
import threading
import time
import tty
from pathlib import Path
from typing import Self

from waiting import wait_for

GADGET = Path("/sys/kernel/config/usb_gadget/scanner")
KEYBOARD = Path("/dev/input/by-id/usb-Tram_Quet_Test_Scanner_0001-event-kbd")
SERIAL = Path("/dev/serial/by-id/usb-Tram_Quet_Test_Scanner_0001-if01")

# A keyboard's boot report as the HID specification (appendix B.1) lays it down: modifiers, a reserved byte, six keys.
REPORT = bytes.fromhex(
    "05010906a101050719e029e71500250175019508810295017508810195057501050819012905910295017503910195067508150025650507"
    "190029658100c0"
)
SHIFT = 0x02
REPORTS_PER_SECOND = 125  # a host asks a full-speed keyboard every 8 ms
ENTER = 0x28


class UsbScanner:
    """A scanner that can be plugged in and pulled out; behind it, keystrokes and bytes are sent."""

    def __init__(self) -> None:
        self._typing: threading.Thread | None = None

    def __enter__(self) -> Self:
        _fill(GADGET, idVendor="0x1d6b", idProduct="0x0104")
        _fill(GADGET / "strings/0x409", manufacturer="Tram Quet", product="Test Scanner", serialnumber="0001")
        keyboard, serial = GADGET / "functions/hid.keys", GADGET / "functions/acm.line"
        _fill(keyboard, protocol="1", subclass="1", report_length="8", report_desc=REPORT)
        serial.mkdir()
        (GADGET / "configs/c.1").mkdir()
        for function in (keyboard, serial):
            (GADGET / "configs/c.1" / function.name).symlink_to(function)
        self._socket = next(Path("/sys/class/udc").iterdir()).name
        return self

    def __exit__(self, *_: object) -> None:
        for function in ("hid.keys", "acm.line"):
            (GADGET / "configs/c.1" / function).unlink()
            (GADGET / "functions" / function).rmdir()
        for folder in ("configs/c.1", "strings/0x409", "."):
            (GADGET / folder).rmdir()

    def plug_in(self) -> None:
        """Plug it in, and wait until both its devices have the names that they always have."""
        if not self._is_in():
            (GADGET / "UDC").write_text(self._socket)
        wait_for(lambda: _settled() and KEYBOARD.exists() and SERIAL.exists(), "udev to name the scanner")

    def pull_out(self) -> None:
        """Pull it out when all is typed, and wait until its devices are gone; does nothing when it is out."""
        if self._typing is not None:
            self._typing.join()
        if self._is_in():
            (GADGET / "UDC").write_text("\n")
        wait_for(lambda: _settled() and not KEYBOARD.exists() and not SERIAL.exists(), "udev to forget the scanner")

    def _is_in(self) -> bool:
        return bool((GADGET / "UDC").read_text().strip())

    def type(self, text: str) -> None:
        """Begin to type a text of letters and digits as a United States keyboard would, and Enter; return at once."""
        self._typing = threading.Thread(target=self._type, args=(text, 1 / REPORTS_PER_SECOND), daemon=True)
        self._typing.start()

    def pour(self, text: str) -> None:
        """Type a text faster than any host asks a keyboard, and return when all is typed."""
        self._type(text, 0)

    def _type(self, text: str, pause: float) -> None:
        with Path("/dev/hidg0").open("wb", buffering=0) as wire:
            for modifiers, key in [*map(_stroke, text), (0, ENTER)]:
                for report in (bytes([modifiers, 0, key, 0, 0, 0, 0, 0]), bytes(8)):
                    wire.write(report)
                    time.sleep(pause)

    def send(self, data: bytes) -> None:
        """Send bytes down the serial line."""
        wire = os.open("/dev/ttyGS0", os.O_WRONLY | os.O_NOCTTY)
        try:
            tty.setraw(wire, termios.TCSANOW)
            os.write(wire, data)
            termios.tcdrain(wire)
        finally:
            os.close(wire)


def _settled() -> bool:
    """Whether udev has done with all that the kernel has told it; else it may still take a new device's name away."""
    return subprocess.run(["udevadm", "settle", "--timeout=30"], check=False).returncode == 0


def _fill(folder: Path, **values: str | bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in values.items():
        (folder / name).write_bytes(value.encode() if isinstance(value, str) else value)


def _stroke(letter: str) -> tuple[int, int]:
    """Modifiers and key of a letter or digit, by the HID usage tables (page 7)."""
    if letter.isdigit():
        return 0, 0x1E + (int(letter) - 1) % 10
    return SHIFT if letter.isupper() else 0, 0x04 + ord(letter.lower()) - ord("a")
