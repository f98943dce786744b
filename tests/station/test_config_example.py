"""config.example.toml: it loads as it is, and explains every key that a station takes, in use or not."""

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from station import config
from station.config import COMPANIONS, DEVICES, SECTIONS, Settings

EXAMPLE = Path(__file__).resolve().parents[2] / "config.example.toml"
TEXT = EXAMPLE.read_text("utf-8")
SETTING = re.compile(r"#?(\[\[?\w+\]\]?|\w+ = .*)")

BLOCKS = {(section, driver): cls for section, drivers in DEVICES.items() for driver, cls in drivers.items()} | {
    (section, ""): cls for section, cls in SECTIONS.items()
}
EMPTY = (None, "", b"", msgspec.NODEFAULT)


def blocks() -> list[tuple[str, dict[str, Any]]]:
    """Every section of the file with the keys that are in use and those that wait behind a #."""
    found: list[list[str]] = []
    for line in TEXT.splitlines():
        if match := SETTING.fullmatch(line):
            found += [[]] if match[1].startswith("[") else []
            found[-1].append(match[1])
    return [(lines[0].strip("[]"), tomllib.loads("\n".join(lines[1:]))) for lines in found]


FOUND = blocks()


def test_it_loads_as_it_is_and_is_remarked_only_for_having_no_hub():
    settings = config.load(EXAMPLE, environ={})
    assert [remark.partition(":")[0] for remark in config.remarks(settings)] == ["[hub] url"]


def test_there_is_one_block_for_each_section_and_each_driver():
    assert sorted((name, table.get("driver", "")) for name, table in FOUND) == sorted(BLOCKS)


@pytest.mark.parametrize(("name", "table"), FOUND, ids=lambda one: one if isinstance(one, str) else one.get("driver"))
def test_each_block_has_every_key_with_its_default_or_an_example_that_fits(name: str, table: dict[str, Any]):
    driver = table.pop("driver", "")
    taken = {option.name: option for option in config.options(BLOCKS[name, driver])}
    companions = {option.name: option for option in config.options(COMPANIONS[name])} if name in COMPANIONS else {}
    assert taken.keys() <= table.keys() <= taken.keys() | companions.keys()
    for key, value in table.items():
        option = (taken | companions)[key]
        fits = msgspec.convert(value, option.kind, dec_hook=lambda kind, given: kind(given))
        if option.default not in EMPTY and (name, key) not in {("station", "name")}:
            assert fits == option.default, key


@pytest.mark.parametrize("name", COMPANIONS)
def test_the_stations_own_keys_of_a_device_are_there_beside_a_drivers(name: str):
    shown = {key for section, table in FOUND if section == name for key in table}
    assert {option.name for option in config.options(COMPANIONS[name])} <= shown


def test_what_it_says_of_defaults_is_what_an_empty_file_gives():
    written, empty = config.load(EXAMPLE, environ={}), Settings()
    for section in ("hub", "mqtt", "place", "reading", "quiet", "journal", "front", "metrics", "log", "trust"):
        assert getattr(written, section) == getattr(empty, section)
