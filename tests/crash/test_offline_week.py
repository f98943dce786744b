"""A week without the hub: every row is kept, memory stays flat, and all of it drains while the gate goes on.

``make soak`` records a million rows; a few thousand by itself.  What was measured is written to ``build/soak.json``.
People who come while it drains wait as long as when it is idle; that is asserted of as many rows as ``make soak`` has:
a few thousand are gone before enough people came, or else this machine had something else to do.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gates import wait
from load import Battered, Crowd, asked, drained, present, waiting, whole

ROOT = Path(__file__).resolve().parents[2]
ROWS = asked("ROWS", 3_000)
ROOM = "[journal]\nmax_bytes = 4294967296\n"
QUIET = 20
ENOUGH = 100  # presentations whose median says something
LONG = 100_000  # rows, from which on a soak was asked for
SLOWER_AT_MOST = 1.2
PAGES = 4 * 1024  # kilobytes: SQLite fills its cache of pages (2 MiB) and no more


def shown(gate: Battered, people: Crowd, pause: float = 0.02) -> tuple[float, bool]:
    """Milliseconds from code to lamp of one more presentation, and whether it was the hub that answered."""
    last = present(gate, people.number())
    time.sleep(pause)
    return float(last["ms"]), last["origin"] == "hub"


def resident(gate: Battered) -> int:
    """Kilobytes of the station in memory."""
    lines = Path(f"/proc/{gate.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


@pytest.mark.broker
@pytest.mark.timeout(900 + ROWS // 20)
def test_a_week_of_rows_is_kept_in_flat_memory_and_drains_whole_while_the_gate_goes_on(centre, open_gate):
    gate = open_gate("gate-1", "mqtt", deadline_ms=800, more=ROOM)
    writer = [sys.executable, Path(__file__).with_name("offline_week.py"), gate.config, str(ROWS)]
    done = subprocess.run(writer, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    memory = json.loads(done.stdout)
    size = sum(path.stat().st_size for path in gate.data.glob("journal.db*"))
    assert max(memory) <= memory[0] + PAGES, "the memory of writing grows with the rows"

    gate.start()
    people, drain, held_in = Crowd(ROWS + 1000), [], time.monotonic()
    wait(lambda: gate.says("ready"))
    before = resident(gate)
    centre.start()
    while waiting(gate) > 0:
        drain.append((*shown(gate, people), resident(gate)))
    held_in = time.monotonic() - held_in
    drained(centre, gate)
    wait(lambda: shown(gate, people)[1])
    idle = [shown(gate, people) for _ in range(max(QUIET, min(400, len(drain))))]
    drained(centre, gate)
    after = resident(gate)
    gate.kill()
    assert after <= before + 24 * 1024, "the station's memory grows with what waits"
    assert centre.counted("gate-1") == ROWS + len(gate.lit)
    if ROWS <= 20_000:
        whole(centre, gate)
    else:  # as text a million rows fill the memory of the test and not of the product
        centre.run("journal", "verify", "gate-1", seconds=3600)
    busy, quiet = ([ms for ms, of_hub, *_ in each if of_hub] for each in (drain, idle))
    ratio = statistics.median(busy) / statistics.median(quiet) if busy else None
    told = {
        "rows": ROWS,
        "bytes a row on the card": round(size / ROWS),
        "MiB while writing": [round(each / 1024, 1) for each in memory],
        "MiB of the station before, most and after": [
            round(each / 1024, 1) for each in (before, max((each[-1] for each in drain), default=before), after)
        ],
        "rows a second drained": round(ROWS / held_in),
        "scans while draining": len(drain),
        "of them answered by the hub": len(busy),
        "ms from code to lamp of these, median": statistics.median(busy) if busy else None,
        "ms from code to lamp when idle, median": statistics.median(quiet),
        "ratio": ratio,
    }
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "soak.json").write_text(json.dumps(told, indent=1))
    print(json.dumps(told, indent=1))
    if ROWS >= LONG and min(len(busy), len(quiet)) >= ENOUGH:
        assert ratio <= SLOWER_AT_MOST, "people wait for the backlog"
