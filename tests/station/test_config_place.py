"""The section of a place's broker: what it needs, what it never shows, and that nothing of it runs without a host."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from core import keys
from station import config
from station.app import Station
from station.config import ConfigError

KEY = keys.encode_key(b"k" * 32)
HEAD = '[station]\nname = "a"\nplace = "cho"\n'
WHOLE = f'{HEAD}[place]\nhost = "127.0.0.1"\nplace_key = "{KEY}"\n'


def faults_of(text: str) -> str:
    with pytest.raises(ConfigError) as error:
        config.read(text)
    return "\n".join(error.value.faults)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'{HEAD}[place]\nhost = "h"\n', "[place] place_key: missing"),
        (f'[station]\nname = "a"\n[place]\nhost = "h"\nplace_key = "{KEY}"\n', "[station] place: missing"),
        (WHOLE.replace('"cho"', '"cho/#"'), "cannot be in a topic"),
        (f'{HEAD}[place]\nplace_key = "{keys.encode_key(bytes(32))}"\n', "blanks of the example"),
        (f'{WHOLE}password = "x"\npassword_file = "y"\n', "give one of the two"),
        (f'{WHOLE}ca_file = "y"\n', "only for TLS"),
        (f"{WHOLE}capacity = -1\n", "[place] capacity"),
    ],
)
def test_what_the_section_lacks_is_told_with_its_cure(text: str, told: str):
    assert told in faults_of(text)


def test_the_places_key_and_password_are_never_shown():
    assert "hunter2" not in faults_of(f'{HEAD}[place]\nhost = "h"\nplace_key = "hunter2hunter2"\n')
    settings = config.read(f'{WHOLE}password = "hunter2"\n')
    assert "hunter2" not in repr(settings)
    assert repr(b"k" * 32) not in repr(settings)


def test_the_password_is_read_from_its_file(tmp_path: Path):
    (tmp_path / "config.toml").write_text(f'{WHOLE}password_file = "secret"\n')
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "secret").chmod(0o600)
    assert config.load(tmp_path / "config.toml", environ={}).place.password == "hunter2"


def test_a_password_that_crosses_the_network_in_the_clear_is_remarked():
    told = list(config.remarks(config.read(WHOLE.replace("127.0.0.1", "192.0.2.1"))))
    assert any(remark.startswith("[place] tls") for remark in told)
    assert not any(remark.startswith("[place]") for remark in config.remarks(config.read(WHOLE)))


@pytest.mark.parametrize(
    ("text", "on"), [(HEAD, False), (f'{HEAD}[place]\nplace_key = "{KEY}"\n', False), (WHOLE, True)]
)
def test_nothing_is_told_to_anybody_without_a_host(tmp_path: Path, text: str, on: bool):
    text = text.replace('place = "cho"\n', f'place = "cho"\ndata = "{tmp_path}"\n')
    with ExitStack() as stack:
        station = Station(config.read(text), stack)
        assert (station.neighbours is not None) is on
        assert (station.checkup.look().place is not None) is on
        assert (tmp_path / "place.db").exists() is on
