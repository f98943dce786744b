"""``station journal``: the rows of this card handed out byte for byte, their chain proven, dead letters listed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from station.commands import configuration
from station.plain import harmless
from station.settings import JOURNAL

if TYPE_CHECKING:
    from station.journal.reading import Proof

_VERIFYING = """\
  station journal verify               walk the chain of every journal on this card
  station journal verify --json        one JSON object a line
"""
_EXPORTING = """\
  station journal export > rows.jsonl  every row on this card, byte for byte, one a line
  station journal export --sealed --to /media/stick/rows.jsonl
                                       carried by hand; on the other side: hub import rows.jsonl
  station journal export --to rows.jsonl --data /media/card/var/lib/tram-quet
                                       from the card of another board, also mounted read-only
  station journal export --sealed --file journal.db.damaged-20261128T081500-412 --to rows.jsonl
                                       from a damaged journal that was set aside: all that can be read
where rows are missing that this card has let go or cannot read, a line of the file says so
export exits 0, 65 when the file is damaged and rows may be missing.
"""
_REFUSED = """\
  station journal refused              rows that the hub would not take, each with its cause
  station journal refused --json       the same, one JSON object a line
"""
_PROVEN = "verify exits 0 when every row follows the one before it, 1 when a chain is broken."
_SEALED = "Rows are sealed: who was there can only be read at the hub."
EXAMPLES = f"{_VERIFYING}{_EXPORTING}{_REFUSED}{_PROVEN}\n{_SEALED}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    words = parser.add_subparsers(metavar="export|verify|refused", required=True)
    raw = argparse.RawDescriptionHelpFormatter
    export = words.add_parser(
        "export",
        help="hand out every row on this card, one JSON object a line",
        epilog=f"examples:\n{_EXPORTING}{_SEALED}",
        formatter_class=raw,
    )
    configuration.add_options(export)
    export.add_argument("--sealed", action="store_true", help="as the rows are: the only way there is, to be plain")
    export.add_argument("--to", type=Path, metavar="FILE", help="write a new file that only you can read")
    export.set_defaults(action=_export)
    verify = words.add_parser(
        "verify",
        help="prove that no row was changed, removed or inserted",
        epilog=f"examples:\n{_VERIFYING}{_PROVEN}",
        formatter_class=raw,
    )
    configuration.add_options(verify)
    verify.add_argument("--json", action="store_true", help="one JSON object a line")
    verify.set_defaults(action=_verify)
    refused = words.add_parser(
        "refused",
        help="list the dead letters: rows that the hub would not take, and why",
        epilog=f"examples:\n{_REFUSED}",
        formatter_class=raw,
    )
    configuration.add_options(refused)
    refused.add_argument("--json", action="store_true", help="one JSON object a line")
    refused.set_defaults(action=_refused)
    for each in (export, verify, refused):
        each.add_argument("--file", type=Path, metavar="FILE", help="one journal file, instead of the data folder's")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0; 1 for a broken chain; 65 when not all could be read; 74 when there is no journal to read."""
    action: int = arguments.action(arguments)
    return action


def _export(arguments: argparse.Namespace) -> int:
    from station.journal.reading import JournalReader

    path = _journal(arguments)
    reader, count = JournalReader(path), 0
    with _opened(arguments.to) as out:
        for count, row in enumerate(reader.export(), 1):  # noqa: B007  # the last number is told
            out.write(row + b"\n")
        out.flush()
    print(f"{count - len(reader.gone)} rows", file=sys.stderr)
    for gone in reader.gone:
        print(f"station: {path}: {gone}; the file says so, and the hub waits for none", file=sys.stderr)
    for damage in reader.damage:
        print(f"station: {path}: {damage}; the hub names what is missing", file=sys.stderr)
    return os.EX_DATAERR if reader.damage else os.EX_OK


def _journal(arguments: argparse.Namespace) -> Path:
    """The file that is meant; another board's card is read without any configuration of this one's."""
    if arguments.file is not None:
        return Path(arguments.file)
    if arguments.data is not None:
        return Path(arguments.data, JOURNAL)
    return configuration.settings_from(arguments).journal_path


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes]]:
    if path is None:
        yield sys.stdout.buffer
        return
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _verify(arguments: argparse.Namespace) -> int:
    from station.journal.reading import JournalReader

    proofs = JournalReader(_journal(arguments)).prove()
    for proof in proofs:
        print(msgspec.json.encode(proof).decode() if arguments.json else as_line(proof))
    return 1 if any(proof.broken is not None for proof in proofs) else os.EX_OK


def _refused(arguments: argparse.Namespace) -> int:
    from station.journal.reading import JournalReader

    letters = JournalReader(_journal(arguments)).refused()
    for each in letters:
        line = f"{each.epoch}/{each.seq}  {harmless(each.cause)}"
        print(msgspec.json.encode(each).decode() if arguments.json else line)
    if not letters and not arguments.json:
        print("no row was refused")
    return os.EX_OK


def as_line(proof: Proof) -> str:
    """One chain for people."""
    name = f"{proof.station} epoch {proof.epoch}{'' if proof.current else ' (older)'}"
    if proof.broken is not None:
        return f"BROKEN  {name}: at row {proof.broken.seq}: {proof.broken.problem}"
    rows = f"rows {proof.first} to {proof.last}" if proof.count else "no rows on this card"
    return f"good    {name}: {rows}, the hub holds through {proof.held}"
