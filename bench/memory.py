"""Proportional memory of a station on simulated devices after a thousand presentations over MQTT."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from bench.centre import number, running
from bench.rows import Row

PRESENTATIONS = 1000
AGAIN_AFTER = 0.25
PATIENCE = 120.0
DEVICES = """
[camera]
driver = "sim"
[[scanner]]
driver = "stdin"
[led]
driver = "sim"
[buzzer]
driver = "sim"
[display]
driver = "sim"
[relay]
driver = "sim"
[buttons]
driver = "sim"
"""


def measure(folder: Path, told: Callable[[str], None]) -> list[Row]:
    """One absolute row."""
    told(f"{PRESENTATIONS} presentations over MQTT")
    shutil.rmtree(folder, ignore_errors=True)
    with running(folder, PRESENTATIONS) as centre:
        path = folder / "config.toml"
        path.write_text(centre.station("bench-memory", "mqtt") + DEVICES)
        command = [Path(sys.executable).with_name("station"), "run", "--config", path]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            assert process.stderr is not None
            outcomes: Counter[str] = Counter()
            until = time.monotonic() + PATIENCE
            while outcomes["pass"] < PRESENTATIONS and time.monotonic() < until:
                process.stdin.write(number(outcomes["pass"]) + "\n")
                process.stdin.flush()
                outcome = _wait_for_one(process)
                outcomes[outcome] += 1
                # A broker takes a moment to know a new station, and then the policy comes: shown again, as at a gate.
                if outcome != "pass":
                    time.sleep(AGAIN_AFTER)
            pss = _pss(process.pid)
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)
    told(f"  {pss:.1f} MiB after {dict(outcomes)}")
    if outcomes["pass"] < PRESENTATIONS or set(outcomes) - {"pass", "unverified"}:
        raise SystemExit(f"{PRESENTATIONS} were to pass: {dict(outcomes)}")
    return [
        Row(
            name="proportional memory after 1,000 presentations over MQTT",
            unit="MiB",
            ours=round(pss, 1),
            against=None,
            ratio=None,
            bar=70,
            sense="at_most",
            n=outcomes["pass"],
            holds=pss <= 70,
        )
    ]


def _wait_for_one(process: subprocess.Popen[str]) -> str:
    """The outcome of the next presentation."""
    assert process.stderr is not None
    for line in process.stderr:
        if '"message": "presentation"' in line:
            return str(json.loads(line)["outcome"])
    raise SystemExit("the station ended")


def _pss(pid: int) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
