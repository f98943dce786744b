"""``hub province check`` and the settings: what an integrator reads when something is not as it should be."""

import json

import pytest
from foreign_system import MAPPING, TOKEN, Foreign, declared, known, settings_file
from hub_stand import command

from core.model import Scheme
from hub import config
from hub.errors import ConfigError
from hub.logs import Tally
from hub.province.opening import open_desk
from hub.province.trial import SYNTHETIC, shape
from hub.storage.keyring import load

NOBODY = SYNTHETIC[Scheme.CITIZEN]


@pytest.fixture
def foreign():
    record = known("CD-77", khaiBao=[declared("01/11/2026 07:30", "SOT"), declared("02/11/2026 7:30", "KHONG")])
    with Foreign(people={NOBODY: record}) as server:
        yield server


def checked(folder, foreign, *words, code=0, lines=("whole_ms = 9000", "connect_ms = 5000")):
    path = settings_file(folder, foreign.url, *lines)
    return command(folder, "province", "check", "--config", path, *words, code=code)


def test_it_asks_once_for_a_number_that_nobody_has_and_shows_no_answer_in_clear(tmp_path, foreign):
    told = checked(tmp_path, foreign)
    assert [asked["giayTo"]["so"] for asked in foreign.asked] == [NOBODY]
    assert "somebody is known" in told
    for row in (
        "person.name         /ketQua/hoTen      aaaa aaa aaaa                             → T*** V** Bình",
        "health.at           /ngay              99/99/9999 9:99                           → 2026-11-02T07:30:00+07:00",
    ):
        assert row in told
    assert not [word for word in (NOBODY, "CD-77", "Trần", TOKEN, "02/11/2026") if word in told]


def test_as_json_it_is_a_trial(tmp_path, foreign):
    told = json.loads(checked(tmp_path, foreign, "--json"))
    assert (told["outcome"], told["status"], told["scheme"]) == ("known", 200, "citizen")
    assert {"key": "person.echo", "at": "/ketQua/soGiayTo", "found": "9" * 12, "read": "the number asked for"} in told[
        "places"
    ]


@pytest.mark.parametrize(
    ("mood", "code", "words"),
    [
        ("shapeless", 1, "it does not fit the mapping: person.key: at /ketQua/maCongDan lies no text or number"),
        ("garbage", 1, "it does not fit the mapping: does not answer in JSON; is a login page in between?"),
        ("broken", 1, "it does not fit the mapping: answers 500"),
        ("elsewhere", 69, "it could not be asked: answers 302: it wants to be asked elsewhere"),
        ("hanging_up", 69, "it could not be asked: broke off (RemoteProtocolError)"),
    ],
)
def test_what_is_wrong_is_said_and_is_the_exit_code(tmp_path, foreign, mood, code, words):
    foreign.mood = mood
    assert words in checked(tmp_path, foreign, code=code)


def test_another_number_may_be_asked_for_and_one_that_is_none_is_refused(tmp_path, foreign):
    assert "nobody is known by this number" in checked(tmp_path, foreign, "--who", "046193990777")
    assert "--who: not a whole citizen" in checked(tmp_path, foreign, "--who", "0461", code=65)
    assert "request.schemes of the mapping leaves it out" in checked(tmp_path, foreign, "--scheme", "token", code=78)


def test_a_deadline_that_stations_do_not_wait_for_is_remarked(tmp_path, foreign, capfd):
    from hub.cli import main

    path = settings_file(tmp_path, foreign.url, "whole_ms = 9000", "connect_ms = 5000")
    assert main(["province", "check", "--config", str(path), "--data", str(tmp_path)]) == 0
    assert "province.whole_ms = 9000: a station waits 800 ms" in capfd.readouterr().err


def test_without_a_system_there_is_nothing_to_check(tmp_path):
    assert 'province.registry: is "own"' in command(tmp_path, "province", "check", code=78)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (["registry = 'province'"], "province.url: the system's address"),
        (["registry = 'both'", "url = 'ftp://x'"], "province.url: the system's address"),
        (["registry = 'both'", "url = 'https://u:p@x'"], "province.url: the system's address"),
        (["registry = 'both'", "url = 'https://x/?a=b'"], "province.url: ends before ? and #"),
        (["registry = 'both'", "url = 'https://x'"], "province.mapping: the file that says how it is asked"),
        (["registry = 'both'", "connect_ms = 700"], "province.connect_ms: longer than whole_ms"),
        (["registry = 'both'", "key_file = 'k'"], "province.key_file: belongs to a certificate_file"),
        (["registry = 'both'", "token_header = 'a b'"], "province.token_header: the name of a header"),
        (["registry = 'theirs'"], "province.registry: Invalid enum value 'theirs'"),
        (["at_onze = 3"], "province.at_onze: unknown key; did you mean province.at_once?"),
        (["held_seconds = 300000"], "province.held_seconds: Expected `int` <= 259200"),
    ],
)
def test_a_setting_that_does_not_do_is_named_with_its_file(tmp_path, lines, fault):
    path = tmp_path / "hub.toml"
    path.write_text("\n".join(["[province]", *lines]))
    with pytest.raises(ConfigError) as error:
        config.load(path)
    assert [told for told in str(error.value).splitlines() if told.startswith(f"{path}: {fault}")], error.value


def test_settings_of_a_system_that_is_not_asked_are_left_alone(tmp_path):
    path = tmp_path / "hub.toml"
    path.write_text("[province]\nurl = 'x'\n")
    assert open_desk(config.load(path).province, load(tmp_path / "keys"), Tally()) is None


@pytest.mark.parametrize(
    ("lines", "spoil", "fault"),
    [
        ((), lambda folder: (folder / "province.token").unlink(), "province.token_file .*No such file"),
        ((), lambda folder: (folder / "province.token").chmod(0o604), "anyone on this machine may open it; chmod 640"),
        ((), lambda folder: (folder / "province.token").write_text(" \n"), "put the token there alone"),
        ((), lambda folder: (folder / "mapping.toml").write_text(MAPPING + "\n[x]\n"), "mapping.toml: x: unknown key"),
        (("ca_file = 'nowhere.pem'",), lambda folder: None, "province.ca_file nowhere.pem: No such file"),
        (("ca_file = 'pyproject.toml'",), lambda folder: None, "province.ca_file pyproject.toml: .*readable and PEM"),
        (("certificate_file = 'me.pem'",), lambda folder: None, "province.certificate_file me.pem, key_file : No such"),
    ],
)  # fmt: skip
def test_a_hub_does_not_start_on_files_that_do_not_do(tmp_path, lines, spoil, fault):
    path = settings_file(tmp_path, "https://dancu.example.vn", *lines)
    spoil(tmp_path)
    with pytest.raises(ConfigError, match=fault):
        open_desk(config.load(path).province, load(tmp_path / "keys"), Tally())


def test_a_shape_says_nothing_of_what_it_is_the_shape_of():
    assert shape({"hoTen": "x", "id7": 1}) == "{hoTen, id9}"
    assert shape(["Ánh 12/3", 4.5, True, None]) == "[aaa 99/9, 9.9, true or false, …]"
    assert len(shape("x" * 999)) == 41
