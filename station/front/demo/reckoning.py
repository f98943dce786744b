"""The reckoning: was every outcome as written down, and does the hub hold each row of the journal exactly once?

Judging is arithmetic on what was kept: presentations, the station's journal and the hub's export, one JSON object a
line each.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from station.errors import StationError

PRESENTATIONS: Final = "presentations.jsonl"
JOURNAL: Final = "journal.jsonl"
HELD: Final = "hub.jsonl"

_SAME: Final = ("type", "at", "source", "code_kind", "outcome", "reasons", "about", "decision", "cause")
_TOLD_AT_MOST: Final = 20

Object = Mapping[str, Any]


class NothingKept(StationError):
    """What ``--keep`` keeps is not there, or is not what it keeps."""

    exit_code = 66


def surprises(presentations: Iterable[Object]) -> list[str]:
    """Presentations that did not end as written down, each in a sentence."""
    found = []
    for number, one in enumerate(presentations, 1):
        said, wanted = _ending(one["outcome"], one["reasons"]), _ending(one["expected"], one["expected_reasons"])
        if said != wanted:
            found.append(f"presentation {number} ({one['who']}, {one['source']}): {said}, expected {wanted}")
    return found


def differences(journal: Sequence[Object], held: Sequence[Object]) -> list[str]:
    """What the hub's rows and the journal's differ in, each in a sentence; nothing when each row is there once."""
    ours, theirs = Counter(map(_place, journal)), Counter(map(_place, held))
    found = [f"row {seq} of epoch {epoch}: {count} times in the journal" for (epoch, seq), count in _doubled(ours)]
    found += [f"row {seq} of epoch {epoch}: {count} times at the hub" for (epoch, seq), count in _doubled(theirs)]
    found += [f"row {seq} of epoch {epoch}: lost on the way to the hub" for epoch, seq in sorted(ours.keys() - theirs)]
    found += [f"row {seq} of epoch {epoch}: at the hub only" for epoch, seq in sorted(theirs.keys() - ours)]
    found += _gaps(ours)
    twin = {_place(row): row for row in held}
    for row in journal:
        other = twin.get(_place(row))
        unlike = [name for name in _SAME if other is not None and row.get(name) != other.get(name)]
        if unlike:
            found.append(f"row {row['seq']}: the hub holds another {', '.join(unlike)}")
    return found if journal else [*found, "the journal holds no row at all"]


def unmatched(presentations: Sequence[Object], journal: Sequence[Object]) -> list[str]:
    """Presentations that say they were recorded, and rows that nobody presented."""
    said = Counter(one["seq"] for one in presentations if one.get("seq"))
    kept = Counter(row["seq"] for row in journal if row["type"] == "checkin")
    found = [f"row {seq}: presented, and not in the journal" for seq in sorted(said.keys() - kept)]
    return found + [f"row {seq}: in the journal, and never presented" for seq in sorted(kept.keys() - said)]


def judge(presentations: Sequence[Object], journal: Sequence[Object], held: Sequence[Object]) -> list[str]:
    """Everything that is not as it must be."""
    return [*surprises(presentations), *differences(journal, held), *unmatched(presentations, journal)]


def compare(folder: Path) -> int:
    """``station demo --compare``: judge what was kept once more."""
    presentations, journal, held = (_read(folder / name) for name in (PRESENTATIONS, JOURNAL, HELD))
    return conclude(presentations, journal, held)


def conclude(presentations: Sequence[Object], journal: Sequence[Object], held: Sequence[Object], **more: object) -> int:
    """Print the summary, and what is wrong to standard error; 0, or 1 when anything is."""
    problems = judge(presentations, journal, held)
    times = sorted(one["ms"] for one in presentations if one["ms"] is not None)
    summary = {
        "presentations": len(presentations),
        "unexpected": len(surprises(presentations)),
        "outcomes": dict(Counter(one["outcome"] for one in presentations)),
        "sources": sorted({str(one["source"]) for one in presentations}),
        "code_kinds": sorted({str(one["code_kind"]) for one in presentations}),
        "rows": len(journal),
        "held": len(held),
        "ms": {"median": times[len(times) // 2], "p95": times[int(len(times) * 0.95)]} if times else {},
        "problems": len(problems),
        **more,
    }
    for problem in problems[:_TOLD_AT_MOST]:
        sys.stderr.write(f"demo: {problem}\n")
    if len(problems) > _TOLD_AT_MOST:
        sys.stderr.write(f"demo: and {len(problems) - _TOLD_AT_MOST} more\n")
    sys.stdout.write(f"{json.dumps({'summary': summary}, ensure_ascii=False)}\n")
    return 1 if problems else os.EX_OK


def _place(row: Object) -> tuple[str, int]:
    return row["epoch"], row["seq"]


def _ending(outcome: str | None, reasons: Sequence[str]) -> str:
    return f"{outcome or 'nothing'} ({', '.join(reasons)})" if reasons else outcome or "nothing"


def _doubled(counted: Counter[tuple[str, int]]) -> list[tuple[tuple[str, int], int]]:
    return sorted((place, count) for place, count in counted.items() if count > 1)


def _gaps(counted: Iterable[tuple[str, int]]) -> list[str]:
    epochs: dict[str, list[int]] = {}
    for epoch, seq in counted:
        epochs.setdefault(epoch, []).append(seq)
    return [
        f"epoch {epoch}: rows {sorted(set(range(1, max(seqs) + 1)) - set(seqs))} are missing from the journal"
        for epoch, seqs in epochs.items()
        if len(set(seqs)) != max(seqs)
    ]


def _read(path: Path) -> list[Object]:
    try:
        return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    except OSError as error:
        raise NothingKept(f"{path}: {error.strerror}; `station demo --once --keep FOLDER` writes it") from error
    except ValueError as error:
        raise NothingKept(f"{path}: not one JSON object a line: {error}") from error
