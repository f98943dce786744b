"""A whole station under systemd, as installed, shut in by its unit, with a wire on everything."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from fake_oled import Panel
from PIL import ImageChops
from usb_scanner import KEYBOARD, SERIAL, UsbScanner
from waiting import wait_for

from drivers import pins
from drivers.drawing import draw
from drivers.page import BlankPage
from station.journal.reading import JournalReader

ROOT = Path(__file__).resolve().parents[2]
STATION = ROOT / ".venv/bin/station"
JOURNAL = Path("/var/lib/tram-quet/journal.db")
LAMP, BUZZER, RELAY, BUTTON = 17, 18, 16, 5
WATCHDOG = 30
SLOW = 600  # seconds that a start may take on a simulated processor

CONFIG = """
[station]
name = "gate-under-test"
place = "test-gate"
place_name = "Cổng thử"
kind = "venue"
direction = "in"
languages = ["vi", "en"]

[camera]
driver = "v4l2"
device = "/dev/video*"
width = 320
height = 180
rate = 2.0

[[scanner]]
driver = "hid"
id = "{keyboard}"

[[scanner]]
driver = "serial"
port = "{serial}"

[led]
driver = "single"
pin = {lamp}
chip = {chip}

[buzzer]
driver = "active"
pin = {buzzer}
chip = {chip}

[display]
driver = "ssd1306"
port = {port}

[relay]
driver = "gpio"
pin = {relay}
chip = {chip}

[buttons]
driver = "gpio"
admitted_pin = {button}
chip = {chip}
"""


pytestmark = pytest.mark.timeout(3 * SLOW)


class Service:
    """The installed station.service, and what can be asked of it."""

    def __init__(self, board, panel: Panel, scanner: UsbScanner) -> None:
        self.board, self.panel, self.scanner = board, panel, scanner

    def control(self, word: str) -> None:
        subprocess.run(["systemctl", word, "station.service"], check=True, timeout=2 * SLOW)

    def ask(self, name: str) -> str:
        done = subprocess.run(
            ["systemctl", "show", "--value", f"--property={name}", "station.service"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def rows(self) -> list[dict[str, object]]:
        """The rows on the disk."""
        return [json.loads(row) for row in JournalReader(JOURNAL).export()]

    def log(self) -> list[dict[str, object]]:
        """What the station has said since it was installed, an object a line."""
        done = subprocess.run(
            ["journalctl", "--unit=station.service", "--output=cat", "_COMM=station"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def shows(self) -> bytes:
        return self.panel.visible().tobytes()


@pytest.fixture(scope="module")
def service(board, usb):
    """A station with all its devices, started by systemd and ready."""
    subprocess.run(["modprobe", "vivid"], check=True)
    drop_in = Path("/run/systemd/system/station.service.d/test.conf")
    drop_in.parent.mkdir(parents=True, exist_ok=True)
    drop_in.write_text(f"[Service]\nWatchdogSec={WATCHDOG}\nTimeoutStartSec={SLOW}\n")
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    let_go_of_pins(board.chip)
    with Panel() as panel:
        usb.plug_in()
        service = Service(board, panel, usb)
        write_configuration(board.chip, panel.port)
        service.control("start")
        yield service
        service.control("stop")
        print(*service.log(), sep="\n")
        usb.pull_out()


def let_go_of_pins(chip: int) -> None:
    """End what earlier tests hold: a process keeps the lines that it had until its handle of the chip is closed."""
    pins.pin_factory(chip).close()
    pins._lgpio_factory.cache_clear()


def write_configuration(chip: int, port: int) -> None:
    path = Path("/etc/tram-quet/config.toml")
    path.write_text(
        CONFIG.format(
            keyboard=KEYBOARD.name, serial=SERIAL, chip=chip, port=port, lamp=LAMP, buzzer=BUZZER, relay=RELAY,
            button=BUTTON,
        ),
        "utf-8",
    )  # fmt: skip
    os.chmod(path, 0o640)
    subprocess.run(["chgrp", "tram-quet", path], check=True)


def at_rest(service, watch) -> bool:
    """Whether the lamp is dark, and stays so for longer than any blink."""
    before = watch.levels(LAMP)
    time.sleep(1.5)
    return service.board.level(LAMP) == 0 and watch.levels(LAMP) == before


def present(service, send) -> None:
    """Present a code, and hold that the lamp lights up, the display changes and a row is on the disk."""
    with service.board.watched() as watch:
        wait_for(lambda: at_rest(service, watch), "the lamp to come to rest")
    rows, idle = len(service.rows()), service.shows()
    with service.board.watched() as watch:
        send()
        wait_for(lambda: 1 in watch.levels(LAMP), "the lamp")
        assert len(service.rows()) == rows + 1, "a lamp that is lit means that the row is on the disk"
        wait_for(lambda: service.shows() != idle, "the display")
        wait_for(lambda: 1 in watch.levels(BUZZER), "the buzzer")


def test_it_is_ready_with_every_device_open(service):
    assert (service.ask("ActiveState"), service.ask("SubState")) == ("active", "running")
    assert wait_for(lambda: service.panel.visible().getbbox(), "the display")
    assert [line for line in service.log() if "device" in line] == []


def test_a_code_that_is_typed_is_on_the_disk_when_the_lamp_lights_up(service):
    present(service, lambda: service.scanner.type("4006381333931"))


def test_a_code_from_the_serial_line_is_too(service):
    present(service, lambda: service.scanner.send(b"8934563138165\r\n"))


def test_a_pulled_scanner_and_a_pulled_display_stop_nothing_and_come_back(service):
    service.scanner.pull_out()
    service.panel.pull_out()
    wait_for(lambda: said(service, "device lost") >= 2, "both lines of the scanner to be missed")
    wait_for(lambda: any(str(line.get("device", "")).startswith("display") for line in service.log()), "the display")
    service.panel.plug_in()
    service.scanner.plug_in()
    wait_for(lambda: said(service, "device is back") >= 2, "both lines of the scanner to be back")
    wait_for(lambda: service.panel.visible().getbbox(), "the display to be set up again")
    present(service, lambda: service.scanner.type("9780201379624"))
    assert service.ask("NRestarts") == "0"


def said(service, message: str) -> int:
    return sum(line.get("message") == message for line in service.log())


def test_a_station_that_hangs_is_killed_and_started_again_by_the_watchdog(service):
    before = int(service.ask("MainPID"))
    os.kill(before, signal.SIGSTOP)
    wait_for(lambda: service.ask("NRestarts") == "1", "the watchdog", WATCHDOG + SLOW)
    wait_for(lambda: service.ask("ActiveState") == "active", "the new start", SLOW)
    assert int(service.ask("MainPID")) not in (0, before)
    time.sleep(1)
    present(service, lambda: service.scanner.type("5901234123457"))


def test_it_ends_well_and_leaves_lamp_door_and_display_dark(service):
    service.control("stop")
    assert (service.ask("Result"), service.ask("ExecMainStatus")) == ("success", "0")
    assert [service.board.level(line) for line in (LAMP, BUZZER, RELAY)] == [0, 0, 0]
    dark = ImageChops.difference(service.panel.visible().convert("L"), draw(BlankPage()).convert("L"))
    assert dark.getbbox() is None
    proof = subprocess.run([STATION, "journal", "verify"], capture_output=True, text=True, timeout=300)
    assert proof.returncode == 0, proof.stdout + proof.stderr
