"""``station decode``: the codes in picture files, read as a gate reads a frame, from every rung of the ladder."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from core.model import Symbology
from drivers.errors import DeviceError
from station.plain import harmless

if TYPE_CHECKING:
    from station.reading.decoders import Read
    from station.reading.ladder import Ladder

EXAMPLES = """\
  station decode photo.jpg                 the codes in a picture, one a line
  station decode --json *.png              one JSON object a picture: path, codes (text, hex, symbology), ms
  station decode --formats qr,aztec,data-matrix ticket.png
exit: 0 also when nothing was found, 66 when a path is missing (the others are read all the same).
Codes are personal data: mind who sees the screen, and where the output goes."""

MOST_PIXELS = 80_000_000
"""A picture with more is refused before it is unpacked; the largest photographs of phones have two thirds of it."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one picture held; ``missing`` when there is no such file to read."""

    path: str
    reads: tuple[Read, ...] = field(default=(), repr=False)
    ms: float = 0.0
    error: str = ""
    missing: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    kinds = [one.value for one in Symbology if one is not Symbology.KEYS]
    parser.add_argument("--json", action="store_true", help="one JSON object a picture")
    parser.add_argument(
        "--formats", type=_formats, default=(Symbology.QR,), metavar="LIST", help=f"of {', '.join(kinds)} (qr)"
    )
    parser.add_argument(
        "--engines", type=_engines, default=("zxing", "zbar"), metavar="LIST", help="of zxing, zbar (both)"
    )
    parser.add_argument("paths", nargs="+", metavar="PATH", help="a picture: JPEG, PNG, WebP, BMP, GIF or PNM")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when every path could be opened, 66 otherwise."""
    from station.reading.ladder import Ladder

    ladder = Ladder(arguments.engines, arguments.formats)
    missing = False
    for path in arguments.paths:
        result = read(Path(path), ladder)
        missing |= result.missing
        if result.error:
            print(f"station decode: {harmless(path)}: {result.error}", file=sys.stderr)
        for line in [as_json(result)] if arguments.json else as_lines(result):
            print(line, flush=True)
    return os.EX_NOINPUT if missing else os.EX_OK


def read(path: Path, ladder: Ladder) -> Result:
    """Read one picture file; whatever is wrong with it is in the result."""
    from drivers.pictures import LARGEST_FILE, read_luma
    from station.reading.plane import Plane

    try:
        if not path.is_file():
            return Result(str(path), error="there is no such file; correct the path", missing=True)
        if path.stat().st_size > LARGEST_FILE:
            return Result(str(path), error="is too large for a picture; make it smaller")
        pixels, width, height = read_luma(path.read_bytes(), MOST_PIXELS, path.name)
    except DeviceError as error:
        return Result(str(path), error=f"{error.problem}; {error.cure}")
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or str(error)
        return Result(str(path), error=f"cannot be read ({problem}); make it readable", missing=True)
    begun = time.perf_counter()
    reads = ladder.climb(Plane(memoryview(pixels), width, height, width))
    return Result(str(path), reads, (time.perf_counter() - begun) * 1000)


def as_json(result: Result) -> str:
    """The line of ``--json``; pure ASCII, so that no terminal can be tricked by it."""
    codes = [{"text": one.text, "hex": one.data.hex(), "symbology": one.symbology.value} for one in result.reads]
    line: dict[str, object] = {"path": result.path, "codes": codes, "ms": round(result.ms, 3)}
    if result.error:
        line["error"] = result.error
    return json.dumps(line)


def as_lines(result: Result) -> Iterator[str]:
    """The lines for people; errors are on standard error."""
    path = harmless(result.path)
    for one in result.reads:
        told = harmless(one.text) if one.text is not None else f"not text: {one.data.hex()}"
        yield f"{path}: {one.symbology}: {told}"
    if not result.reads and not result.error:
        yield f"{path}: nothing found"


def _formats(text: str) -> tuple[Symbology, ...]:
    try:
        found = tuple(Symbology(word.strip()) for word in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if Symbology.KEYS in found:
        raise argparse.ArgumentTypeError('"keys" is what scanners send, no picture holds it')
    return found


def _engines(text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if not words or not set(words) <= {"zxing", "zbar"}:
        raise argparse.ArgumentTypeError(f'"{text}" is no list of zxing, zbar')
    return words
