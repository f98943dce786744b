"""The display through luma and i2c-dev on a real bus: what the panel shows is the drawing, pixel for pixel."""

import pytest
from PIL import ImageChops

from drivers.drawing import draw
from drivers.errors import DeviceError
from drivers.oled import Sh1106, Ssd1306, Ssd1309
from drivers.page import AlarmPage, BlankPage, IdlePage, TextPage, VerdictPage

PAGES = (
    VerdictPage("check", "MỜI VÀO", ("Hợp lệ", "COME IN"), "Ng*** V** Ánh", more=2),
    IdlePage("Chợ Đông Ba", "14:05", "T2 23/11", linked=True, backlog="↑12", shift=-2),
    TextPage("Khai báo đã quá 24 giờ", "The declaration is over 24 hours old", 2, 3, inverted=True),
    AlarmPage("wrench", "HỎNG"),
)
KINDS = [(Ssd1306, 0), (Sh1106, 2), (Ssd1309, 0)]


def differ(one, other):
    """The pixels in which two pictures differ, as a box; None when they are the same."""
    return ImageChops.difference(one.convert("L"), other.convert("L")).getbbox()


@pytest.mark.parametrize(("kind", "offset"), KINDS, ids=lambda one: getattr(one, "controller", ""))
def test_the_panel_shows_what_was_drawn_pixel_for_pixel_and_ends_dark(panel, kind, offset):
    with kind(port=panel.port) as display:
        for page in PAGES:
            display.show(page)
            assert differ(panel.visible(offset=offset), draw(page)) is None, page
    assert not panel.visible(offset=offset).getbbox()


def test_a_panel_that_hangs_upside_down_shows_the_drawing_turned(panel):
    with Ssd1306(port=panel.port, rotation=180) as display:
        display.show(PAGES[0])
        assert differ(panel.visible().rotate(180), draw(PAGES[0])) is None


@pytest.mark.parametrize(("kind", "offset"), KINDS, ids=lambda one: getattr(one, "controller", ""))
def test_a_pulled_cable_is_told_and_a_panel_that_comes_back_is_set_up_anew(panel, kind, offset):
    with kind(port=panel.port, contrast=0x40) as display:
        display.show(PAGES[0])
        panel.pull_out()
        with pytest.raises(DeviceError) as caught:
            display.show(PAGES[1])
        with pytest.raises(DeviceError):
            display.show(PAGES[1])
        panel.plug_in()
        display.show(PAGES[2])
        assert differ(panel.visible(offset=offset), draw(PAGES[2])) is None
        assert panel.contrast == 0x40
    assert caught.value.device == f"display {kind.controller} at 0x3c on i2c-{panel.port}"
    assert "cable" in caught.value.cure


def test_a_panel_that_is_missing_at_the_start_is_used_when_it_comes(panel):
    panel.pull_out()
    with Ssd1306(port=panel.port) as display:
        with pytest.raises(DeviceError):
            display.show(PAGES[0])
        panel.plug_in()
        display.show(PAGES[0])
        assert differ(panel.visible(), draw(PAGES[0])) is None


def test_a_wrong_address_and_a_missing_bus_have_different_cures(panel):
    with Ssd1306(port=panel.port, address=0x3D) as display, pytest.raises(DeviceError) as wrong:
        display.show(BlankPage())
    with Ssd1306(port=99) as display, pytest.raises(DeviceError) as missing:
        display.show(BlankPage())
    assert "address" in wrong.value.cure
    assert "dtparam=i2c_arm=on" in missing.value.cure
