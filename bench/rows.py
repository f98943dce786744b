"""Rows of ``build/bench.json``: one a bar, ours beside the baseline measured with it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

BENCH = Path(__file__).resolve().parent.parent / "build" / "bench.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured bar: ``ratio`` is ours to the baseline's, None when ``ours`` itself stands against ``bar``."""

    name: str
    unit: str
    ours: float
    against: float | None
    ratio: float | None
    bar: float
    sense: Literal["at_least", "at_most"]
    n: int
    holds: bool


class NotMeasured(Exception):
    """Something could not be measured for want of ``what``; ``rows`` are the others."""

    def __init__(self, rows: Iterable[Row], what: str) -> None:
        super().__init__(what)
        self.rows = tuple(rows)


def write(bench: str, rows: Iterable[Row], path: Path = BENCH) -> None:
    """Put a bench's rows into the file in place of all that it has written before; those of other benches stay."""
    kept = json.loads(path.read_text()) if path.exists() else []
    held = {row["name"]: row for row in kept if row.get("bench", bench) != bench}
    held |= {row.name: asdict(row) | {"bench": bench} for row in rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(list(held.values()), indent=1, ensure_ascii=False) + "\n")
    os.replace(new, path)
