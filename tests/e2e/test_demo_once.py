"""The scripted crowd from end to end: all as written down, and one wrong word, lost row or doubled row is seen."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from demos import STATION

from core.model import CodeKind, Outcome
from station.front.demo import reckoning
from station.front.demo.script import SCRIPT

ROOT = Path(__file__).resolve().parents[2]
WITHIN = 600
TOLD = {"at", "source", "code_kind", "gate", "outcome", "reasons", "origin", "ms", "expected"}

pytestmark = [pytest.mark.broker, pytest.mark.timeout(WITHIN + 120)]


def run(*words: str, tmp: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, cwd=ROOT, env=os.environ | {"TMPDIR": str(tmp)}, capture_output=True, text=True, timeout=WITHIN
    )


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_make_demo_once_plays_every_outcome_and_family_and_ends_well(tmp_path):
    done = run("make", "-s", "demo", "ONCE=1", tmp=tmp_path)
    assert done.returncode == 0, done.stderr
    *presentations, last = objects(done.stdout)
    assert all(one.keys() >= TOLD for one in presentations)
    assert {one["outcome"] for one in presentations} == {one.value for one in Outcome}
    assert {one["code_kind"] for one in presentations} == {one.value for one in CodeKind}
    assert {"camera", "serial", "hid"} <= {one["source"] for one in presentations}
    assert all(one["outcome"] == one["expected"] for one in presentations)
    assert last["summary"]["rows"] == last["summary"]["held"] > 20
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """A run against a script with one planted wrong expectation, and what it kept."""
    folder = tmp_path_factory.mktemp("planted")
    right = 'show = "pass-bhyt"\nby = "camera"\noutcome = "pass"'
    text = SCRIPT.read_text("utf-8")
    assert right in text
    script = folder / "script.toml"
    script.write_text(text.replace(right, right.replace('outcome = "pass"', 'outcome = "warn"')), "utf-8")
    words = ("demo", "--once", "--http", "--expect", str(script), "--keep", str(folder / "kept"))
    return run(STATION, *words, tmp=folder), folder / "kept"


def test_a_planted_wrong_expectation_ends_in_exit_1_and_is_named(kept):
    done, _ = kept
    assert done.returncode == 1
    assert "presentation 2 (pass-bhyt, camera): pass, expected warn" in done.stderr
    assert objects(done.stdout)[-1]["summary"]["unexpected"] == 1


@pytest.fixture
def proof(kept, tmp_path) -> Path:
    """What a real run kept, with the planted expectation put right."""
    folder = tmp_path / "kept"
    shutil.copytree(kept[1], folder)
    said = folder / reckoning.PRESENTATIONS
    lines = said.read_text("utf-8").splitlines(keepends=True)
    lines[1] = lines[1].replace('"expected": "warn"', '"expected": "pass"')
    said.write_text("".join(lines), "utf-8")
    return folder


def compare(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([STATION, "demo", "--compare", str(folder)], capture_output=True, text=True, timeout=180)


def test_what_a_real_run_kept_holds_when_nothing_was_done_to_it(proof):
    done = compare(proof)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_row_that_the_hub_lost_ends_in_exit_1(proof):
    held = proof / reckoning.HELD
    lines = held.read_text("utf-8").splitlines(keepends=True)
    held.write_text("".join(lines[:10] + lines[11:]), "utf-8")
    done = compare(proof)
    assert done.returncode == 1
    assert "row 11 of epoch" in done.stderr
    assert "lost on the way to the hub" in done.stderr


def test_a_row_that_the_hub_holds_twice_ends_in_exit_1(proof):
    held = proof / reckoning.HELD
    lines = held.read_text("utf-8").splitlines(keepends=True)
    held.write_text("".join([*lines, lines[4]]), "utf-8")
    done = compare(proof)
    assert done.returncode == 1
    assert "row 5 of epoch" in done.stderr
    assert "2 times at the hub" in done.stderr


def test_nothing_kept_is_told_with_its_cure(tmp_path):
    done = compare(tmp_path)
    assert done.returncode == 66
    assert "--keep" in done.stderr
