"""``station tail``: the last presentations as recorded; kinds, outcomes and tags, never identities."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from station.commands import configuration
from station.errors import JournalError
from station.plain import harmless

if TYPE_CHECKING:
    from core.wire import Row
    from station.journal.reading import JournalReader

EXAMPLES = """\
  station tail                 the last 20 rows of the journal
  station tail -n 100 --json   the last 100, one JSON object a line
  station tail --follow        the last 20, then each new one until Ctrl-C
Rows name nobody: identities are sealed to the hub, and this station cannot open them.  A tag is
the same for one code all day, and means nothing when the day is over."""

LOOKS_EVERY = 0.5
"""Seconds between two looks at the journal while following."""

HIDDEN = frozenset(("sealed", "previous", "clock"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    configuration.add_options(parser)
    parser.add_argument("-n", "--lines", type=_count, default=20, metavar="N", help="how many rows (20)")
    parser.add_argument("-f", "--follow", action="store_true", help="go on with each new row until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0; 74 when there is no journal to read."""
    from station.journal.reading import JournalReader

    settings = configuration.settings_from(arguments)
    zone = settings.station.zone
    try:
        for row in rows(JournalReader(settings.journal_path), arguments.lines, follow=arguments.follow):
            print(as_json(row) if arguments.json else as_line(row, zone), flush=arguments.follow)
    except KeyboardInterrupt:
        return os.EX_OK
    return os.EX_OK


def rows(journal: JournalReader, count: int, *, follow: bool) -> Iterator[Row]:
    """The last ``count`` rows, and with ``follow`` every new one, waiting for a journal that is not there yet."""
    last = ("", 0)
    try:
        newest = journal.latest(max(count, 1))
        yield from newest[len(newest) - count :] if count else ()
        last = (newest[-1].epoch, newest[-1].seq) if newest else last
    except JournalError:
        if not follow:
            raise
    while follow:
        try:
            new = journal.after(*last)
        except JournalError:
            new = []
        yield from new
        last = (new[-1].epoch, new[-1].seq) if new else last
        if not new:
            time.sleep(LOOKS_EVERY)


def as_json(row: Row) -> str:
    """A row as one line of JSON, without the seal and the chain."""
    import msgspec

    shown = {key: value for key, value in msgspec.to_builtins(row).items() if key not in HIDDEN}
    return json.dumps(shown, ensure_ascii=False)


def as_line(row: Row, zone: ZoneInfo) -> str:
    """A row as one aligned line in local time."""
    parts = [
        f"{row.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
        f"#{row.seq:<6}",
        f"{_told(row):<10}",
        f"{row.direction:<3}",
        f"{row.source or '-':<6}",
        f"{row.code_kind or '-':<14}",
        f"{row.tag[:8] or '-':<8}",
        ", ".join(row.reasons),
    ]
    return harmless("  ".join(parts).rstrip())


def _told(row: Row) -> str:
    told = row.outcome or row.decision or row.cause or row.type
    return f"{told} (#{row.about})" if row.about else told


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f'"{text}" is no number of rows')
    return int(text)
