"""luma's display controllers, plugged and unplugged at will and fed with packed pixels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol, Self

from drivers.page import HEIGHT, WIDTH
from drivers.pins import pin_factory, refusals

if TYPE_CHECKING:
    from PIL import Image


class Controller(Protocol):
    """What paints a picture through a wire."""

    def display(self, picture: Image.Image) -> None:
        """Send all pixels."""


def packed(picture: Image.Image) -> bytes:
    """A one-bit picture as these controllers keep it: eight rows at a time, a byte a column, its lowest bit on top."""
    from PIL import Image

    columns = picture.transpose(Image.Transpose.ROTATE_270).tobytes()  # a row each, read upwards
    bands = picture.height // 8
    return b"".join(columns[bands - 1 - band :: bands] for band in range(bands))


class Wire:
    """luma's serial interface with a plug: out of it, commands are noted down as the panel's settings."""

    def __init__(self) -> None:
        self.settings: list[tuple[int, ...]] = []
        self.line: Any = None

    def command(self, *command: int) -> None:
        """Send a command, or note it down."""
        if self.line is None:
            self.settings.append(command)
        else:
            self.line.command(*command)

    def data(self, data: Sequence[int]) -> None:
        """Send pixels."""
        if self.line is not None:
            self.line.data(data)

    def set_up(self) -> None:
        """Send the noted settings."""
        for command in self.settings:
            self.line.command(*command)

    def cleanup(self) -> None:
        """Close the line if there is one; luma calls this at the end of the process."""
        line, self.line = self.line, None
        if line is not None:
            line.cleanup()


def controller(name: str, wire: Wire, contrast: int) -> Controller:
    """A luma device whose settings are noted on the wire and not sent yet.

    luma's own ``display`` walks over 8,192 pixels in Python and holds up every other thread meanwhile; ours packs
    them in C.
    """
    from luma.oled import device

    class Panel(getattr(device, name)):  # type: ignore[misc]  # luma ships no types
        def display(self, picture: Image.Image) -> None:
            bits = packed(picture)
            if name == "sh1106":  # has no window to fill; 132 columns wide, ours are the middle 128
                for band in range(HEIGHT // 8):
                    self.command(0xB0 + band, 0x02, 0x10)
                    self.data(list(bits[band * WIDTH : (band + 1) * WIDTH]))
            else:
                self.command(self._const.COLUMNADDR, 0, WIDTH - 1, self._const.PAGEADDR, 0, HEIGHT // 8 - 1)
                self.data(list(bits))

        def clear(self) -> None:
            """Keep luma from painting the panel black first."""

    panel = Panel(wire, width=WIDTH, height=HEIGHT)
    panel.contrast(contrast)
    made: Controller = panel
    return made


class Lines:
    """The two pins of an SPI display as luma expects them from RPi.GPIO, which current boards no longer have."""

    OUT, LOW, HIGH = "out", False, True

    def __init__(self, chip: int | None) -> None:
        self._chip = chip
        self._stack = ExitStack()
        self._pins: dict[int, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def setup(self, pin: int, _mode: str) -> None:
        """Make a pin an output."""
        import gpiozero

        with refusals(f"display's GPIO{pin}"):
            factory = pin_factory(self._chip)
            self._pins[pin] = self._stack.enter_context(gpiozero.DigitalOutputDevice(pin, pin_factory=factory))

    def output(self, pin: int, high: bool) -> None:
        """Drive a pin."""
        self._pins[pin].value = high
