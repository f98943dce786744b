"""``station status``: how the running station says it is."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path

import msgspec

from core.health import Health
from station.commands import configuration
from station.commands.figures import laid_out
from station.plain import harmless

EXAMPLES = """\
  station status            how the running station is
  station status --json     its own words, as JSON
exit: 0 running, 69 not running (its last words are shown all the same)."""

RUN = Path("/run/tram-quet")
"""The folder that systemd gives the service."""

STALE = 60.0
"""Seconds after which a status that nobody renewed is no sign of life."""


class _Snapshot(msgspec.Struct):
    """What of ``station.health.HeldSnapshot`` is needed here; that module costs as much as a service."""

    as_of: datetime


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    configuration.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print the status file's JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when the service runs, 69 when not."""
    from station.presence import at_work

    settings = configuration.settings_from(arguments)
    said, age = last_words((RUN / "status.json", settings.data / "status.json"), settings.station.name)
    if said:
        print(json.dumps(said, ensure_ascii=False) if arguments.json else "\n".join(page(said)))
    working = at_work(settings.journal_path)
    if working or (working is None and age < STALE):
        return os.EX_OK
    told = f"; above are its last words, {_age(age)} old" if said else ""
    cure = "start it with: sudo systemctl start station"
    if working is None:
        cure += "; if it runs, ask as root"
    print(f"station: no service is at work with {settings.data}{told}; {cure}", file=sys.stderr)
    return os.EX_UNAVAILABLE


def last_words(paths: Iterable[Path], station: str) -> tuple[dict[str, object], float]:
    """The newest status that ``station`` wrote into one of the files, and its age in seconds (none: infinite)."""
    newest: tuple[dict[str, object], float] = {}, float("inf")
    for path in paths:
        try:
            said, age = json.loads(path.read_text("utf-8")), time.time() - path.stat().st_mtime
        except (OSError, ValueError):
            continue
        if isinstance(said, dict) and said.get("station") == station and age < newest[1]:
            newest = said, age
    return newest


def page(said: dict[str, object]) -> Iterator[str]:
    """A status laid out; one of another version of this program, whose figures are none of ours, as it is."""
    also = ["another board goes by this station's name"] if said.get("named_twice") else []
    if aside := said.get("journal_set_aside"):
        also.append(f"a damaged journal was set aside; station journal export --sealed --file {aside}, then hub import")
    if trouble := said.get("snapshot_problem"):
        also.append(f"the snapshot of standings: {trouble}; a whole one is fetched when the hub can be reached")
    aged = _snapshots_age(said.get("snapshot"))
    try:
        ordered = {key: said[key] for key in ("orders", "ordered") if said.get(key)}
        if believed := said.get("believed_keys"):
            ordered["believes keys"] = " ".join(map(str, believed)) if isinstance(believed, list) else believed
        return chain(laid_out(msgspec.convert(said.get("figures"), Health), also, aged), lines(ordered))
    except msgspec.ValidationError:
        return lines(said)


def _snapshots_age(said: object) -> str:
    """How old the snapshot is now, whenever these words were written."""
    try:
        held = msgspec.convert(said, _Snapshot)
    except msgspec.ValidationError:
        return ""
    return f"{_age(max(0.0, time.time() - held.as_of.timestamp()))} old"


def lines(known: object, before: str = "") -> Iterator[str]:
    """A status as aligned lines, what lies deeper under dotted names."""
    if isinstance(known, dict):
        for key, value in known.items():
            yield from lines(value, f"{before}.{key}" if before else str(key))
    elif isinstance(known, list) and all(isinstance(one, dict) and "name" in one for one in known):
        for one in known:
            yield from lines(one.get("problem") or "well", f"{before}.{one['name']}")
    else:
        yield f"{harmless(before):<28}{harmless(_words(known))}"


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None or value == "" else str(value)


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} d"
