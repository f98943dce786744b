"""``station check-config``: every fault of a configuration at once, and what it says that is hardly meant."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

EXAMPLES = """\
  station check-config                         the packaged configuration
  station check-config --config gate.toml      another file
  station check-config --config gate.toml --elsewhere
                                               a file for another board: the secrets and
                                               certificates it names are not looked for here"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    from station.config import DEFAULT_PATH

    parser.add_argument("--config", type=Path, metavar="FILE", help=f"the configuration (else {DEFAULT_PATH})")
    parser.add_argument("--elsewhere", action="store_true", help="the file is for another board")
    parser.set_defaults(data=None)


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when a station can start with it, 78 when not, also when there is no such file."""
    from station import config

    path = arguments.config or config.DEFAULT_PATH
    settings = config.load(path, here=not arguments.elsewhere)
    for remark in config.remarks(settings):
        print(f"{path}: {remark}", file=sys.stderr)
    print(f"{path}: good: {settings.station.name}, a {settings.station.kind} gate, {settings.station.direction}")
    return os.EX_OK
