"""`station configure` writes what a station takes, says what it would not take, and keeps the token to itself."""

import argparse
import base64
import io
import os
import sys
from pathlib import Path

import pytest

from provisioning import configure, devices, document
from provisioning.dialog import Dialog
from provisioning.form import Form
from station import config

KEY = base64.b64encode(bytes(range(32))).decode()
TOKEN = "a-token-of-nobody"
SHEET = f"""
[station]
name = "dong-ba-1"
place = "dong-ba"
place_name = "Chợ Đông Ba"
kind = "venue"

[hub]
url = "https://hub.example.vn"
token = "{TOKEN}"
sealing_key = "{KEY}"
policy_key = "{KEY}"
"""


@pytest.fixture
def station_configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Run the command with answers on standard input; its exit code and what it told."""
    monkeypatch.setattr(devices, "DEV", tmp_path / "a board with nothing plugged in")

    def run(*words: str | Path, answers: str = "") -> tuple[int, str]:
        parser = argparse.ArgumentParser()
        configure.add_arguments(parser)
        monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
        code = configure.run(parser.parse_args(["--config", str(tmp_path / "config.toml"), *map(str, words)]))
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    file = tmp_path / "dong-ba-1.toml"
    file.write_text(SHEET, "utf-8")
    return file


PLACE = ("dong-ba-1", "dong-ba", "Chợ Đông Ba", "checkpoint", "2")
HUB = ("1", "https://hub.example.vn", TOKEN, KEY, KEY)
SIGNALS = ("2", "23", "24", "2", "", "2", "1", "2", "", "4", "2", "", "")
EVERYTHING = "".join(f"{answer}\n" for answer in (*PLACE, *HUB, "no camera", *SIGNALS))


def test_everything_asked_becomes_a_configuration_that_a_station_takes(station_configure, tmp_path: Path):
    code, told = station_configure(answers=EVERYTHING)
    assert code == 0, told
    settings = config.load(tmp_path / "config.toml")
    station = settings.station
    assert (station.name, station.place_name, station.kind, station.direction) == (
        ("dong-ba-1", "Chợ Đông Ba", "checkpoint", "out")
    )
    assert (settings.hub.url, settings.hub.token) == ("https://hub.example.vn", TOKEN)
    assert (settings.led.red, settings.led.green, settings.buzzer.pin) == (23, 24, 18)
    assert (settings.relay.pin, settings.relay.alarm_pin, settings.buttons.admitted_pin) == (16, 4, 5)
    assert settings.display.bus == "i2c"


def test_the_hubs_sheet_answers_for_the_hub_and_the_rest_takes_its_usual_value(station_configure, sheet, tmp_path):
    code, told = station_configure("--answers", sheet, "--no-questions")
    assert code == 0, told
    settings = config.load(tmp_path / "config.toml")
    assert (settings.station.name, settings.hub.token, settings.station.direction) == ("dong-ba-1", TOKEN, "in")
    assert "nothing to read codes with" in told


def test_of_two_sheets_the_later_has_the_word(station_configure, sheet: Path, tmp_path: Path):
    fleet = tmp_path / "fleet.toml"
    fleet.write_text('[station]\nname = "any"\ndirection = "toggle"\n[led]\ndriver = "single"\npin = 4\n')
    assert station_configure("--answers", fleet, "--answers", sheet, "--no-questions")[0] == 0
    settings = config.load(tmp_path / "config.toml")
    assert (settings.station.name, settings.station.direction, settings.led.pin) == ("dong-ba-1", "toggle", 4)


def test_the_token_is_in_a_file_of_its_own_and_nowhere_else(station_configure, sheet: Path, tmp_path: Path):
    _, told = station_configure("--answers", sheet, "--no-questions")
    assert TOKEN not in told
    assert TOKEN not in (tmp_path / "config.toml").read_text()
    assert (tmp_path / "hub.token").read_text() == f"{TOKEN}\n"


def test_no_one_else_on_the_board_may_read_what_was_written(station_configure, sheet: Path, tmp_path: Path):
    station_configure("--answers", sheet, "--no-questions")
    for name in ("config.toml", "hub.token"):
        assert (tmp_path / name).stat().st_mode & 0o137 == 0


def test_the_trust_folder_that_was_laid_out_is_used(station_configure, sheet: Path, tmp_path: Path):
    (tmp_path / "trust").mkdir()
    assert station_configure("--answers", sheet, "--no-questions")[0] == 0
    assert config.load(tmp_path / "config.toml").trust.folder == tmp_path / "trust"


def test_a_configuration_that_is_there_is_kept_unless_forced(station_configure, sheet: Path, tmp_path: Path):
    (tmp_path / "config.toml").write_text("kept")
    code, told = station_configure("--answers", sheet, "--no-questions")
    assert (code, (tmp_path / "config.toml").read_text()) == (os.EX_CANTCREAT, "kept")
    assert "--force" in told
    assert station_configure("--answers", sheet, "--no-questions", "--force")[0] == 0
    assert config.load(tmp_path / "config.toml").station.name == "dong-ba-1"


def test_an_answer_that_a_station_would_refuse_is_asked_again(station_configure, tmp_path: Path):
    code, told = station_configure(answers="Chợ Đông Ba\n" + EVERYTHING.replace("23", "99\nseven\n23", 1))
    assert code == 0, told
    assert "small letters" in told
    assert "99 is not a GPIO number" in told
    assert config.load(tmp_path / "config.toml").led.red == 23


def test_faults_that_show_only_at_the_end_write_nothing(station_configure, sheet: Path, tmp_path: Path):
    clash = tmp_path / "clash.toml"
    clash.write_text('[led]\ndriver = "single"\npin = 18\n[buzzer]\ndriver = "tonal"\npin = 18\n')
    with pytest.raises(ValueError, match="GPIO18 is") as raised:
        station_configure("--answers", sheet, "--answers", clash, "--no-questions")
    assert TOKEN not in str(raised.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clash.toml", "dong-ba-1.toml"]


def test_answers_that_end_too_early_name_the_question_and_write_nothing(station_configure, tmp_path: Path):
    code, told = station_configure(answers="dong-ba-1\n")
    assert code == os.EX_DATAERR
    assert "Place id" in told.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "code", "complaint"),
    [
        ("name = ", os.EX_DATAERR, "not TOML"),
        ("hub = 3", os.EX_DATAERR, "[hub]"),
        (None, os.EX_NOINPUT, "No such file"),
    ],
)
def test_answers_that_cannot_be_read_are_named(station_configure, tmp_path: Path, text, code: int, complaint: str):
    if text is not None:
        (tmp_path / "sheet.toml").write_text(text)
    got, told = station_configure("--answers", tmp_path / "sheet.toml")
    assert (got, complaint in told) == (code, True), told


def test_no_option_takes_a_token():
    parser = argparse.ArgumentParser()
    configure.add_arguments(parser)
    assert not [name for name in parser.format_help().split() if "token" in name]


def test_devices_are_found_by_the_names_that_stay_the_same(tmp_path: Path):
    for name in (
        "v4l/by-id/usb-046d_C270-video-index0",
        "v4l/by-id/usb-046d_C270-video-index1",
        "input/by-id/usb-Dell_Keyboard-event-kbd",
        "input/by-id/usb-Symbol_Bar_Code_Scanner-event-kbd",
        "input/by-id/usb-Dell_Mouse-event-mouse",
        "serial/by-id/usb-Honeywell_1950-if01",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [one.section["device"] for one in devices.cameras(tmp_path) if one.section["driver"] == "v4l2"] == [
        f"{tmp_path}/v4l/by-id/usb-046d_C270-video-index0"
    ]
    assert [(one.section, one.sure) for one in devices.scanners(tmp_path)] == [
        ({"driver": "hid", "id": "usb-Dell_Keyboard-event-kbd"}, False),
        ({"driver": "hid", "id": "usb-Symbol_Bar_Code_Scanner-event-kbd"}, True),
        ({"driver": "serial", "port": f"{tmp_path}/serial/by-id/usb-Honeywell_1950-if01"}, True),
    ]


def test_the_devices_chosen_are_the_devices_written():
    camera = devices.Found("webcam", {"driver": "v4l2", "device": "/dev/v4l/by-id/a-video-index0"})
    scanners = [
        devices.Found("a", {"driver": "hid", "id": "a"}),
        devices.Found("b", {"driver": "hid", "id": "b"}, False),
    ]
    form = Form(Dialog(io.StringIO("1\n\n\n"), io.StringIO()), {"station": {"name": "a"}})
    configure.questions.ask_eyes(form, [camera], scanners)
    settings = config.read(document.render(form.document))
    assert settings.camera.device == "/dev/v4l/by-id/a-video-index0"
    assert [one.device.id for one in settings.scanners] == ["a"]


NASTY = {
    "station": {"name": "a", "place_name": 'Chợ "Đông Ba"\\\x7f\t\n'},
    "scanner": [{"driver": "hid", "id": "*kbd"}],
}


def test_what_is_written_is_read_back_the_same():
    import tomllib

    values = {
        **NASTY,
        "led": {"driver": "rgb", "red": 1, "active_high": False},
        "reading": {"formats": ["qr", "aztec"]},
    }
    assert tomllib.loads(document.render(values)) == values
