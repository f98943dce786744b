"""luma's real controllers over a bus of our own: what the panel receives is the picture, pixel for pixel."""

from __future__ import annotations

import errno

import gpiozero
import pytest
import smbus2
from gpiozero.pins.mock import MockFactory
from PIL import Image

from drivers import oled
from drivers.drawing import draw
from drivers.errors import DeviceError
from drivers.oled import DRIVERS, SimDisplay
from drivers.page import AlarmPage, BlankPage, IdlePage, VerdictPage

VERDICT = VerdictPage("check", "MỜI VÀO", ("Hợp lệ", "COME IN"), "Ng*** V** Ánh")
IDLE = IdlePage("Chợ Đông Ba", "14:05", "T2 23/11", linked=True)


class Panel:
    """A panel's memory and settings, as its controller would keep them; ``cable_out`` makes the bus fail."""

    def __init__(self) -> None:
        self.memory = bytearray(132 * 8)
        self.cable_out = False
        self.on = False
        self.contrast = 0
        self.column = self.band = self.first = 0
        self.last = 131
        self.width = 132
        self.lit_up = 0

    def lose_power(self) -> None:
        self.__init__()

    def command(self, codes: list[int]) -> None:
        if self.cable_out:
            raise OSError(errno.EREMOTEIO, "Remote I/O error")
        if codes[0] == 0xAE:
            self.on = False
        if codes == [0xAF]:
            self.on, self.lit_up = True, self.lit_up + 1
        if codes[0] == 0x81:
            self.contrast = codes[1]
        if codes[0] == 0x21:
            self.first, self.last, self.column, self.band = codes[1], codes[2], codes[1], codes[4]
        if 0xB0 <= codes[0] <= 0xB7:
            self.band, self.column = codes[0] - 0xB0, codes[1] | (codes[2] & 0x0F) << 4

    def data(self, data: list[int]) -> None:
        if self.cable_out:
            raise OSError(errno.EREMOTEIO, "Remote I/O error")
        for byte in data:
            self.memory[self.band * 132 + self.column] = byte
            self.column += 1
            if self.column > self.last:
                self.column, self.band = self.first, (self.band + 1) % 8

    def picture(self, offset: int = 0) -> Image.Image:
        seen = Image.new("1", (128, 64))
        for x in range(128):
            for y in range(64):
                if self.on and self.memory[y // 8 * 132 + x + offset] >> y % 8 & 1:
                    seen.putpixel((x, y), 255)
        return seen


class Bus:
    """What smbus2 is to luma."""

    panel = Panel()

    def __init__(self, port: int) -> None:
        if port == 9:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", "/dev/i2c-9")

    def write_i2c_block_data(self, _address: int, mode: int, data: list[int]) -> None:
        self.panel.command(data) if mode == 0 else self.panel.data(data)

    def i2c_rdwr(self, message: smbus2.i2c_msg) -> None:
        mode, *data = list(message)
        assert mode == 0x40
        self.panel.data(data)

    def close(self) -> None:
        pass


@pytest.fixture
def panel(monkeypatch):
    monkeypatch.setattr(smbus2, "SMBus", Bus)
    Bus.panel = Panel()
    return Bus.panel


OFFSET = {"ssd1306": 0, "ssd1309": 0, "sh1106": 2}


@pytest.mark.parametrize("name", OFFSET)
@pytest.mark.parametrize("page", [VERDICT, IDLE, AlarmPage("wrench", "LỖI")])
def test_the_panel_receives_the_picture_pixel_for_pixel(panel, name, page):
    with DRIVERS[name]() as display:
        display.show(page)
        assert panel.picture(OFFSET[name]).tobytes() == draw(page).tobytes()
        display.show(IDLE)
        assert panel.picture(OFFSET[name]).tobytes() == draw(IDLE).tobytes()


@pytest.mark.parametrize("name", OFFSET)
def test_the_panel_is_dark_when_the_station_ends(panel, name):
    with DRIVERS[name]() as display:
        display.show(VERDICT)
    assert panel.picture(OFFSET[name]).getbbox() is None


def test_a_panel_that_hangs_upside_down_is_turned(panel):
    with DRIVERS["ssd1306"](rotation=180) as display:
        display.show(VERDICT)
        assert panel.picture().transpose(Image.Transpose.ROTATE_180).tobytes() == draw(VERDICT).tobytes()


def test_the_contrast_is_the_one_asked_for(panel):
    with DRIVERS["ssd1306"](contrast=7) as display:
        display.show(VERDICT)
        assert panel.contrast == 7


@pytest.mark.parametrize("name", OFFSET)
def test_a_panel_that_was_unplugged_is_set_up_anew(panel, name):
    with DRIVERS[name]() as display:
        display.show(VERDICT)
        panel.lose_power()
        panel.cable_out = True
        with pytest.raises(DeviceError, match="cable"):
            display.show(IDLE)
        panel.cable_out = False
        assert not panel.on
        display.show(IDLE)
        assert panel.picture(OFFSET[name]).tobytes() == draw(IDLE).tobytes()


def test_a_panel_whose_power_blinked_unseen_lights_up_again_within_a_minute(panel, monkeypatch):
    with DRIVERS["ssd1306"]() as display:
        display.show(VERDICT)
        panel.lose_power()
        display.show(IDLE)
        assert not panel.on
        monkeypatch.setattr(oled, "SET_UP_AGAIN", 0.0)
        display.show(IDLE)
        assert panel.picture().tobytes() == draw(IDLE).tobytes()


def test_a_panel_that_is_absent_at_the_start_is_found_when_it_comes(panel):
    panel.cable_out = True
    with DRIVERS["ssd1306"]() as display:
        with pytest.raises(DeviceError):
            display.show(VERDICT)
        panel.cable_out = False
        display.show(VERDICT)
        assert panel.picture().tobytes() == draw(VERDICT).tobytes()


def test_a_bus_that_is_switched_off_says_how_to_switch_it_on(panel):
    with DRIVERS["ssd1306"](port=9) as display, pytest.raises(DeviceError, match=r"config\.txt") as caught:
        display.show(VERDICT)
    assert caught.value.device == "display ssd1306 at 0x3c on i2c-9"


class SpiDev:
    """What spidev is to luma, with the panel behind it; the data/command pin says which is which."""

    def __init__(self, panel: Panel, factory: MockFactory, dc: int) -> None:
        self.panel, self.factory, self.dc = panel, factory, dc
        self.max_speed_hz = 0
        self.closed = False

    def open(self, _port: int, _device: int) -> None:
        self.closed = False

    def writebytes(self, data: list[int]) -> None:
        self.panel.data(data) if self.factory.pin(self.dc).state else self.panel.command(data)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def pins(monkeypatch):
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    yield factory
    factory.reset()


@pytest.mark.parametrize("name", OFFSET)
def test_over_spi_the_pins_tell_commands_from_pixels(monkeypatch, pins, name):
    from luma.core.interface import serial

    panel = Panel()
    wire = SpiDev(panel, pins, 24)
    monkeypatch.setattr(serial.spi, "__spidev__", lambda _self: wire)
    with DRIVERS[name](bus="spi") as display:
        display.show(VERDICT)
        assert panel.picture(OFFSET[name]).tobytes() == draw(VERDICT).tobytes()
        assert [state.state for state in pins.pin(25).states][-2:] == [False, True]  # reset, then let go
        assert wire.max_speed_hz == 8_000_000
    assert wire.closed


def test_spi_without_its_library_names_the_cure(monkeypatch, pins):
    monkeypatch.setitem(__import__("sys").modules, "spidev", None)
    with DRIVERS["ssd1306"](bus="spi") as display:
        for _ in range(2):  # the pins are free again after a failure
            with pytest.raises(DeviceError, match="python3-spidev"):
                display.show(VERDICT)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("bus", "usb"),
        ("rotation", 90),
        ("address", 0x80),
        ("contrast", 256),
        ("speed_mhz", 3),
        ("dc_pin", 99),
        ("port", -1),
    ],
)
def test_an_option_out_of_range_is_named(option, value):
    with pytest.raises(ValueError, match=option):
        DRIVERS["ssd1306"](**{option: value})


def test_the_simulated_display_keeps_the_picture():
    with SimDisplay() as display:
        display.show(VERDICT)
        assert display.picture.tobytes() == draw(VERDICT).tobytes()
        assert [painted.page for painted in display.history] == [VERDICT]
    assert display.page == BlankPage()
