"""A real station beside a real hub and broker, as processes: recorded once, held once, whatever dies in between."""

from __future__ import annotations

import json
import shutil
import signal
import time

import pytest
from gates import WITHIN, held_once, number, wait


@pytest.mark.broker
@pytest.mark.parametrize("transport", ["http", "mqtt"])
def test_a_person_in_order_passes_and_the_hub_holds_the_row_once(centre, open_gate, transport):
    gate = open_gate("gate-1", transport).start()
    gate.wait_for_policy()
    shown = gate.show(number(0))
    assert (shown["outcome"], shown["origin"]) == ("pass", "hub")
    assert gate.show(number(0))["outcome"] == "repeat"
    assert gate.show("046099999999")["reasons"] == ["not-found"]
    wait(lambda: held_once(centre, "gate-1", 2))
    centre.run("journal", "verify", "gate-1")  # exits 0: the chain is whole


@pytest.mark.broker
def test_a_policy_change_turns_the_next_scan_into_a_warn(centre, open_gate):
    gate = open_gate("gate-1").start()
    gate.wait_for_policy()
    assert gate.show(number(0))["outcome"] == "pass"
    gate.wait_for_policy(centre.publish(required=["entry"]))
    assert gate.show(number(1))["reasons"] == ["no-entry"]


@pytest.mark.broker
def test_what_one_gate_recorded_is_the_last_destination_scan_at_the_next(centre, open_gate):
    version = centre.publish(required=["destination"])
    first, second = open_gate("gate-1").start(), open_gate("ga-1", place="ga-hue").start()
    for gate in (first, second):
        gate.wait_for_policy(version)
    assert second.show(number(0))["reasons"] == ["no-destination"]
    first.show(number(1))
    first.wait_for_policy(centre.publish(required=["health"]))
    assert first.show(number(2))["outcome"] == "pass"
    wait(lambda: held_once(centre, "gate-1", 2))
    second.wait_for_policy(centre.publish(required=["destination"]))
    assert second.show(number(2))["outcome"] == "pass"


@pytest.mark.broker
def test_every_row_that_lit_a_lamp_reaches_the_hub_once_though_station_hub_and_broker_are_killed(centre, open_gate):
    gate = open_gate("gate-1")
    rows = 0
    for turn in range(4):
        gate.start()
        for person in range(5):
            rows += gate.show(number(turn * 5 + person))["seq"] > 0
        if turn == 1:
            centre.stop(signal.SIGKILL)
        if turn == 2:
            centre.start()
        gate.stop(signal.SIGKILL)
    gate.start()
    assert rows == 20
    wait(lambda: held_once(centre, "gate-1", rows))


@pytest.mark.broker
def test_two_stations_with_one_name_are_told_apart_and_nothing_is_lost(centre, open_gate):
    first = open_gate("gate-1").start()
    first.wait_for_policy()
    first.show(number(0))
    wait(lambda: held_once(centre, "gate-1", 1))
    token = first.config.read_text().split('token = "')[1].split('"')[0]
    twin = open_gate("gate-1", folder="twin")
    first.config.write_text(
        first.config.read_text().replace(token, twin.config.read_text().split('token = "')[1].split('"')[0])
    )
    first.stop()
    first.start()
    twin.start()
    rows, until = 1, time.monotonic() + WITHIN
    while not (first.told("alarm about this station") and twin.told("alarm about this station")):
        assert time.monotonic() < until, rows
        for gate in (first, twin):
            gate.show(number(rows))
            rows += 1
            time.sleep(0.5)
    wait(lambda: len(centre.rows("gate-1")) == rows)
    assert "two-stations" in centre.run("alarms", "--json")


@pytest.mark.broker
@pytest.mark.parametrize("transport", ["http", "mqtt"])
def test_after_a_restore_of_last_nights_backup_the_stations_kept_rows_fill_the_day_in(
    centre, open_gate, tmp_path, empty_database, transport
):
    secret, backup = tmp_path / "secret.txt", tmp_path / "hub.tqb"
    secret.write_text("twelve letters at least")
    gate = open_gate("gate-1", transport).start()
    gate.wait_for_policy()
    for person in range(2):
        gate.show(number(person))
    wait(lambda: held_once(centre, "gate-1", 2))
    centre.run("backup", str(backup), "--passphrase-file", str(secret))  # while the hub runs
    for person in range(2, 7):
        gate.show(number(person))
    wait(lambda: held_once(centre, "gate-1", 7))
    centre.lose(tmp_path / "lost", empty_database())
    centre.run("restore", str(backup), "--passphrase-file", str(secret))
    assert held_once(centre, "gate-1", 2)
    centre.start()
    if transport == "http":  # without a line of its own to the hub a station hears of it with the next row it brings
        gate.show(number(7))
    wait(lambda: held_once(centre, "gate-1", 8 if transport == "http" else 7))
    centre.run("journal", "verify", "gate-1")


@pytest.mark.broker
@pytest.mark.parametrize("transport", ["http", "mqtt"])
def test_a_card_that_was_set_back_loses_no_check_in_and_none_counts_twice(centre, open_gate, tmp_path, transport):
    gate = open_gate("gate-1", transport).start()
    card = gate.config.with_suffix("")
    gate.wait_for_policy()
    for person in range(3):
        gate.show(number(person))
    wait(lambda: held_once(centre, "gate-1", 3))
    gate.stop()
    shutil.copytree(card, tmp_path / "before")
    gate.start()
    for person in range(3, 5):
        gate.show(number(person))
    wait(lambda: held_once(centre, "gate-1", 5))
    gate.stop()
    shutil.rmtree(card)
    shutil.copytree(tmp_path / "before", card)
    centre.stop()
    gate.start()
    for person in range(5, 9):  # under numbers of which the hub holds two
        gate.show(number(person))
    centre.start()
    wait(lambda: centre.counted("gate-1") == 9)
    rows = centre.rows("gate-1")
    assert sorted(row["seq"] for row in rows) == [1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert len({row["person"] for row in rows if row["person"]}) == 9
    centre.run("journal", "verify", "gate-1")
    kinds = {alarm["kind"] for alarm in json.loads(centre.run("alarms", "--json"))}
    assert not kinds & {"conflict", "chain-broken", "two-stations", "lost-rows"}
