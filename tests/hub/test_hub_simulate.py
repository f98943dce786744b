"""``hub simulate`` against a real hub and broker: every row is held once, goodbyes are said, errors name their cure."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hub_stand import ROOT, HubProcess, command, on, until
from ports import free_port

from hub.opening import open_store
from hub.stations import alarms, fleet

PATTERN = f"""
[people]
count = 200
[boards]
health_seconds = 1
[crowd.venue]
share = 1.0
busiest = 60
hours = [{", ".join(["1"] * 24)}]
stay_minutes = 20
[[fault]]
kind = "silent"
after = "3s"
lasts = "3s"
[[fault]]
kind = "backlog"
after = "2s"
lasts = "5s"
"""


def simulate(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "hub", "simulate", *map(str, words)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=200, env={"PYTHONPATH": str(ROOT)})


@pytest.mark.broker
def test_every_row_of_an_invented_fleet_is_held_once_through_silence_and_backlog(tmp_path, database):
    data = tmp_path / "hub"
    data.mkdir()
    (tmp_path / "pattern.toml").write_text(PATTERN)
    where = on(data, database)
    hub = HubProcess(data, *where, "--broker").start()
    try:
        own = ["--stations", 6, "--crowd", tmp_path / "pattern.toml", "--hub", data / "ready.json", "--speed", 120]
        own += ["--for", "15s", "--tokens", tmp_path / "tokens.json", "--ready", tmp_path / "up.json", "--json"]
        done = simulate(*own, "--data", data, *where, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert said["rows"] > 60
        assert said["asked"] > 60
        assert said["answered"] > said["asked"] / 2  # the others came too late: a gate waits for less than a second
        assert said["unknown"] == 0, "everybody who comes is registered"
        assert said["connects"] == 7  # one was cut off and came back
        up = json.loads((tmp_path / "up.json").read_text())
        assert {each["kind"] for each in up["faults"]} == {"silent", "backlog"}
        store, _ = open_store(hub.settings)
        with closing(store):
            until(lambda: held(store) >= said["held"], "what was held is there")
            until(lambda: not any(each.online for each in known(store)), "every one has said goodbye")
            for name in up["stations"]:
                assert "whole" in hub.command("journal", "verify", name)
            assert held(store) >= said["rows"] - said["waiting"]
            with store.reading() as connection:
                kinds = {each.kind for each in alarms.listed(connection)}
        assert kinds.isdisjoint({"chain-broken", "conflict", "two-stations", "shared-code"})
        assert (tmp_path / "tokens.json").stat().st_mode & 0o077 == 0
        calm = tmp_path / "calm.toml"
        calm.write_text(PATTERN.partition("[[fault]]")[0])
        more = ("--data", tmp_path / "nowhere", "--crowd", calm, "--for", "6s")
        again = simulate(*own, *more, cwd=tmp_path)
        assert json.loads(again.stdout)["connects"] == 6, again.stderr
        assert not (tmp_path / "nowhere").exists()
    finally:
        hub.stop()


def known(store):
    with store.reading() as connection:
        return fleet.overview(connection)


def held(store) -> int:
    return sum(each.rows for each in known(store))


def test_a_plan_is_printed_and_is_the_same_for_the_same_seed(tmp_path):
    one, same, other = (
        simulate("--stations", 30, "--plan", "--seed", seed, "--data", tmp_path / "hub", cwd=tmp_path).stdout
        for seed in (7, 7, 8)
    )
    assert one == same != other
    assert len(json.loads(one)["posts"]) == 30
    assert not (tmp_path / "hub").exists()


def test_a_wrong_pattern_is_refused_with_every_fault_before_anything_is_touched(tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[people]\ncuont = 3\n[[fault]]\nkind = "rain"\n')
    said = command(tmp_path / "hub", "simulate", "--stations", 3, "--crowd", wrong, "--mqtt", "127.0.0.1:1", code=78)
    assert "people.cuont: unknown key; did you mean people.count?" in said
    assert "fault 1: kind: Invalid enum value 'rain'; one of silent, left, late" in said
    assert not (tmp_path / "hub").exists()


def test_a_broker_that_is_not_named_or_not_there_is_told_with_the_cure(tmp_path):
    assert "give --mqtt HOST:PORT" in command(tmp_path / "hub", "simulate", "--stations", 1, code=78)
    assert "write HOST:PORT" in command(tmp_path / "hub", "simulate", "--stations", 1, "--mqtt", "here", code=78)
    missing = ("--hub", tmp_path / "none.json")
    assert "No such file" in command(tmp_path / "hub", "simulate", "--stations", 1, *missing, code=66)
    nobody = ("--mqtt", f"127.0.0.1:{free_port()}", "--for", "1s")
    said = command(tmp_path / "hub", "simulate", "--stations", 1, *nobody, code=69)
    assert "no station reached the broker" in said
    assert "Connection refused" in said


def test_tokens_of_another_fleet_are_told_apart(tmp_path):
    tokens = tmp_path / "tokens.json"
    tokens.write_text('{"sealing_key": "", "policy_key": "", "tokens": {"sim-0001": "x"}}')
    words = ("simulate", "--stations", 3, "--mqtt", "127.0.0.1:1", "--tokens", tokens)
    said = command(tmp_path / "hub", *words, code=65)
    assert "no token of sim-0002 and 1 others; run with the same --stations and --prefix" in said
    tokens.write_text("rubbish")
    assert "no tokens of a simulated fleet" in command(tmp_path / "hub", *words, code=65)
