"""A gate whose only way to its hub is the broker: the snapshot comes by it, goes on after a cut, and serves offline."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cutting import Cutter
from gates import BIN, Centre, Gate, enrol, number, wait

STRANGER = "046099999999"
WANT = b"/snapshot/want"


@pytest.fixture
def between(centre: Centre) -> Iterator[Cutter]:
    with Cutter(int(centre.mqtt)) as cutter:
        yield cutter


@pytest.fixture
def gate(centre: Centre, between: Cutter, tmp_path: Path) -> Iterator[Gate]:
    """One that knows no address of its hub's."""
    gate = enrol(centre, tmp_path / "gate-1", "gate-1", "mqtt", mqtt=between.port)
    gate.config.write_text(re.sub(r"(?m)^url = .*\n", "", gate.config.read_text()))
    yield gate
    gate.stop()


def import_people(centre: Centre, folder: Path, people: list[dict]) -> None:
    (folder / "more.json").write_text(json.dumps({"people": people}))
    centre.run("import", str(folder / "more.json"))


def from_far_away(person: int) -> dict:
    """Somebody from a hamlet of their own, so that the words of a snapshot are more than one chunk."""
    moment = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    area = {"edition": "63", "province": "46", "district": "474", "commune": "19777"}
    entry = {"kind": "entry", "at": moment, "arrival": moment, "destination": area}
    entry["origin"] = area | {"hamlet": f"Thôn Rất Xa Xôi Ở Tận Cuối Con Đường Làng Số {person}"}
    return {"ref": f"far{person}", "name": "Trần Thử", "declarations": [entry]}


def asks(between: Cutter) -> list[dict]:
    """Every chunk that was asked for, in order."""
    return [json.loads(found) for found in re.findall(rb'\{"id":"[0-9a-f]{16}","name":[^}]*\}', bytes(between.up))]


def in_use(gate: Gate) -> list[int]:
    return [line["version"] for line in gate.log if line["message"] == "snapshot in use"]


@pytest.mark.broker
def test_a_gate_without_an_address_gets_its_snapshot_by_the_broker_goes_on_after_a_cut_and_answers_offline(
    centre, between, gate, tmp_path
):
    import_people(centre, tmp_path, [from_far_away(person) for person in range(60)])
    centre.stop()
    centre.run("snapshot", "build")
    centre.settings = "[snapshots]\nenabled = true\n"
    centre.start()
    between.cuts = lambda up: between.was_cut == 0 and up.count(WANT) == 2
    gate.start()
    wait(lambda: in_use(gate) == [1])
    gate.wait_for_policy()
    first, lost, again, *_ = asks(between)
    assert (first["number"], first["offset"], lost["offset"]) == (0, 0, first["most"])
    assert (again["name"], again["number"], again["offset"]) == (lost["name"], 0, lost["offset"])
    assert sum(ask["offset"] == 0 for ask in asks(between)) == len({ask["number"] for ask in asks(between)})

    newcomer = {"ref": "new", "name": "Lê Thử", "identities": [{"scheme": "citizen", "value": STRANGER}]}
    import_people(centre, tmp_path, [newcomer])
    assert json.loads(centre.run("snapshot", "build", "--json"))["version"] == 2
    wait(lambda: gate.told("a newer snapshot is announced"))
    gate.stop()
    fetched = len(asks(between))
    gate.start()  # asks at once
    wait(lambda: in_use(gate) == [2])
    assert {ask["name"][-11:] for ask in asks(between)[fetched:]} == {"00002-00001"}

    key = (tmp_path / "gate-1" / "snapshot" / "group.key").read_bytes().strip()
    for heard in (between.up, between.down):
        assert not [secret for secret in (key, base64.b64decode(key), STRANGER.encode()) if secret in heard]
    centre.stop()
    shown = gate.show(number(3))
    assert (shown["outcome"], shown["origin"], shown["reasons"]) == ("pass", "snapshot", ["held-answer"])
    assert gate.show(STRANGER)["reasons"] == ["no-health", "held-answer"]
    assert gate.show("046099999998")["reasons"] == ["not-found", "held-answer"]


@pytest.mark.broker
def test_a_gate_gets_none_by_the_broker_until_they_are_handed_out_to_it_again(centre, gate):
    centre.stop()
    centre.run("snapshot", "build")
    centre.settings = "[snapshots]\nenabled = true\n"
    centre.run("account", "add", "test", "--role", "administrator", "--own", typed="ba con vịt trời\n")
    centre.run("snapshot", "withhold", "gate-1", "--by", "test")
    centre.start()
    gate.config.write_text(gate.config.read_text() + "[snapshot]\nevery_minutes = 0.05\n")
    gate.start()
    gate.wait_for_policy()
    assert in_use(gate) == []
    centre.run("snapshot", "hand-out", "gate-1", "--by", "test")
    wait(lambda: in_use(gate) == [1])
    command = [BIN / "station", "status", "--config", gate.config]
    wait(lambda: "snapshot    1 of " in subprocess.run(command, capture_output=True, text=True, timeout=60).stdout)
