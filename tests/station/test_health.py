"""What a station says of itself: measured, bounded, cheap, told when it changes, and never about people."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from PIL import Image, ImageDraw, ImageFilter
from rig import Registry, Rig

from core.health import INTERVAL, MOST_BYTES, Device, Health, JournalFigures, LinkFigures, devices_of
from core.wire import decode, encode
from station import vitals as vitals_module
from station.commands.figures import laid_out
from station.reading.eyesight import BLIND_AFTER, SEES_AFTER, Eyesight, measure
from station.reading.plane import plane_of
from station.reports import Reporter, Reports
from station.timings import Timings
from station.vitals import Vitals

AT = datetime(2026, 3, 2, tzinfo=UTC)
WELL = Health(station="gate-1", session="one", number=1, at=AT, up=1.0)


# the board


def board(root: Path, **files: str) -> Path:
    """A file system with these files; ``__`` in a name is a folder's end."""
    for name, text in files.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


THROTTLED = {"bits": "sys/devices/platform/soc/soc:firmware/get_throttled"}


def power(root: Path, bits: str, path: str = THROTTLED["bits"]) -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{bits}\n")
    return root


@pytest.mark.parametrize(
    ("bits", "now", "ever", "throttled"),
    [
        ("0", False, False, False),
        ("0x50005", True, True, True),
        ("50000", False, True, False),
        ("1", True, True, False),
        ("8", False, False, True),
    ],
)
@pytest.mark.parametrize("path", [THROTTLED["bits"], "sys/devices/platform/soc@107c000000/soc:firmware/get_throttled"])
def test_the_firmwares_bits_tell_of_the_power(tmp_path, bits, now, ever, throttled, path):
    said = Vitals(tmp_path, power(tmp_path, bits, path)).read()
    assert (said.under_voltage, said.under_voltage_ever, said.throttled) == (now, ever, throttled)


def test_a_dip_that_is_over_is_not_forgotten(tmp_path):
    vitals = Vitals(tmp_path, power(tmp_path, "1"))
    assert vitals.read().under_voltage
    power(tmp_path, "0")
    said = vitals.read()
    assert (said.under_voltage, said.under_voltage_ever) == (False, True)


def test_the_voltage_alarm_serves_where_the_bits_are_not_shown(tmp_path):
    board(tmp_path, sys__class__hwmon__hwmon0__name="cpu_thermal\n", sys__class__hwmon__hwmon1__name="rpi_volt\n")
    board(tmp_path, sys__class__hwmon__hwmon1__in0_lcrit_alarm="1\n")
    said = Vitals(tmp_path, tmp_path).read()
    assert (said.under_voltage, said.throttled) == (True, None)


@pytest.mark.parametrize(("answer", "now"), [("throttled=0x1", True), ("throttled=0x0", False), ("error=1", None)])
def test_the_firmwares_own_program_is_asked_last(tmp_path, monkeypatch, answer, now):
    program = tmp_path / "bin" / "vcgencmd"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho {answer}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setattr(vitals_module, "_PATIENCE", 60.0)
    vitals = Vitals(tmp_path, tmp_path)
    assert [vitals.read().under_voltage, vitals.read().under_voltage] == [now, now]


def test_a_program_that_answers_late_once_is_asked_again_and_one_that_never_does_is_not(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "vcgencmd"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    vitals = Vitals(tmp_path, tmp_path)
    monkeypatch.setattr(vitals_module, "_PATIENCE", 0.2)
    assert vitals.read().under_voltage is None
    program.write_text("#!/bin/sh\necho throttled=0x1\n")
    monkeypatch.setattr(vitals_module, "_PATIENCE", 60.0)
    assert vitals.read().under_voltage
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    monkeypatch.setattr(vitals_module, "_PATIENCE", 0.2)
    assert [vitals.read().under_voltage for _ in range(3)] == [None] * 3
    program.write_text("#!/bin/sh\necho throttled=0x1\n")
    monkeypatch.setattr(vitals_module, "_PATIENCE", 60.0)
    assert vitals.read().under_voltage is None


def test_heat_memory_radio_and_the_time_since_the_start_are_read(tmp_path):
    zones = {
        "sys__class__thermal__thermal_zone0__type": "gpu",
        "sys__class__thermal__thermal_zone1__type": "cpu-thermal",
    }
    temps = {"sys__class__thermal__thermal_zone0__temp": "20000", "sys__class__thermal__thermal_zone1__temp": "61234\n"}
    wireless = "Inter-| sta\n face |\n wlan0: 0000   49.  -61.  -256        0      0      0      0      0        0\n"
    board(tmp_path, **zones, **temps, proc__uptime="1234.5 99\n", proc__net__wireless=wireless)
    board(tmp_path, proc__meminfo="MemTotal:        1000 kB\nMemAvailable:     250 kB\n")
    vitals = Vitals(tmp_path, tmp_path)
    said = vitals.read()
    assert (said.temperature, said.up, said.memory_total, said.memory_free) == (61.234, 1234.5, 1000 << 10, 250 << 10)
    assert vitals.radio() == (-61, 0.7)


@pytest.mark.parametrize(
    ("life", "eol", "wear", "worn"),
    [("0x01 0x02", "0x01", 0.1, 1), ("0x0b 0x03", "0x03", 1.0, 3), ("0x00 0x00", "0x00", None, None)],
)
def test_an_emmcs_wear_is_read_below_the_disk_of_the_data_folder(tmp_path, life, eol, wear, worn):
    number = tmp_path.stat().st_dev
    block = f"sys__dev__block__{os.major(number)}:{os.minor(number)}__device__"
    board(tmp_path, **{f"{block}life_time": f"{life}\n", f"{block}pre_eol_info": f"{eol}\n"})
    said = Vitals(tmp_path, tmp_path).read()
    assert (said.disk_wear, said.disk_worn) == (wear, worn)


def test_a_board_that_says_nothing_leaves_everything_out(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    vitals = Vitals(tmp_path / "gone", tmp_path)
    said = msgspec.structs.asdict(vitals.read())
    assert {name for name, value in said.items() if value is not None} == {"cpu"}
    assert vitals.radio() == (None, None)


# the camera


def scene() -> Image.Image:
    image = Image.effect_noise((640, 480), 20)
    draw = ImageDraw.Draw(image)
    for left in range(0, 640, 40):
        draw.rectangle((left, 100, left + 20, 380), fill=40 + left % 160)
    return image


SEEN = scene()
NOISE = Image.effect_noise((640, 480), 3)
BLIND = {
    "dark": NOISE.point(lambda level: max(0, level - 122)),
    "white": Image.new("L", (640, 480), 255),
    "covered": NOISE.filter(ImageFilter.BoxBlur(2)),
    "unsharp": SEEN.filter(ImageFilter.GaussianBlur(9)),
}


@pytest.mark.parametrize("why", BLIND)
def test_a_camera_that_sees_nothing_says_why_after_ten_seconds_and_is_over_it_after_three(why):
    eyes, now = Eyesight(), 0.0
    for picture, seconds, told in ((SEEN, 20, ""), (BLIND[why], BLIND_AFTER + 1, why), (SEEN, SEES_AFTER + 1, "")):
        for _ in range(seconds):
            now += 1.0
            eyes.watch(plane_of(picture), now)
        assert eyes.sight.blind == told


def test_a_hand_before_the_lens_is_no_blindness():
    eyes = Eyesight()
    for now in range(60):
        eyes.watch(plane_of(BLIND["dark"] if 20 <= now < 20 + BLIND_AFTER - 1 else SEEN), float(now))
        assert eyes.sight.blind == ""


def test_a_camera_that_has_always_faced_a_bare_wall_is_not_blind():
    eyes = Eyesight()
    for now in range(100):
        eyes.watch(plane_of(NOISE), float(now))
    assert eyes.sight.blind == ""


def test_a_person_with_a_code_does_not_make_the_empty_gate_look_dull():
    eyes = Eyesight()
    sharp = Image.effect_noise((640, 480), 90)
    for now in range(600):
        eyes.watch(plane_of(sharp if now % 60 < 6 else SEEN), float(now))
    assert eyes.sight.blind == ""


def test_light_and_glare_are_shares_of_the_picture():
    half = Image.new("L", (640, 480), 255)
    half.paste(0, (0, 0, 320, 480))
    look = measure(plane_of(half))
    assert (look.glare, look.dark, look.brightness, look.contrast) == (0.5, 0.5, 0.5, 0.5)


def test_one_picture_a_second_is_measured_however_many_come():
    eyes = Eyesight()
    eyes.watch(plane_of(SEEN), 0.0)
    first = eyes.sight
    eyes.watch(plane_of(BLIND["white"]), 0.9)
    assert eyes.sight is first


# the message


class Turns:
    """A reporter whose station is as a test says, and whose clock is the test's."""

    def __init__(self) -> None:
        self.figures, self.sent, self.noted = WELL, [], []
        self.reports = Reports()
        self.reporter = Reporter(lambda: self.figures, self.reports, lambda: None, self.noted.append)

    def pass_seconds(self, begin: int, count: int) -> list[Health]:
        sent = []
        for second in range(begin, begin + count):
            self.reporter.turn(float(second))
            if (report := self.reports.take()) is not None:
                sent.append(report)
        return sent


def test_a_message_goes_every_interval_and_they_are_numbered():
    turns = Turns()
    sent = turns.pass_seconds(0, 3 * int(INTERVAL) + 1)
    assert [each.number for each in sent] == [1, 2, 3, 4]
    assert len(turns.noted) == 91


def test_a_change_of_a_state_is_told_at_once_and_a_drift_is_not():
    turns = Turns()
    turns.pass_seconds(0, 2)
    turns.figures = replace(WELL, up=2.0, journal=JournalFigures(backlog=7))
    assert turns.pass_seconds(2, 1) == []
    turns.figures = replace(WELL, devices=(Device("lamp", "is gone"),))
    assert [each.devices for each in turns.pass_seconds(3, 5)] == [turns.figures.devices]


def test_a_new_line_gets_a_fresh_message_and_not_the_one_that_waited():
    turns = Turns()
    turns.reporter.turn(0.0)
    turns.reports.ask_anew()
    assert turns.reports.take() is None
    assert [each.number for each in turns.pass_seconds(1, 3)] == [2]


def test_times_fall_into_the_bucket_that_ends_at_or_above_them():
    timings = Timings()
    for ms in (0.0, 1.0, 1.01, 800.0, 5_000.0):
        timings.note(ms)
    histogram = timings.histogram()
    assert (histogram.counts[0], histogram.counts[1], histogram.counts[9], histogram.counts[-1]) == (2, 1, 1, 1)
    assert histogram.quantile(0.5) == 2.0
    assert histogram.quantile(1.0) == float("inf")
    assert histogram.since(histogram).count == 0


def test_a_working_gate_tells_its_hub_over_http_how_it_is_and_nothing_about_anybody(tmp_path):
    registry = Registry()
    rig = Rig(tmp_path, registry)
    try:
        rig.wait(lambda: registry.healths)
        rig.scan("046090000017")
        reported = rig.station.checkup.look()
        assert reported.outcomes
        assert (reported.signal.count, reported.lookup.count) == (1, 1)
        rig.wait(lambda: rig.station.figures_now is not None)
    finally:
        rig.close()
    first = registry.healths[0]
    assert (first.station, first.number, first.scanner) == ("gate-1", 1, True)
    assert first.camera is not None
    said = encode(reported)
    assert len(said) < MOST_BYTES / 2
    assert b"046090000017" not in said
    page = "\n".join(laid_out(reported))
    assert "046090000017" not in page
    assert "scans" in page


def test_a_long_day_of_troubles_fits_the_message():
    words = "đ" * 200
    devices = devices_of([("d" * 70, words)] * 30 + [("well", "")] * 10)
    troubled = replace(WELL, devices=devices, journal=JournalFigures(problem=words), link=LinkFigures(problem=words))
    assert len(encode(troubled)) < MOST_BYTES
    assert decode(encode(troubled), Health) == troubled
