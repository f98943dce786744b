"""The program itself: its words, its exit codes, and that a command costs no more start-up than it needs."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from station import cli

NAME = '[station]\nname = "gate-1"\n'


def station(*words: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "station", *words],
        input=stdin,
        capture_output=True,
        env=os.environ | environment,
        timeout=60,
        check=False,
    )


def write(folder: Path, text: str) -> str:
    path = folder / "config.toml"
    path.write_text(text, "utf-8")
    return str(path)


def test_the_program_says_its_version():
    done = station("--version")
    assert (done.returncode, done.stdout) == (0, b"station 0.1.0\n")


def test_its_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    told = capsys.readouterr().out
    assert ended.value.code == 0
    assert all(f"  {name}" in told for name in cli.COMMANDS)
    assert "78 configuration" in told


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_teaches_itself_with_examples(name: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    assert f"station {name}" in capsys.readouterr().out.partition("examples:")[2]


@pytest.mark.parametrize("words", [[], ["paint"], ["decode"], ["tail", "-n", "many"], ["journal"]])
def test_a_line_that_cannot_be_understood_ends_with_2(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "station" in capsys.readouterr().err


def test_a_good_configuration_is_called_good_with_its_remarks(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["check-config", "--config", write(tmp_path, NAME)]) == 0
    said = capsys.readouterr()
    assert said.out.endswith("good: gate-1, a venue gate, in\n")
    assert "there is no hub" in said.err


def test_a_wrong_configuration_ends_with_78_and_lists_every_fault_with_its_file(tmp_path: Path):
    path = write(tmp_path, NAME + 'knd = "venue"\n[led]\ndriver = "lamp"\n')
    for words in (["check-config"], ["run"]):
        done = station(*words, "--config", path)
        told = done.stderr.decode().splitlines()
        assert (done.returncode, len(told), done.stdout) == (os.EX_CONFIG, 2, b"")
        assert all(path in line for line in told)
        assert told[0].startswith("station: ")


def test_a_configuration_that_is_not_there_ends_with_78_and_says_how_to_write_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for command in ("run", "check-config", "doctor", "tail", "status"):
        assert cli.main([command, "--config", str(tmp_path / "none.toml")]) == os.EX_CONFIG
        assert "station configure" in capsys.readouterr().err


def test_check_config_of_a_file_for_another_board_looks_for_no_secret(tmp_path: Path):
    path = write(tmp_path, NAME + '[trust]\nfolder = "/nowhere"\n')
    assert cli.main(["check-config", "--config", path]) == os.EX_CONFIG
    assert cli.main(["check-config", "--config", path, "--elsewhere"]) == os.EX_OK


def test_whoever_stops_reading_ends_it_quietly(tmp_path: Path):
    pictures = [str(tmp_path / f"{number}.png") for number in range(200)]
    command = [sys.executable, "-m", "station", "decode", "--json", *pictures]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_a_terminal_that_knows_no_vietnamese_gets_escapes_and_no_crash(monkeypatch: pytest.MonkeyPatch):
    told = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", told)
    cli._make_output_safe()
    print("Chợ")
    told.flush()
    assert told.buffer.getvalue() == b"Ch\\u1ee3\n"  # type: ignore[attr-defined]


LIGHT = {
    "--version": {"msgspec", "station.config"},
    "check-config": {"cryptography", "zxingcpp", "requests", "paho", "sqlite3", "gpiozero", "station.app"},
    "decode": {"cryptography", "requests", "paho", "sqlite3", "gpiozero", "station.config"},
    "status": {"cryptography", "zxingcpp", "requests", "paho", "sqlite3", "gpiozero"},
}


@pytest.mark.parametrize(("command", "heavy"), LIGHT.items())
def test_a_command_imports_no_more_than_it_needs(command: str, heavy: set[str]):
    program = (
        "import json, sys\nfrom station import cli\n"
        f"try: cli.main([{command!r}, '--help'])\nexcept SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60, check=True)
    assert not heavy & set(json.loads(done.stdout.splitlines()[-1]))
