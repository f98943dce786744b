"""A panel at the end of a real I2C bus: the kernel module keeps what arrives, and this makes it a picture."""

from collections.abc import Iterator
from pathlib import Path
from typing import Self

from PIL import Image

RECEIVED = Path("/sys/kernel/debug/fake_oled/received")
CABLE_OUT = Path("/sys/module/fake_oled/parameters/cable_out")
COMMANDS, DATA = 0x00, 0x40
COLUMNS = 132  # an SH1106 has so many; the others use the first 128
BANDS = 8

# Commands that bring arguments, and how many; the SSD1306, SSD1309 and SH1106 datasheets agree where they overlap.
ARGUMENTS = {0x20: 1, 0x21: 2, 0x22: 2, 0x81: 1, 0x8D: 1, 0xA8: 1, 0xAD: 1, 0xD3: 1, 0xD5: 1, 0xD9: 1, 0xDA: 1, 0xDB: 1}


class Panel:
    """A panel's memory and switches, as its controller keeps them while it has power."""

    def __init__(self) -> None:
        self.port = next(
            int(name.parent.name.removeprefix("i2c-"))
            for name in Path("/sys/bus/i2c/devices").glob("i2c-*/name")
            if name.read_text().strip() == "fake-oled"
        )
        self._power_up()

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(self, *_: object) -> None:
        self.plug_in()

    def pull_out(self) -> None:
        """Pull the cable: nobody answers any more, and what the panel knew is gone."""
        CABLE_OUT.write_text("1")

    def plug_in(self) -> None:
        """Put the cable in: a panel with power, dark, that has been told nothing."""
        RECEIVED.write_bytes(b"\n")
        CABLE_OUT.write_text("0")
        self._power_up()

    def visible(self, *, offset: int = 0) -> Image.Image:
        """What can be seen now, 128x64, mode ``1``: black unless it was set up and switched on.

        ``offset`` is the column where the glass begins: 2 on an SH1106.
        """
        self._take_in()
        picture = Image.new("1", (128, 64))
        if self.on and self.pumps:
            lit = [
                (column, 8 * band + bit)
                for band in range(BANDS)
                for column in range(128)
                for bit in range(8)
                if self._memory[band][column + offset] >> bit & 1
            ]
            for place in lit:
                picture.putpixel(place, 1)
        return picture

    def _power_up(self) -> None:
        self._memory = [bytearray(COLUMNS) for _ in range(BANDS)]
        self.on = False
        self.pumps = False
        self.contrast = 0x7F
        self._sideways = False
        self._column, self._band = 0, 0
        self._first, self._last = 0, 127

    def _take_in(self) -> None:
        """Obey what has arrived since the last look."""
        messages = list(_messages(RECEIVED.read_bytes()))
        RECEIVED.write_bytes(b"\n")
        for message in messages:
            if message[:1] == bytes([COMMANDS]):
                commands = iter(message[1:])
                for command in commands:
                    self._obey(command, [next(commands) for _ in range(ARGUMENTS.get(command, 0))])
            elif message[:1] == bytes([DATA]):
                for byte in message[1:]:
                    self._store(byte)

    def _obey(self, command: int, arguments: list[int]) -> None:
        match command:
            case 0x20:
                self._sideways = arguments == [0]
            case 0x21:
                self._first, self._last = arguments
                self._column = self._first
            case 0x22:
                self._band = arguments[0]
            case 0x81:
                self.contrast = arguments[0]
            case 0x8D | 0xAD:  # the charge pump: SSD1306, SH1106
                self.pumps = arguments[0] in (0x14, 0x8B)
            case 0xAE | 0xAF:
                self.on = command == 0xAF
            case low if low <= 0x0F:
                self._column = self._column & 0xF0 | low
            case high if 0x10 <= high <= 0x1F:
                self._column = self._column & 0x0F | (high & 0x0F) << 4
            case page if 0xB0 <= page <= 0xB7:
                self._band = page & 0x07

    def _store(self, byte: int) -> None:
        self._memory[self._band][self._column] = byte
        self._column += 1
        if self._sideways and self._column > self._last:
            self._column = self._first
            self._band = (self._band + 1) % BANDS
        self._column %= COLUMNS


def _messages(kept: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(kept):
        length = int.from_bytes(kept[at : at + 2], "big")
        yield kept[at + 2 : at + 2 + length]
        at += 2 + length
