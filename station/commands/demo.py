"""``station demo``: a hub, a broker and one simulated station here, to be tried in a browser or by a scripted crowd."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from core.model import Direction, GateKind

if TYPE_CHECKING:
    from station.front.demo.stage import Wishes

EXAMPLES = """\
  station demo                       open the address it prints; Ctrl-C ends everything
  station demo --gate health-post --direction out
                                     at another kind of gate, with other rules
  station demo --http --port 8080    over HTTP instead of MQTT, the page on a port of your choice
  station demo --fleet 200           200 invented stations more, and the address of the hub's wall to watch them on
  station demo --once                no browser: a scripted crowd, one JSON object a presentation
  station demo --once --keep proof   also keep what was presented, recorded and held
  station demo --compare proof       hold what was kept against each other once more
Everything is invented, nothing leaves this machine, and nothing is left behind.
exit codes: 0 ended or all as expected, 1 an outcome or a row is not as expected, 66 no such file,
            69 a port, the broker or the hub is not to be had, 130 ended before it was up"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--once", action="store_true", help="play the scripted crowd, check every outcome, and end")
    fleet = "also run so many invented stations (1 to 5000), with visitors and faults, and open the hub's wall"
    how.add_argument("--fleet", type=_fleet, default=0, metavar="N", help=fleet)
    parser.add_argument("--http", action="store_true", help="look up and check in over HTTP instead of MQTT")
    parser.add_argument("--port", type=_port, default=0, metavar="N", help="the page's port (a free one)")
    parser.add_argument(
        "--gate", type=GateKind, choices=list(GateKind), default=GateKind.VENUE, help="what kind of gate it is (venue)"
    )
    parser.add_argument(
        "--direction", type=Direction, choices=list(Direction), default=Direction.IN, help="which way it leads (in)"
    )
    parser.add_argument("--expect", type=Path, metavar="FILE", help="with --once: another script of expectations")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="with --once: keep what it was judged by")
    parser.add_argument("--compare", type=Path, metavar="FOLDER", help="only judge what --keep kept")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0, or 1 when something is not as expected; errors say which part is not to be had."""
    if arguments.compare is not None:
        from station.front.demo import reckoning

        return reckoning.compare(arguments.compare)
    from station.front.demo.stage import Wishes
    from station.service import set_beside, stopped_by_signals

    wishes = Wishes(
        gate=arguments.gate,
        direction=arguments.direction,
        transport="http" if arguments.http else "mqtt",
        port=arguments.port,
        fleet=arguments.fleet,
    )
    stop = threading.Event()
    signal.signal(signal.SIGHUP, set_beside(stop))  # the terminal was closed
    with stopped_by_signals(stop):
        if not arguments.once:
            return _show(wishes, stop)
        from station.front.demo import once

        return once.play(wishes, stop, script=arguments.expect, keep=arguments.keep)


def _show(wishes: Wishes, stop: threading.Event) -> int:
    from station.front.demo.stage import staged, wait_for_end

    with staged(wishes, stop) as stage:
        print(stage.url, flush=True)
        if stage.wall is not None:
            print(stage.wall.url, flush=True)
            sign_in = f"sign in as {stage.wall.account} with the password {stage.wall.password}"
            print(f"demo: the second address is the wall of the fleet; {sign_in}", file=sys.stderr)
        which = "this address" if stage.wall is None else "the first address"
        print(f"demo: open {which} in a browser; Ctrl-C ends everything", file=sys.stderr)
        wait_for_end(stage, stop)
        print("demo: ending", file=sys.stderr)
    return os.EX_OK


def _fleet(text: str) -> int:
    stations = int(text)
    if not 1 <= stations <= 5_000:
        raise argparse.ArgumentTypeError("1 to 5000 stations")
    return stations


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65_535:
        raise argparse.ArgumentTypeError("a port is 0 to 65535")
    return port
