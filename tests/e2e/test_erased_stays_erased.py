"""Somebody erased is gone from the hub and from the stations' cards, and no backup and no station brings them back."""

from __future__ import annotations

import json
import subprocess

import pytest
from gates import BIN, held_once, number, wait

from station import config
from station.journal.reading import JournalReader


@pytest.fixture(autouse=True)
def admin(centre):
    """Somebody who may erase."""
    words = ("account", "add", "admin", "--role", "administrator", "--own")
    centre.run(*words, typed="ba con vịt trời\n")


def erase(centre, person: int) -> str:
    """Erases somebody by their number; what the command said."""
    return centre.run("person", "erase", "--by", "admin", "--json", typed=number(person) + "\n")


def known(centre, person: int) -> bool:
    """Whether the registry knows whose number this is."""
    words = [BIN / "hub", "person", "export", "--data", centre.folder, *centre.configured()]
    done = subprocess.run(words, input=number(person) + "\n", capture_output=True, text=True, timeout=180, check=False)
    return done.returncode == 0


def states(centre) -> list[tuple[str, int, str]]:
    return [
        (each["station"], each["rows"], each["state"]) for each in json.loads(centre.run("keep", "stations", "--json"))
    ]


def on_the_card(gate) -> bytes:
    """All that lies in the station's folder."""
    folder = config.load(gate.config, environ={}).journal_path.parent
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.broker
@pytest.mark.parametrize("transport", ["http", "mqtt"])
def test_a_persons_rows_are_erased_on_the_card_of_a_station_that_was_away(centre, open_gate, transport):
    gate = open_gate("gate-1", transport).start()
    gate.wait_for_policy()
    gate.show(number(0))
    gate.show(number(1))
    wait(lambda: held_once(centre, "gate-1", 2))
    gate.stop()
    rows = JournalReader(config.load(gate.config, environ={}).journal_path).latest(10)
    theirs, others = (next(row.sealed.encode() for row in rows if row.seq == seq) for seq in (1, 2))
    said = json.loads(erase(centre, 0))
    assert [(each["station"], each["rows"]) for each in said["stations"]] == [("gate-1", 1)]
    assert (theirs in on_the_card(gate), states(centre)[0][2] != "done") == (True, True)
    gate.start()
    wait(lambda: states(centre) == [("gate-1", 1, "done")])
    gate.stop()
    assert (theirs in on_the_card(gate), others in on_the_card(gate)) == (False, True)
    centre.run("journal", "verify", "gate-1")


@pytest.mark.broker
def test_whoever_was_erased_after_the_backup_stays_erased_and_the_day_is_filled_in(
    centre, open_gate, tmp_path, empty_database
):
    secret, backup = tmp_path / "secret.txt", tmp_path / "hub.tqb"
    secret.write_text("twelve letters at least")
    gate = open_gate("gate-1").start()
    gate.wait_for_policy()
    gate.show(number(0))
    wait(lambda: held_once(centre, "gate-1", 1))
    centre.run("backup", str(backup), "--passphrase-file", str(secret))  # while the hub runs
    for person in (1, 2):
        gate.show(number(person))
    wait(lambda: held_once(centre, "gate-1", 3))
    erase(centre, 0)
    erase(centre, 1)
    centre.lose(tmp_path / "lost", empty_database())
    lists = str(tmp_path / "lost" / "erasures.jsonl")
    said = centre.run("restore", str(backup), "--passphrase-file", str(secret), "--erasures", lists)
    assert "erased again: 2 people" in said
    centre.start()
    wait(lambda: held_once(centre, "gate-1", 3))
    wait(lambda: [row.get("emptied", False) for row in centre.rows("gate-1")] == [True, True, False])
    assert [known(centre, person) for person in (0, 1, 2)] == [False, False, True]
    centre.run("journal", "verify", "gate-1")
