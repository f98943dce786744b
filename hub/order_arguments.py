"""What may be typed after ``hub order`` and ``hub orders``, with help that teaches each kind."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.model import Direction

Adding = Callable[["argparse._SubParsersAction[argparse.ArgumentParser]", str, str, str, str], argparse.ArgumentParser]
Groups = argparse._SubParsersAction

_PATIENCE = timedelta(minutes=2)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"([0-9]{1,7})([smhd]?)")

_ABOUT: Mapping[str, tuple[str, str]] = {
    "identify": ("Flash, beep and show the station's name.", "identify --for 20s --wait"),
    "test-signal": ("Show every signal in turn, marked as a test; the door stays shut.", "test-signal --each 2s"),
    "restart": ("End the service, so that systemd starts it again.", "restart --wait"),
    "reboot": ("Start the whole board again, where its settings allow that.", "reboot --why 'new kernel'"),
    "logs": ("Fetch the last lines of the service's log; it names no person.", "logs --lines 200 --wait"),
    "aim": ("Switch aiming mode on, with the display saying so; --for 0 ends it.", "aim --for 5m --wait"),
    "snapshot": ("Fetch one picture of the camera, in aiming mode only.", "snapshot --wait --out gate.jpg"),
    "place": ("Stand at another place or let people through another way; neither: as configured.", "place --at ga-hue"),
    "hold-open": ("Hold the door open for so long; recorded as a row.", "hold-open --for 60s --why 'a wheelchair'"),
    "open": ("Open the door for one person; recorded as a row.", "open --wait"),
    "close": ("Close the door, unless the emergency input has opened it.", "close --wait"),
    "quiet": ("Set the hours in which the buzzer is quiet; neither: as configured.", "quiet --from 22:00 --to 05:00"),
    "resend": ("Have rows brought once more, which changes nothing twice.", "resend --first 1 --last 500"),
}


def seconds(text: str) -> timedelta:
    """A duration such as ``20s``, ``5m``, ``1h``; seconds without a unit."""
    found = _DURATION.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write one like 20s, 5m or 1h")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2] or "s"])


def _count(text: str) -> int:
    return int(seconds(text).total_seconds())


def add_orders(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    """The two words and everything after them."""
    order = groups.add_parser("order", help="Tell a station what to do.")
    order.description = "Tell a station what to do: signed, carried out once, and written into the command log."
    order.epilog = "example:\n  hub order cho-dong-ba-1 identify --for 20s --wait"
    order.formatter_class = argparse.RawDescriptionHelpFormatter
    order.add_argument("station", metavar="STATION", help="its name, as hub station list gives it")
    kinds = order.add_subparsers(required=True, metavar="WHAT")
    for kind, (about, example) in _ABOUT.items():
        one = add(kinds, kind, "order", about, f"hub order cho-dong-ba-1 {example}")
        fields = _options(kind, one)
        one.set_defaults(kind=kind, fields=fields)
        _common(one)
    log = groups.add_parser("orders", help="See what became of orders.").add_subparsers(required=True, metavar="WHAT")
    listed = add(log, "list", "orders list", "List orders, newest first.", "hub orders list --station cho-dong-ba-1")
    listed.add_argument("--station", default="", metavar="NAME", help="of this station only")
    listed.add_argument("--open", action="store_true", help="only those of which something may still become")
    listed.add_argument("--last", type=int, default=100, metavar="N", help="at most so many")
    about = "Show one order, and what its result brought: kept for a day."
    shown = add(log, "show", "orders show", about, "hub orders show 0f1e2d3c4b5a6978 --out gate.jpg")
    shown.add_argument("order", metavar="ORDER", help="its id")
    shown.add_argument("--out", type=Path, metavar="FILE", help="write what the result brought there")


def _common(one: argparse.ArgumentParser) -> None:
    one.add_argument("--why", default="", metavar="TEXT", help="for the command log")
    one.add_argument("--by", default="", metavar="ACCOUNT", help="who answers for it; you, if nobody is named")
    about = "how long the order stands if the station is away; each kind has its own"
    one.add_argument("--within", type=seconds, metavar="DURATION", help=about)
    about = "wait for what becomes of it, 2 minutes unless told how long; exit 1 when it was not done"
    one.add_argument("--wait", type=seconds, nargs="?", const=_PATIENCE, metavar="DURATION", help=about)
    one.add_argument("--out", type=Path, metavar="FILE", help="write what the result brings there")


def _options(kind: str, one: argparse.ArgumentParser) -> tuple[str, ...]:
    """Adds the kind's own options; the fields of its task that they fill."""

    def option(name: str, field: str, **said: Any) -> str:  # noqa: ANN401  # argparse's own
        one.add_argument(name, dest=field, **said)
        return field

    time = {"metavar": "HH:MM"}
    match kind:
        case "identify" | "aim" | "hold-open":
            return (option("--for", "seconds", type=_count, metavar="DURATION", help="like 20s or 5m"),)
        case "test-signal":
            return (option("--each", "seconds", type=_count, metavar="DURATION", help="for each signal"),)
        case "logs":
            lines = option("--lines", "lines", type=int, metavar="N", help="at most so many")
            return lines, option("--kib", "kib", type=int, metavar="N", help="at most so much before compression")
        case "place":
            place = option("--at", "place", metavar="CODE", help="a registered place")
            ways = [each.value for each in Direction]
            return place, option("--direction", "direction", choices=ways, help="which way people go through")
        case "quiet":
            return option("--from", "start", help="when it begins", **time), option(
                "--to", "end", help="its end", **time
            )
        case "resend":
            return (
                option("--epoch", "epoch", metavar="HEX", help="which journal; the newest, if none is named"),
                option("--first", "first", type=int, required=True, metavar="N", help="the first row"),
                option("--last", "last", type=int, required=True, metavar="N", help="the last row"),
            )
    return ()


def answered(command: argparse.ArgumentParser) -> None:
    """Lets a command say which account answers for it."""
    command.add_argument("--by", default="", metavar="ACCOUNT", help="who answers for it; default: the operator")
