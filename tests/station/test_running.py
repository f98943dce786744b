"""The settings that a station runs with, as its hub may see them: everything, and no secret."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from core import keys, wire
from core.model import Direction
from core.shown import SETTINGS_BYTES
from station import config
from station.orders.overriding import Override
from station.running import running
from station.settings import DEVICES, SECTIONS

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
TOKEN, PASSWORD = "bi-mat-cua-tram-0001", "mat-khau-broker-0002"


@pytest.fixture
def settings(tmp_path: Path):
    public = keys.encode_key(keys.new_signing_key()[1])
    path = tmp_path / "config.toml"
    path.write_text(
        f'[station]\nname = "gate-1"\nplace = "dong-ba"\ndata = "{tmp_path}"\n'
        f'[hub]\nurl = "http://hub.example.vn"\ntoken = "{TOKEN}"\npolicy_key = "{public}"\n'
        f'lookups = "mqtt"\nsealing_key = "{public}"\n'
        f'[mqtt]\nhost = "127.0.0.1"\npassword = "{PASSWORD}"\n'
        '[camera]\ndriver = "sim"\n[[scanner]]\ndriver = "stdin"\n'
    )
    path.chmod(0o600)
    return config.load(path, environ={}), public


def test_every_section_is_told_and_no_secret_nor_key(settings):
    loaded, public = settings
    said = running(loaded, Override(), "one", AT)
    text = wire.encode(said).decode()
    assert {*SECTIONS, *DEVICES} - {"scanner"} <= set(said.sections)
    assert (said.sections["station"]["place"], said.sections["mqtt"]["host"]) == ("dong-ba", "127.0.0.1")
    assert (said.sections["camera"]["driver"], said.sections["scanner 1"]["driver"]) == ("sim", "stdin")
    assert not [secret for secret in (TOKEN, PASSWORD, public) if secret in text]
    assert said.sections["hub"]["token"] == said.sections["hub"]["policy_key"] == said.sections["mqtt"]["password"]
    assert said.sections["hub"]["command_key"] == ""
    assert len(text) < SETTINGS_BYTES / 2


def test_a_password_within_an_address_is_no_part_of_it(settings):
    loaded, _ = settings
    inside = replace(loaded, hub=replace(loaded.hub, url="https://user:word@hub.example.vn"))
    assert running(inside, Override(), "one", AT).sections["hub"]["url"] == "https://•••@hub.example.vn"


def test_what_was_ordered_otherwise_stands_beside(settings):
    loaded, _ = settings
    said = running(loaded, Override(place="chot", direction=Direction.OUT), "one", AT)
    assert json.loads(wire.encode(said))["sections"]["ordered"]["direction"] == "out"
