"""A gate whose network is gone, with the province's standings on its card: real processes, a real snapshot."""

from __future__ import annotations

import json
import subprocess
from itertools import count

import pytest
from gates import BIN, Centre, Gate, number, wait

STRANGER = "046099999999"
SNAPSHOTS = "[snapshots]\nenabled = true\n"


def with_snapshots(centre: Centre) -> None:
    centre.stop()
    centre.run("snapshot", "build")
    centre.settings = SNAPSHOTS
    centre.start()


def often(gate: Gate, key: str = "card") -> Gate:
    gate.config.write_text(gate.config.read_text() + f'[snapshot]\nevery_minutes = 0.05\nkey = "{key}"\n')
    return gate


def snapshots_taken(gate: Gate) -> int:
    return sum(line["message"] == "snapshot in use" for line in gate.log)


def status(gate: Gate) -> str:
    command = [BIN / "station", "status", "--config", gate.config]
    return subprocess.run(command, capture_output=True, text=True, timeout=180).stdout


@pytest.mark.broker
def test_a_gate_without_a_network_still_gives_a_real_answer(centre, open_gate):
    with_snapshots(centre)
    gate = often(open_gate("gate-1", "http")).start()
    gate.wait_for_policy()
    wait(lambda: snapshots_taken(gate) == 1)
    centre.stop()
    gate.stop()
    gate.log.clear()
    gate.start()  # after a power cut, and nobody to ask
    shown = gate.show(number(3))
    assert (shown["outcome"], shown["origin"], shown["reasons"]) == ("pass", "snapshot", ["held-answer"])
    assert gate.show(STRANGER)["reasons"] == ["not-found", "held-answer"]
    centre.start()
    wait(lambda: len(centre.rows("gate-1")) == 2)
    row = next(row for row in centre.rows("gate-1") if row["outcome"] == "pass")
    assert {group["origin"] for group in row["groups"]} == {"snapshot"}


@pytest.mark.broker
def test_what_changed_comes_as_a_delta_and_a_withheld_gate_gets_none(centre, open_gate, tmp_path):
    with_snapshots(centre)
    gate, other = often(open_gate("gate-1", "http")), often(open_gate("gate-2", "http"), "boot")
    centre.run("account", "add", "test", "--role", "administrator", "--own", typed="ba con vịt trời\n")
    centre.run("snapshot", "withhold", "gate-2", "--by", "test")
    gate.start()
    other.start()
    wait(lambda: snapshots_taken(gate) == 1)
    newcomer = {"ref": "new", "name": "Trần Thử", "identities": [{"scheme": "citizen", "value": STRANGER}]}
    (tmp_path / "new.json").write_text(json.dumps({"people": [newcomer]}))
    centre.run("import", str(tmp_path / "new.json"))
    told = json.loads(centre.run("snapshot", "build", "--json"))
    assert (told["version"], told["changed"]) == (2, 2)  # the number and the person's own key
    wait(lambda: snapshots_taken(gate) == 2)
    wait(lambda: "snapshot    2 of " in status(gate))
    gate.wait_for_policy()
    other.wait_for_policy()
    centre.stop()
    assert gate.show(STRANGER)["reasons"] == ["no-health", "held-answer"]
    assert other.show(STRANGER)["outcome"] == "unverified"
    assert snapshots_taken(other) == 0


@pytest.mark.broker
def test_a_key_handed_over_at_start_is_never_on_the_card(centre, open_gate, tmp_path):
    with_snapshots(centre)
    gate = often(open_gate("gate-1", "http"), "boot").start()
    gate.wait_for_policy()
    wait(lambda: snapshots_taken(gate) == 1)
    assert not (tmp_path / "gate-1" / "snapshot" / "group.key").exists()
    gate.stop()
    centre.stop()
    gate.start()
    assert gate.show(number(3))["outcome"] == "unverified"  # nobody handed the key over
    centre.start()
    others = count(4)  # nobody twice: whom the snapshot lets pass meanwhile would be a repeat for ever
    wait(lambda: gate.show(number(next(others)))["origin"] == "hub")
    gate.stop()
