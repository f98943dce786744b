"""The service's unit, account, folders and device rules say what systemd understands, and forbid what they should."""

import configparser
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from lacking import lacking

from hub.errors import Away, Unavailable

ROOT = Path(__file__).resolve().parents[2]
SYSTEMD = ROOT / "systemd"
MOST_EXPOSED = 22
"""Tenths of systemd's exposure level, of 100; an unhardened service has 96."""
UNITS = {"station.service": MOST_EXPOSED, "hub.service": 15}


def run(*words: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    if shutil.which(str(words[0])) is None:
        lacking(f"{words[0]} is not installed")
    return subprocess.run([*map(str, words)], capture_output=True, text=True, timeout=180, **options)


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `make install` lays out for a board, and `make centre` for a hub, in a folder."""
    folder = tmp_path_factory.mktemp("board")
    for script in ("install.sh", "install-hub.sh"):
        environment = {"DESTDIR": str(folder), "PATH": "/usr/bin:/bin"}
        subprocess.run([ROOT / "provisioning" / script], check=True, env=environment)
    return folder


@pytest.fixture(scope="module")
def unit(laid_out: Path) -> Path:
    return laid_out / "etc/systemd/system/station.service"


@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_every_word_of_the_unit(laid_out: Path, name: str):
    done = run("systemd-analyze", "verify", "--recursive-errors=no", laid_out / "etc/systemd/system" / name)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_misspelt_word_in_the_unit_would_be_seen(unit: Path, tmp_path: Path):
    misspelt = tmp_path / "station.service"
    misspelt.write_text(unit.read_text().replace("WatchdogSec=", "WachdogSec="))
    done = run("systemd-analyze", "verify", "--recursive-errors=no", misspelt)
    assert done.returncode == 1
    assert "WachdogSec" in done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_the_service_is_shut_in(laid_out: Path, name: str):
    unit = laid_out / "etc/systemd/system" / name
    threshold = f"--threshold={UNITS[name]}"
    done = run("systemd-analyze", "security", "--offline=true", threshold, "--no-pager", unit)
    assert done.returncode == 0, done.stdout


def test_a_service_that_is_not_shut_in_would_be_seen(unit: Path, tmp_path: Path):
    open_one = tmp_path / "station.service"
    open_one.write_text("".join(line for line in unit.read_text().splitlines(True) if not line.startswith("Protect")))
    done = run("systemd-analyze", "security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", open_one)
    assert done.returncode == 1


def test_the_service_is_watched_and_never_given_up():
    keys = configparser.ConfigParser(strict=False, interpolation=None)
    keys.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    keys.read(SYSTEMD / "station.service", "utf-8")
    service = keys["Service"]
    assert (service["Type"], service["WatchdogSec"], service["Restart"]) == ("notify", "30", "always")
    assert keys["Unit"]["StartLimitIntervalSec"] == "0"


def test_a_hub_that_ends_by_a_fault_is_started_again_and_one_whose_settings_are_wrong_is_not():
    keys = configparser.ConfigParser(strict=False, interpolation=None)
    keys.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's keys have capitals
    keys.read(SYSTEMD / "hub.service", "utf-8")
    assert keys["Service"]["Restart"] == "on-failure"
    final = {int(code) for code in keys["Service"]["RestartPreventExitStatus"].split()}
    assert final == {os.EX_NOINPUT, os.EX_CONFIG}
    assert not final & {Away.exit_code, Unavailable.exit_code, os.EX_SOFTWARE}
    assert keys["Unit"]["StartLimitIntervalSec"] == "0"


def test_the_station_may_ask_the_kernel_how_far_its_clock_may_be_off():
    lines = (SYSTEMD / "station.service").read_text("utf-8").splitlines()
    filters = [line.partition("=")[2].split() for line in lines if line.startswith("SystemCallFilter=")]
    assert filters[-1] == ["adjtimex", "clock_adjtime"]  # a later line has the word, and ~@privileged takes both away
    assert "ProtectClock=no" in lines


def test_the_unit_starts_the_program_of_the_checkout_it_was_installed_from(unit: Path):
    assert f"ExecStart={ROOT}/.venv/bin/station run --config /etc/tram-quet/config.toml\n" in unit.read_text()
    hub = unit.with_name("hub.service").read_text()
    assert f"ExecStart={ROOT}/.venv/bin/hub serve --config /etc/tram-quet-hub/hub.toml\n" in hub


def test_the_account_has_the_groups_of_every_device_it_may_open(laid_out: Path):
    done = run("systemd-sysusers", f"--root={laid_out}", "tram-quet.conf")
    assert done.returncode == 0, done.stderr
    groups = {line.split(":")[0]: line.split(":")[3] for line in (laid_out / "etc/group").read_text().splitlines()}
    for group in ("video", "input", "dialout", "gpio", "i2c", "spi"):
        assert groups[group] == "tram-quet"
    assert "tram-quet:" in (laid_out / "etc/passwd").read_text()


def test_the_folder_with_the_token_is_closed_to_others(laid_out: Path):
    run("systemd-sysusers", f"--root={laid_out}", "tram-quet.conf")
    done = run("systemd-tmpfiles", "--create", f"--root={laid_out}", "tram-quet.conf")
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("only root may give a folder to another group")
    assert done.returncode == 0, done.stderr
    assert (laid_out / "etc/tram-quet").stat().st_mode & 0o7777 == 0o750


def test_the_hub_has_an_account_of_its_own_that_alone_reads_its_settings(laid_out: Path):
    done = run("systemd-sysusers", f"--root={laid_out}", "tram-quet-hub.conf")
    assert done.returncode == 0, done.stderr
    assert "tram-quet-hub:" in (laid_out / "etc/passwd").read_text()
    done = run("systemd-tmpfiles", "--create", f"--root={laid_out}", "tram-quet-hub.conf")
    if done.returncode and "Operation not permitted" in done.stderr:
        pytest.skip("only root may give a folder to another group")
    assert done.returncode == 0, done.stderr
    assert (laid_out / "etc/tram-quet-hub").stat().st_mode & 0o7777 == 0o750


def test_no_device_is_opened_to_everybody():
    rules = (SYSTEMD / "70-tram-quet.rules").read_text()
    assert rules.count("MODE=") == rules.count('MODE="0660"') == rules.count("GROUP=") > 0
