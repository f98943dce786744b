"""Writes a week's rows of a station that is offline, by a simulated clock: ``offline_week.py CONFIG ROWS``.

A process of its own, so that its memory can be looked at: prints the resident kilobytes at each tenth as JSON.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core import wire
from core.model import CodeKind, Direction, GateKind, Outcome, Reason, Scheme, Source, Subject
from station import config
from station.journal.record import Entry, Journal

WEEK = timedelta(days=7)
NOBODY = wire.RowGroup()


def resident() -> int:
    """Kilobytes of this process in memory (proc(5), VmRSS)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def entry(at: datetime, person: int, begun: datetime) -> Entry:
    """What a gate that can ask nobody writes of one person."""
    subject = Subject(Scheme.CITIZEN, f"046{person:09}")
    return Entry(
        "checkin",
        at,
        wire.RowClock("rtc", "a-week", (at - begun).total_seconds(), 2.0),
        GateKind.VENUE,
        "cho-dong-ba",
        Direction.IN,
        source=Source.CAMERA,
        code_kind=CodeKind.CCCD,
        outcome=Outcome.UNVERIFIED,
        reasons=(Reason.HUB_UNREACHABLE,),
        groups=(NOBODY, NOBODY, NOBODY),
        policy_version=1,
        who=wire.Who(subject.scheme, subject.value),
        seen=subject,
    )


def main(path: str, count: int) -> None:
    settings = config.load(Path(path), environ={})
    key, name = settings.hub.sealing_key, settings.station.name
    begun = datetime.now(UTC) - WEEK
    memory: list[int] = []
    with Journal(settings.journal_path, name, key, max_bytes=settings.journal.max_bytes) as journal:
        for row in range(count):
            journal.append(entry(begun + WEEK * (row / count), row, begun))
            if (row + 1) % max(1, count // 10) == 0:
                memory.append(resident())
                print(f"{row + 1} rows, {memory[-1]} KiB", file=sys.stderr, flush=True)
    print(json.dumps(memory))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
