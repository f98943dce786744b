"""What the drivers meet in the guest: simulated pins, a panel on an I2C bus, a USB scanner, keyboards and cameras.

These tests run where `make hardware` takes them; anywhere else they are skipped.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_oled import Panel
from simulated_pins import Board
from usb_scanner import UsbScanner

IN_THE_GUEST = "tram-quet.hardware" in Path("/proc/cmdline").read_text().split()


def pytest_configure(config: pytest.Config) -> None:
    # lgpio's wrapper warns of itself while Python ends, and crashes where warnings are errors.
    config.addinivalue_line("filterwarnings", "ignore:builtin type swigvarlink:DeprecationWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if not IN_THE_GUEST and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason="its devices are in the guest of `make hardware`"))


@pytest.fixture(scope="session")
def board() -> Board:
    """A chip with the 54 lines of a Pi; made once and never taken away, as on a board."""
    return Board()


@pytest.fixture
def panel() -> Iterator[Panel]:
    """A panel that has just been given power."""
    with Panel() as panel:
        yield panel


@pytest.fixture(scope="session")
def usb() -> Iterator[UsbScanner]:
    """A scanner with a keyboard and a serial line, made once; a test plugs it in and the next finds it unplugged."""
    with UsbScanner() as scanner:
        yield scanner


@pytest.fixture
def usb_scanner(usb: UsbScanner) -> Iterator[UsbScanner]:
    """A USB scanner, plugged in."""
    try:
        usb.plug_in()
        yield usb
    finally:
        usb.pull_out()
