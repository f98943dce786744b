"""``python -m bench [NAME…]``: measures every speed claim beside its peer and writes ``build/bench.json``.

Exit 0 when everything was measured, whether or not it holds; the table says what does.  Exit 66 when something could
not be measured for want of its input, which is named; no row of an earlier run stands in for it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import (
    building,
    drain,
    fleet_memory,
    gate,
    health,
    hub_memory,
    intake,
    journal,
    lookups,
    memory,
    offline,
    reading,
    start,
    wall,
)
from bench.rows import NotMeasured, Row, write

BUILD = Path(__file__).resolve().parent.parent / "build"
BENCHES = {
    "reading": reading,
    "gate": gate,
    "start": start,
    "memory": memory,
    "journal": journal,
    "offline": offline,
    "building": building,
    "drain": drain,
    "health": health,
    "fleet-memory": fleet_memory,
    "lookups": lookups,
    "intake": intake,
    "hub-memory": hub_memory,
    "wall": wall,
}


def main() -> int:
    """Measures what is named, or all."""
    names = sys.argv[1:] or list(BENCHES)
    if unknown := [name for name in names if name not in BENCHES]:
        print(f"bench: no {', '.join(unknown)}; there are {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    code = os.EX_OK
    for name in names:
        print(f"{name}:", file=sys.stderr)
        rows: Sequence[Row]
        try:
            rows = BENCHES[name].measure(BUILD / "bench" / name, lambda said: print(f"  {said}", file=sys.stderr))
        except NotMeasured as error:
            print(f"bench: {name}: NOT MEASURED: {error}", file=sys.stderr)
            rows, code = error.rows, os.EX_NOINPUT
        write(name, rows)
        for row in rows:
            mark = "holds" if row.holds else "MISSES"
            print(f"{mark:7} {row.name}: {row.ours} {row.unit}, ratio {row.ratio}, bar {row.bar} ({row.sense})")
    return code


if __name__ == "__main__":
    sys.exit(main())
