"""What may be typed after ``hub simulate``."""

from __future__ import annotations

import argparse
from pathlib import Path

from hub.order_arguments import Adding, Groups, seconds

_ABOUT = (
    "Run an invented fleet on real lines: stations with visitors, rows, health, clocks and faults, registered with "
    "this hub's data. The same seed gives the same fleet. Only for trying: its people and places stay."
)
_EXAMPLE = (
    "hub simulate --stations 200 --hub ready.json --for 10m\n"
    "  hub simulate --stations 2000 --crowd pattern.toml --mqtt 127.0.0.1:1883 --speed 60 --json"
)
_PATTERN = (
    "who comes when and what goes wrong; hub/simulation/pattern.example.toml is the default and explains every key"
)
_TOKENS = "keep the stations' tokens there, or take them from there and leave the hub's data alone; keep it secret"


def add_simulation(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    """The word and everything after it."""
    run = add(groups, "simulate", "simulate", _ABOUT, _EXAMPLE)
    run.add_argument("--stations", type=_stations, required=True, metavar="N", help="1 to 9999")
    run.add_argument("--crowd", type=Path, metavar="PATTERN.toml", help=_PATTERN)
    run.add_argument("--seed", type=int, default=7, metavar="N", help="another number is another fleet (7)")
    run.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="how much faster the day goes (1)")
    run.add_argument("--for", dest="span", type=seconds, metavar="TIME", help="such as 90s or 1h; else until stopped")
    run.add_argument("--prefix", type=_prefix, default="sim", metavar="NAME", help="what stations' names begin with")
    where = run.add_mutually_exclusive_group()
    where.add_argument("--mqtt", metavar="HOST:PORT", help="the broker; without it the settings'")
    where.add_argument("--hub", type=Path, metavar="FILE", help="the broker, from what `hub serve --ready FILE` wrote")
    run.add_argument("--tokens", type=Path, metavar="FILE", help=_TOKENS)
    run.add_argument("--ready", type=Path, metavar="FILE", help="write names and faults there when all are connected")
    run.add_argument("--plan", action="store_true", help="only print, as JSON, who stands where and what goes wrong")


def _stations(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 10_000:
        raise argparse.ArgumentTypeError("1 to 9999 stations")
    return int(text)


def _speed(text: str) -> float:
    speed = float(text)
    if not 0 < speed <= 3_600:
        raise argparse.ArgumentTypeError("more than 0, at most 3600")
    return speed


def _prefix(text: str) -> str:
    if not (text.isascii() and text.isalnum() and text == text.lower() and len(text) <= 40):
        raise argparse.ArgumentTypeError("lower-case letters and digits")
    return text
