"""config.toml: what it may say, and every way in which it can be wrong, each told with its key and the cure."""

import json
import os
from base64 import b64encode
from datetime import time
from pathlib import Path

import msgspec
import pytest

from core.model import Direction, GateKind, Outcome, Symbology
from drivers.camera import NullCamera
from drivers.camera_sim import SimCamera
from drivers.led import RgbLight
from drivers.scanner_hid import HidScanner
from drivers.scanner_serial import SerialScanner
from station import config
from station.config import Settings
from station.contradictions import pins
from station.errors import ConfigError

NAME = '[station]\nname = "gate-1"\n'
KEY = b64encode(bytes(range(32))).decode()
HUB = f'[hub]\nurl = "https://hub.vn"\ntoken = "secret"\nsealing_key = "{KEY}"\npolicy_key = "{KEY}"\n'


def faults(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config.read(text)
    return caught.value.faults


def test_a_name_alone_makes_a_station_without_a_wire_or_a_hub():
    settings = config.read(NAME)
    assert settings == Settings(station=msgspec.structs.replace(Settings().station, name="gate-1"))
    assert isinstance(settings.camera, NullCamera)
    assert (settings.scanners, settings.has_hub, settings.station.kind) == ((), False, GateKind.VENUE)


def test_each_section_becomes_frozen_settings():
    settings = config.read(
        NAME
        + 'kind = "health-post"\ndirection = "toggle"\nlanguages = ["en"]\n'
        + '[reading]\nformats = ["qr", "aztec"]\n[quiet]\nstart = "22:00"\nend = "05:00"\nloud = ["fault", "warn"]\n'
        + '[front]\nenabled = true\nlisten = "[::1]:80"\n'
    )
    assert (settings.station.kind, settings.station.direction) == (GateKind.HEALTH_POST, Direction.TOGGLE)
    assert settings.reading.formats == (Symbology.QR, Symbology.AZTEC)
    assert settings.quiet.loud == (Outcome.FAULT, Outcome.WARN)
    assert settings.front.address == ("::1", 80)
    with pytest.raises(AttributeError, match="immutable"):
        settings.station.name = "other"  # type: ignore[misc]


def test_a_driver_is_its_dataclass_with_the_options_given_and_is_not_opened():
    settings = config.read(
        NAME + '[camera]\ndriver = "sim"\nrate = 5\n[led]\ndriver = "rgb"\nred = 5\nactive_high = false\n'
    )
    assert settings.camera == SimCamera(rate=5.0)
    assert settings.led == RgbLight(red=5, active_high=False)


def test_several_scanners_each_keep_their_driver_and_their_framing():
    settings = config.read(
        NAME
        + '[[scanner]]\ndriver = "hid"\nname = "Zebra*"\nlayout = "fr"\nsuffix = false\n'
        + '[[scanner]]\ndriver = "serial"\nbaud = 115200\ngap_seconds = 0.05\n'
    )
    first, second = settings.scanners
    assert (first.device, first.framing.layout, first.framing.suffix) == (HidScanner(name="Zebra*"), "fr", False)
    assert (second.device, second.framing.gap_seconds) == (SerialScanner(baud=115200), 0.05)


def test_the_relay_section_holds_the_drivers_keys_and_the_stations():
    settings = config.read(NAME + '[relay]\ndriver = "gpio"\npin = 20\nseconds = 5\non_admitted = false\n')
    assert getattr(settings.relay, "pin", None) == 20
    assert (settings.release.seconds, settings.release.on_admitted) == (5.0, False)


def test_every_fault_of_a_file_is_told_at_once():
    told = faults(
        'colour = 1\n[statoin]\nname = "x"\n[station]\nname = "Gate 1"\nkind = "venu"\n[hub]\ndeadline_ms = "soon"\n'
        '[mqtt]\nport = 70000\n[camera]\ndriver = "picam"\n[led]\npin = 3\n[buzzer]\ndriver = "tonal"\nvolume = 2.0\n'
        '[[scanner]]\ndriver = "hid"\n[display]\ndriver = "ssd1306"\nrotation = 90\n'
    )
    about = [fault.partition(":")[0].partition(" =")[0] for fault in told]
    assert sorted(about) == sorted(
        [
            *("[colour]", "[statoin]", "[station] name", "[station] kind", "[hub] deadline_ms", "[mqtt] port"),
            *("[camera] driver", "[led] driver", "[buzzer] (tonal) volume", "[[scanner]] no. 1 (hid) name, id or port"),
            "[display] (ssd1306) rotation",
        ]
    )


MISSPELT = {
    "[statoin]\n" + NAME: "did you mean station?",
    NAME + 'plce = "x"': "did you mean place?",
    NAME + 'kind = "checkpont"': "did you mean checkpoint?",
    NAME + '[camera]\ndriver = "picamera"': "did you mean picamera2?",
    NAME + '[camera]\ndriver = "v4l2"\nexposure = 1': "did you mean exposure_us?",
    NAME + '[[scanner]]\ndriver = "serial"\nlayot = "us"': "did you mean layout?",
    NAME + '[quiet]\nloud = ["fualt"]': "did you mean fault?",
}


@pytest.mark.parametrize(("text", "hint"), MISSPELT.items())
def test_what_was_misspelt_is_answered_with_what_was_meant(text: str, hint: str):
    assert hint in "\n".join(faults(text))


WRONG = {
    "": "[station] name: missing; the hub knows the station by it",
    NAME + "data = 3": "[station] data: 3 does not fit; give a path as text",
    NAME + 'timezone = "Asia/Hue"': '[station] timezone: "Asia/Hue" is not in the board\'s tables',
    NAME + 'timezone = "../etc/passwd"': "is not in the board's tables",
    NAME + "languages = []": "[station] languages: [] does not fit; give a list of one of",
    NAME + 'languages = ["vi", "vi"]': "name each once",
    NAME + 'district = "49/1"': "edition/code of the administrative map",
    NAME + '[hub]\nurl = "hub.vn"': "an address like https://",
    NAME + '[hub]\nurl = "https://me:secret@hub.vn"': "without a name, password",
    NAME + '[hub]\nurl = "https://hub.vn:99999"': "past 65535",
    NAME + "[hub]\nskip_seconds = nan": "nan does not fit; give a number, at least 0",
    NAME + '[hub]\nsealing_key = "c2hvcnQ="': "[hub] sealing_key",
    NAME + f'[hub]\nsealing_key = "{b64encode(bytes(32)).decode()}"': "the blanks of the example",
    NAME + '[hub]\ntoken = "a"\ntoken_file = "b"': "give one of the two",
    NAME + '[mqtt]\nhost = "x:1883"': "the port goes into port",
    NAME + '[mqtt]\nca_file = "x"': "only for TLS",
    NAME + '[quiet]\nstart = "22:00"': "give both or neither",
    NAME + '[quiet]\nstart = "22:00"\nend = "22:00"': "the same time",
    NAME + '[quiet]\nstart = "24:00"\nend = "05:00"': 'a time of day like "22:00"',
    NAME + '[reading]\nformats = ["keys"]': "what scanners send",
    NAME + '[front]\nlisten = "127.0.0.1:70000"': "past 65535",
    NAME + "[journal]\nmax_bytes = 1": "a whole number, at least 262144",
    NAME + "[scanner]\ndriver = 1": "write [[scanner]] with double brackets",
    NAME + '[[camera]]\ndriver = "sim"': "write [camera] with single brackets",
    NAME + "[led]\ndriver = 7": "[led] driver: 7 is not one of",
    NAME + '[led]\ndriver = "rgb"\nred = 99': "[led] (rgb) red = 99 is not a GPIO number",
    NAME + '[hub]\nlookups = "mqtt"': "needs a broker; give [mqtt] host",
    NAME + '[mqtt]\nhost = "b"\n': '"http" needs an address',
    NAME + '[hub]\nurl = "https://hub.vn"': "[hub] sealing_key: missing",
    NAME + HUB.replace('token = "secret"\n', ""): "[hub] token_file: missing",
    NAME + HUB.replace("https:", "http:") + 'ca_file = "x"': "only for https",
}


@pytest.mark.parametrize(("text", "told"), WRONG.items())
def test_what_is_wrong_is_told_with_its_key_and_the_cure(text: str, told: str):
    assert told in "\n".join(faults(text))


def test_a_section_with_a_fault_brings_no_further_faults_with_others():
    assert faults(NAME + '[hub]\nlookups = "mqtt"\nsealing_key = "short"') == (
        '[hub] sealing_key: "short" does not fit; give 32 bytes as base64 (44 characters)',
    )


@pytest.mark.parametrize(
    ("text", "where"),
    [("x = ", "line 1, column 5"), ('a = 1\nb = "c', "line 2, column 7"), ("[a\n", "line 1, column 3")],
)
def test_a_fault_of_toml_itself_names_line_and_column(text: str, where: str):
    (told,) = faults(text)
    assert "not TOML" in told
    assert where in told


def test_a_nest_of_brackets_is_a_fault_and_no_crash():
    assert "nested too deeply" in faults("a = " + "[" * 100_000)[0]


def test_a_secret_is_never_shown_neither_in_faults_nor_in_repr():
    (told,) = faults(NAME + "[hub]\ntoken = 5551234")
    assert "5551234" not in told
    settings = config.read(NAME + HUB + '[mqtt]\npassword = "hidden"\n')
    assert "secret" not in repr(settings)
    assert "hidden" not in repr(settings)


def test_what_a_file_says_cannot_move_the_cursor_of_who_reads_the_fault():
    (told,) = faults(NAME + 'district = "\\u001b[2J\\u202e"')
    assert '"\\x1b[2J\\u202e"' in told


def test_a_pin_used_twice_is_a_fault_that_names_both():
    told = faults(NAME + '[led]\ndriver = "single"\npin = 18\n[buzzer]\ndriver = "tonal"\n')
    assert told == ("[buzzer] pin: GPIO18 is [led] pin already; give each its own pin",)


def test_a_pin_of_the_displays_bus_is_taken():
    (told,) = faults(NAME + '[led]\ndriver = "single"\npin = 2\n[display]\ndriver = "ssd1306"\n')
    assert told == '[display] bus = "i2c": GPIO2 is [led] pin already; give each its own pin'


def test_an_spi_displays_own_pins_count_and_an_i2c_displays_do_not():
    text = NAME + '[led]\ndriver = "single"\npin = 24\n[display]\ndriver = "ssd1306"\nbus = "{}"\n'
    assert config.read(text.format("i2c"))
    assert faults(text.format("spi")) == ("[display] dc_pin: GPIO24 is [led] pin already; give each its own pin",)


def test_one_pin_number_on_two_chips_is_two_pins():
    text = NAME + '[led]\ndriver = "single"\npin = 18\nchip = 0\n[buzzer]\ndriver = "tonal"\nchip = {}\n'
    assert config.read(text.format(1))
    assert faults(text.format(0))


WIRED = [(section, driver) for section, drivers in config.DEVICES.items() for driver in drivers if section != "scanner"]


@pytest.mark.parametrize(("section", "driver"), WIRED)
def test_every_option_that_a_driver_takes_for_a_pin_is_counted_as_one(section: str, driver: str):
    names = {option.name for option in config.options(config.DEVICES[section][driver])}
    found = {name for name in names if "not a GPIO number" in said_to(section, driver, {name: 54})}
    table = dict(zip(sorted(found), range(6, 12), strict=False)) | ({"bus": "spi"} if "bus" in names else {})
    settings = config.read(NAME + section_text(section, driver, table))
    assert {option for _, option, _ in pins(settings)} - {'bus = "spi"'} == found


def section_text(section: str, driver: str, table: dict[str, object]) -> str:
    lines = [f"{key} = {json.dumps(value)}" for key, value in ({"driver": driver} | table).items()]
    return "\n".join([f"[{section}]", *lines, ""])


def said_to(section: str, driver: str, table: dict[str, object]) -> str:
    try:
        config.read(NAME + section_text(section, driver, table))
    except ConfigError as error:
        return str(error)
    return ""


def test_formats_that_no_chosen_engine_reads_are_a_fault():
    camera = NAME + '[camera]\ndriver = "sim"\n[reading]\nengines = {}\nformats = {}\n'
    told = faults(camera.format('["zbar"]', '["qr", "aztec", "data-matrix"]'))
    assert [one.partition(": zbar")[0] for one in told] == ["[reading] formats: aztec, data-matrix"]
    assert config.read(camera.format('["zbar"]', '["qr", "code-128"]'))
    assert config.read(camera.format('["zxing", "zbar"]', '["aztec"]'))
    assert config.read(camera.format('["zbar"]', '["aztec"]').replace("sim", "null"))


SCANNERS = {
    'driver = "hid"\nname = "*"\n': "give each its own name, or",
    'driver = "hid"\nname = "A"\nport = "usb-1"\n': "give each its own name and port, or",
    'driver = "serial"\nbaud = 9600\n': "give each its own port, or",
    'driver = "stdin"\n': "give each its own descriptor, or",
}


@pytest.mark.parametrize(("scanner", "cure"), SCANNERS.items())
def test_two_scanners_that_find_the_same_device_are_a_fault_that_names_both(scanner: str, cure: str):
    other = '[[scanner]]\ndriver = "hid"\nname = "other"\n'
    (told,) = faults(NAME + f"[[scanner]]\n{scanner}{other}[[scanner]]\n{scanner}")
    assert told.startswith("[[scanner]] 3: finds the same device as [[scanner]] 1 does;")
    assert cure in told


def test_two_scanners_of_one_kind_in_two_sockets_are_none():
    two = "".join(f'[[scanner]]\ndriver = "hid"\nname = "A"\nport = "usb-{number}"\n' for number in (1, 2))
    simulated = '[[scanner]]\ndriver = "sim"\n' * 2
    assert config.read(NAME + two + simulated)


@pytest.mark.parametrize(
    ("front", "metrics", "good"),
    [
        ("127.0.0.1:9101", "127.0.0.1:9101", False),
        ("0.0.0.0:9101", "127.0.0.1:9101", False),
        ("127.0.0.1:9102", "127.0.0.1:9101", True),
        ("127.0.0.2:9101", "127.0.0.1:9101", True),
    ],
)
def test_the_page_and_the_figures_on_one_port_are_a_fault(front: str, metrics: str, good: bool):
    text = NAME + '[front]\nenabled = true\nlisten = "{}"\n[metrics]\nenabled = true\nlisten = "{}"\n'
    if good:
        assert config.read(text.format(front, metrics))
    else:
        assert faults(text.format(front, metrics)) == (
            "[metrics] listen: port 9101 is [front] listen already; give each its own port",
        )


def test_quiet_hours_run_over_midnight_and_end_on_time():
    quiet = config.read(NAME + '[quiet]\nstart = "22:00"\nend = "05:00"').quiet
    assert [quiet.at(time(hour)) for hour in (21, 22, 0, 4, 5, 12)] == [False, True, True, True, False, False]
    by_day = config.read(NAME + '[quiet]\nstart = "12:00"\nend = "13:30"').quiet
    assert [by_day.at(time(11)), by_day.at(time(13, 29)), by_day.at(time(13, 30))] == [False, True, False]
    assert not Settings().quiet.at(time(3))


def test_the_broker_gets_the_stations_name_and_the_hubs_token_unless_told_otherwise():
    mqtt = '[mqtt]\nhost = "b"\ntls = true\n'
    plain = config.read(NAME + HUB + mqtt)
    assert (plain.mqtt_username, plain.mqtt_password, plain.mqtt.address) == ("gate-1", "secret", ("b", 8883))
    own = config.read(NAME + HUB + mqtt + 'username = "u"\npassword = "p"\nport = 1884\n')
    assert (own.mqtt_username, own.mqtt_password, own.mqtt.address) == ("u", "p", ("b", 1884))


def write(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_data_folder_is_the_command_lines_else_systemds_else_the_files(tmp_path: Path):
    path = write(tmp_path, NAME + 'data = "rows"')
    assert config.load(path, environ={}).data == tmp_path / "rows"
    assert config.load(path, environ={"STATE_DIRECTORY": "/run/a:/run/b"}).data == Path("/run/a")
    assert config.load(path, environ={"STATE_DIRECTORY": "/run/a"}, data=Path("/x")).data == Path("/x")


def test_a_token_is_read_from_its_file_beside_the_configuration(tmp_path: Path):
    path = write(tmp_path, NAME + HUB.replace('token = "secret"', 'token_file = "token"'))
    secret = tmp_path / "token"
    secret.write_text("  s3cret\n")
    secret.chmod(0o640)
    assert config.load(path, environ={}).hub.token == "s3cret"


def load_faults(path: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        config.load(path, environ={})
    return caught.value.faults


def test_secrets_that_others_can_read_or_that_are_none_are_faults_with_their_cure(tmp_path: Path):
    path = write(tmp_path, NAME + HUB.replace('token = "secret"', 'token_file = "token"') + 'ca_file = "ca.pem"\n')
    secret = tmp_path / "token"
    assert [told.partition(":")[0] for told in load_faults(path)] == ["[hub] token_file", "[hub] ca_file"]
    (tmp_path / "ca.pem").touch()
    secret.write_text("s3cret words")
    secret.chmod(0o644)
    told = "\n".join(load_faults(path))
    assert f"chmod 640 {secret}" in told
    assert "holds 2 words" in told
    assert "s3cret" not in told


def test_a_file_for_another_board_is_read_without_its_secrets(tmp_path: Path):
    path = write(tmp_path, NAME + HUB.replace('token = "secret"', 'token_file = "/nowhere/token"'))
    assert config.load(path, environ={}, here=False).hub.token_file == Path("/nowhere/token")


def test_a_missing_file_is_no_input_and_a_file_that_is_no_text_is_a_fault(tmp_path: Path):
    with pytest.raises(config.ConfigMissing, match=r"none\.toml: No such file") as caught:
        config.load(tmp_path / "none.toml", environ={})
    assert caught.value.exit_code == os.EX_CONFIG
    path = tmp_path / "config.toml"
    path.write_bytes(b'[station]\nname = "\xff"')
    assert load_faults(path) == ("byte 18 is not UTF-8; save the file as UTF-8",)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path):
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf" + NAME.encode())
    assert config.load(path, environ={}).station.name == "gate-1"


REMARKS = {
    NAME: ["nothing to read codes with", "nobody will see a verdict", "there is no hub"],
    NAME + "[front]\nenabled = true": ["there is no hub"],
    NAME + '[front]\nenabled = true\nlisten = "0.0.0.0:80"\n' + HUB: ["anybody in the network"],
    NAME + "[front]\nenabled = true\n" + HUB.replace("https", "http"): ["the token crosses the network in the clear"],
    NAME + "[front]\nenabled = true\n" + HUB.replace("https://hub.vn", "http://127.0.0.1:8000"): [],
    NAME + "[front]\nenabled = true\n" + HUB + '[mqtt]\nhost = "b"': ["the password crosses"],
}


@pytest.mark.parametrize(("text", "told"), REMARKS.items())
def test_what_is_allowed_and_hardly_meant_is_remarked(text: str, told: list[str]):
    remarks = list(config.remarks(config.read(text)))
    assert len(remarks) == len(told)
    assert all(one in remark for one, remark in zip(told, remarks, strict=True))
