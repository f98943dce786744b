"""128×64 one-bit displays on SSD1306, SH1106 or SSD1309 controllers, over I2C or SPI, driven through luma.oled."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Protocol, Self

import msgspec

from drivers.controllers import Lines, Wire, controller
from drivers.drawing import draw
from drivers.errors import DeviceError
from drivers.page import BlankPage, Page
from drivers.pins import check_pin

if TYPE_CHECKING:
    from PIL import Image

SET_UP_AGAIN: Final = 60.0
"""Seconds after which the settings are sent again: a panel whose supply blinked answers as before, but dark."""


class Display(Protocol):
    """A display; a context manager that leaves it dark."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def show(self, page: Page) -> None:
        """Show a page when this returns, DeviceError when it cannot; the next call tries to reach the panel anew."""


@dataclass
class _Oled:
    """What the three controllers share.

    ``port`` is the bus number (I2C 1 and SPI 0 unless given), ``address`` the panel's on I2C; ``device`` (chip
    select), ``speed_mhz``, ``dc_pin`` and ``reset_pin`` are for SPI.  ``contrast`` is 0 to 255.
    """

    bus: Literal["i2c", "spi"] = "i2c"
    port: int | None = None
    address: int = 0x3C
    rotation: Literal[0, 180] = 0
    contrast: int = 0xCF
    device: int = 0
    speed_mhz: int = 8
    dc_pin: int = 24
    reset_pin: int | None = 25
    chip: int | None = None

    controller: ClassVar[str]

    def __post_init__(self) -> None:
        if self.bus not in ("i2c", "spi"):
            raise ValueError(f"bus = {self.bus!r} must be i2c or spi")
        if self.rotation not in (0, 180):
            raise ValueError(f"rotation = {self.rotation} must be 0 or 180")
        if self.speed_mhz not in (1, 2, 4, 8, 16, 20):
            raise ValueError(f"speed_mhz = {self.speed_mhz} must be 1, 2, 4, 8, 16 or 20")
        limits = {
            "port": (self.port, 0, 255),
            "address": (self.address, 0x08, 0x77),
            "contrast": (self.contrast, 0, 255),
        }
        for option, (value, low, high) in limits.items():
            if value is not None and not low <= value <= high:
                raise ValueError(f"{option} = {value} must be {low} to {high}")
        check_pin("dc_pin", self.dc_pin)
        check_pin("reset_pin", self.reset_pin)

    def __enter__(self) -> Self:
        self._wire = Wire()
        self._stack = ExitStack()
        self._panel = controller(self.controller, self._wire, self.contrast)
        self._set_up_at = 0.0
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(DeviceError):  # a panel that is gone is dark
            if self._wire.line is not None:
                self.show(BlankPage())
        self._unplug()

    def show(self, page: Page) -> None:
        """Show a page when this returns, DeviceError when it cannot; the next call tries to reach the panel anew."""
        with self._weather():
            if self._wire.line is None:
                self._plug()
            if time.monotonic() - self._set_up_at > SET_UP_AGAIN:
                self._set_up()
            self._panel.display(self._turned(draw(page)))

    def _plug(self) -> None:
        self._wire.line = self._spi() if self.bus == "spi" else self._i2c()
        self._set_up()

    def _set_up(self) -> None:
        self._wire.set_up()
        self._set_up_at = time.monotonic()

    def _unplug(self) -> None:
        with self._stack, suppress(OSError):  # a line that is gone may not even close
            self._wire.cleanup()

    def _turned(self, picture: Image.Image) -> Image.Image:
        from PIL import Image

        return picture.transpose(Image.Transpose.ROTATE_180) if self.rotation else picture

    def _i2c(self) -> object:
        from luma.core.interface.serial import i2c

        return i2c(port=1 if self.port is None else self.port, address=self.address)

    def _spi(self) -> object:
        from luma.core.interface.serial import spi

        lines = self._stack.enter_context(Lines(self.chip))
        return spi(
            gpio=lines,
            port=self.port or 0,
            device=self.device,
            bus_speed_hz=self.speed_mhz * 1_000_000,
            gpio_DC=self.dc_pin,
            gpio_RST=self.reset_pin,
            reset_hold_time=0.001,
            reset_release_time=0.001,
        )

    @property
    def name(self) -> str:
        """The display as a person finds it, such as ``display ssd1306 at 0x3c on i2c-1``."""
        if self.bus == "spi":
            return f"display {self.controller} on spi{self.port or 0}.{self.device}"
        return f"display {self.controller} at {self.address:#x} on i2c-{1 if self.port is None else self.port}"

    @contextmanager
    def _weather(self) -> Iterator[None]:
        """Turn what luma, the bus and the pins raise into DeviceError, and let go of the line."""
        from luma.core import error as luma

        try:
            yield
        except (luma.Error, OSError, ImportError) as error:
            self._unplug()
            if isinstance(error, DeviceError):
                raise
            raise DeviceError(self.name, str(error) or type(error).__name__, self._cure(error)) from error

    def _cure(self, error: Exception) -> str:
        from luma.core import error as luma

        if isinstance(error, ImportError):
            return "install python3-spidev, or wire the display to I2C"
        if isinstance(error, (luma.DevicePermissionError, PermissionError)):
            return f"put the service's user into the group {self.bus}"
        if isinstance(error, FileNotFoundError) or "device not found: /dev" in str(error):
            return f"switch {self.bus.upper()} on: dtparam={'i2c_arm' if self.bus == 'i2c' else 'spi'}=on in config.txt"
        return "check the cable and the address (i2cdetect -y 1)" if self.bus == "i2c" else "check the cable"


class Ssd1306(_Oled):
    """The usual 0.96 inch panel."""

    controller = "ssd1306"


class Sh1106(_Oled):
    """The usual 1.3 inch panel."""

    controller = "sh1106"


class Ssd1309(_Oled):
    """The usual 2.42 inch panel, which is the one to read from a distance."""

    controller = "ssd1309"


class Painted(msgspec.Struct, frozen=True):
    """The display changed to a page at a monotonic time."""

    at: float
    page: Page


@dataclass
class SimDisplay:
    """A simulated display; ``picture`` is what it shows now, ``history`` what it showed, the last hundred pages."""

    def __post_init__(self) -> None:
        self.page: Page = BlankPage()
        self.history: deque[Painted] = deque(maxlen=100)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.page = BlankPage()

    @property
    def picture(self) -> Image.Image:
        """The pixels, mode ``1``."""
        return draw(self.page)

    def show(self, page: Page) -> None:
        """Keep the page."""
        self.page = page
        self.history.append(Painted(time.monotonic(), page))


@dataclass
class NullDisplay:
    """No display."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, page: Page) -> None:
        """Do nothing."""


DRIVERS: Final[dict[str, type[Display]]] = {
    "ssd1306": Ssd1306,
    "sh1106": Sh1106,
    "ssd1309": Ssd1309,
    "sim": SimDisplay,
    "null": NullDisplay,
}
"""The displays that ``[display] driver = ...`` can name."""
