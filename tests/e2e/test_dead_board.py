"""A board that died with rows nobody had: its card is read elsewhere, and the rows are at the hub once."""

from __future__ import annotations

import shutil
import signal
import subprocess

import pytest
from gates import BIN, held_once, number, wait


@pytest.mark.broker
@pytest.mark.parametrize("copied", [True, False], ids=["folder", "read-only card"])
def test_the_rows_of_a_dead_boards_folder_are_at_the_hub_once_beside_those_it_had_sent(
    centre, open_gate, tmp_path, copied
):
    gate = open_gate("gate-1", "http").start()
    gate.wait_for_policy()
    gate.show(number(0))
    gate.show(number(1))
    wait(lambda: held_once(centre, "gate-1", 2))
    centre.stop()
    shown = [gate.show(number(person))["seq"] for person in range(2, 12)]
    assert shown == list(range(3, 13))
    gate.stop(signal.SIGKILL)
    card = tmp_path / "card"
    card.mkdir()
    if copied:
        shutil.copytree(tmp_path / "gate-1", card, dirs_exist_ok=True)
    else:
        (tmp_path / "gate-1" / "journal.db-shm").unlink()
        if subprocess.run(["mount", "--bind", tmp_path / "gate-1", card], capture_output=True).returncode != 0:
            pytest.skip("folders can only be mounted by root")
        subprocess.run(["mount", "-o", "remount,bind,ro", card], check=True)
    rows = tmp_path / "rows.jsonl"
    try:
        words = ["journal", "export", "--sealed", "--data", card, "--to", rows]
        subprocess.run([BIN / "station", *words], check=True, timeout=180)
    finally:
        if not copied:
            subprocess.run(["umount", card], check=True)
    centre.start()
    for _ in range(2):
        centre.run("import", str(rows))
        assert held_once(centre, "gate-1", 12)
    centre.run("journal", "verify", "gate-1")
    gate.start()  # and the board comes back to life after all
    gate.show(number(12))
    wait(lambda: held_once(centre, "gate-1", 13))
