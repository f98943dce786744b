"""``station doctor``: everything tried, one line each, with the cure for what is not well."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from station.commands import configuration
from station.plain import harmless

if TYPE_CHECKING:
    from station.doctor import Finding

EXAMPLES = """\
  sudo systemctl stop station && station doctor
                                       try camera, scanners, lamp, buzzer, display, buttons, pins,
                                       clock, disk, broker and hub (the relay is not switched)
  station doctor                       while the service runs: all but the devices it holds
  station doctor --json                the same as JSON, for a script
exit: 0 when nothing failed (warnings included), 1 when something did, 78 wrong configuration.
No secret is ever printed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    configuration.add_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when nothing failed, 1 when something did."""
    from station.doctor import examine

    settings = configuration.settings_from(arguments)
    found = []
    for finding in examine(settings):
        found.append(finding)
        if not arguments.json:
            print(line(finding), flush=True)
    failed = sum(finding.state == "fail" for finding in found)
    if arguments.json:
        print(
            json.dumps({"findings": [dataclasses.asdict(one) for one in found], "failed": failed}, ensure_ascii=False)
        )
    else:
        print(summary(found))
    return 1 if failed else os.EX_OK


def line(finding: Finding) -> str:
    """A finding as one or two aligned lines."""
    told = f"{finding.state:<4}  {harmless(finding.what):<28}  {harmless(finding.says)}"
    return f"{told}\n{'':<36}-> {harmless(finding.cure)}" if finding.cure else told


def summary(found: Iterable[Finding]) -> str:
    """How many of each."""
    states = [finding.state for finding in found]
    return f"{states.count('ok')} ok, {states.count('warn')} warn, {states.count('fail')} fail"
