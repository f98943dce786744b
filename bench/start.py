"""From the start of the process to READY, beside a bare interpreter that imports the same libraries."""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.rows import Row

RUNS = 15
OURS = ("core", "drivers", "station", "provisioning", "hub", "bench", "_tram_quet", "__main__", "__mp_main__")
CONFIG = """
[station]
name = "bench-start"
place = "cho-dong-ba"
data = "{data}"
[camera]
driver = "sim"
[led]
driver = "sim"
[buzzer]
driver = "sim"
[display]
driver = "sim"
[hub]
url = "http://127.0.0.1:9"
lookups = "mqtt"
checkins = "mqtt"
token = "t"
sealing_key = "{key}"
policy_key = "{key}"
[mqtt]
host = "127.0.0.1"
port = 9
"""
MODULES = """
import sys, threading
from pathlib import Path
from station import app, config
from station.service import Service
settings = config.load(Path(sys.argv[1]))
Service.run = lambda self: 0
app.run(settings)
print("\\n".join(name for name, module in sys.modules.items() if getattr(module, "__spec__", None)))
"""


def measure(folder: Path, told: Callable[[str], None]) -> list[Row]:
    """One row: medians of alternating starts."""
    folder.mkdir(parents=True, exist_ok=True)
    told(f"{RUNS} starts beside {RUNS} bare imports")
    # A board runs what its installation has compiled, and so do both sides here, whatever this shell says of bytecode.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    path = folder / "config.toml"
    path.write_text(CONFIG.format(data=folder / "data", key="BQUF" * 10 + "BQU="))
    _ready(path)  # the first start ever makes the journal, with libraries that later starts do without
    importing = folder / "importing.py"
    importing.write_text("".join(f"import {name}\n" for name in _libraries(path)))
    _bare(importing)
    pairs = [(_ready(path), _bare(importing)) for _ in range(RUNS)]
    ours, bare = (statistics.median(one) * 1000 for one in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    told(f"  ours {ours:.0f} ms, bare {bare:.0f} ms, ratio {ratio:.2f}")
    return [
        Row(
            name="process start to READY",
            unit="ms",
            ours=round(ours, 1),
            against=round(bare, 1),
            ratio=round(ratio, 3),
            bar=1.5,
            sense="at_most",
            n=RUNS,
            holds=ratio <= 1.5,
        )
    ]


def _libraries(path: Path) -> list[str]:
    """Every module that a station with this configuration has loaded at READY and that is not ours."""
    said = subprocess.run([sys.executable, "-c", MODULES, path], capture_output=True, text=True, check=True)
    names = [name for name in said.stdout.split() if name.split(".")[0] not in OURS]
    return [name for name in names if all(part.isidentifier() for part in name.split("."))]


def _ready(path: Path) -> float:
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(f"{folder}/notify")
        line.settimeout(60)
        begun = time.perf_counter()
        command = [Path(sys.executable).with_name("station"), "run", "--config", path]
        with subprocess.Popen(
            command, env={**os.environ, "NOTIFY_SOCKET": f"{folder}/notify"}, stderr=subprocess.DEVNULL
        ) as process:
            while b"READY=1" not in line.recv(1000):
                pass
            took = time.perf_counter() - begun
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    return took


def _bare(importing: Path) -> float:
    begun = time.perf_counter()
    subprocess.run([sys.executable, importing], check=True)
    return time.perf_counter() - begun
