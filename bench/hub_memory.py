"""The hub's memory while a million check-ins come in: flat once it is warm, however many rows it has taken.

One real hub process; rows are published as fast as it marks them as held, and it has opened and tied all of them to
people before the last look at its memory.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from bench import hubs
from bench.intake import STATIONS, Publisher, publishing, wait_until_read
from bench.journals import ROWS_A_BATCH, Journal, yesterday
from bench.rows import Row
from hub.storage.store import Store

PEOPLE = 20_000
BATCHES_AT_ONCE = 20
MEBIBYTES = 10.0


def measure(folder: Path, told: Callable[[str], None], rows: int = 1_000_000, people: int = PEOPLE) -> list[Row]:
    """One row: how much it grew after the first tenth."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    told(f"{rows:,} check-ins")
    hub = hubs.furnish(folder / "hub", "", STATIONS, people, lambda _said: None)
    journals = [Journal(station, hub.ring.sealing_public, people, yesterday()) for station in STATIONS]
    store = Store(hub.settings.database_url)
    sizes: list[float] = []
    with hubs.broker(folder) as port, hubs.serving(hub, port) as (_, pid), publishing(port) as publisher:
        for tenth in range(1, 11):
            _bring(publisher, journals, rows * tenth // 10)
            wait_until_read(store)
            sizes.append(_resident(pid))
            told(f"  {rows * tenth // 10:,} rows: {sizes[-1]:.1f} MiB")
    store.close()
    grown = max(sizes) - sizes[0]
    return [
        Row(
            name="growth of the hub's memory after the first tenth of the check-ins",
            unit="MiB",
            ours=round(grown, 1),
            against=None,
            ratio=None,
            bar=MEBIBYTES,
            sense="at_most",
            n=rows,
            holds=grown <= MEBIBYTES,
        )
    ]


def _bring(publisher: Publisher, journals: list[Journal], through: int) -> None:
    """Brings rows until all journals together have so many, a few batches at a time."""
    while sum(journal.seq for journal in journals) < through:
        left = through - sum(journal.seq for journal in journals)
        batches = [
            (journal.station, journal.batch(min(ROWS_A_BATCH, max(1, left // len(journals)))), journal.seq)
            for _ in range(max(1, min(BATCHES_AT_ONCE, left // ROWS_A_BATCH) // len(journals)))
            for journal in journals
        ]
        publisher.ours(batches)


def _resident(pid: int) -> float:
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1024
