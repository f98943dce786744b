"""What may be typed after ``hub place``."""

from __future__ import annotations

import argparse
from pathlib import Path

from core.model import GateKind
from hub.order_arguments import Adding, Groups, answered


def add_places(groups: Groups[argparse.ArgumentParser], add: Adding) -> None:
    """The words and everything after them."""
    of_place = groups.add_parser("place", help="List places, print their codes and keys.")
    whats = of_place.add_subparsers(required=True, metavar="WHAT")
    add(whats, "list", "place list", "List places with the text of the code to post.", "hub place list --json")
    about = "Add a place, or correct all of it but its position; its opening hours end every stay at closing time."
    example = 'hub place put cho-dong-ba --name "Chợ Đông Ba" --kind venue --area 34/19804 --hours 05:00-20:00'
    kept = add(whats, "put", "place put", about, example)
    kept.add_argument("place", metavar="CODE", help="lower-case letters, digits, hyphens")
    kept.add_argument("--name", required=True, metavar="TEXT", help="as people know it")
    kept.add_argument("--kind", required=True, type=GateKind, choices=list(GateKind), help="what it is")
    kept.add_argument("--area", required=True, metavar="EDITION/CODE", help="its commune, or district")
    for name, help_text in (
        ("hamlet", "thôn or tổ"),
        ("address", "house number, street"),
        ("contact", "who is responsible"),
    ):
        kept.add_argument(f"--{name}", default="", metavar="TEXT", help=help_text)
    kept.add_argument("--hours", default="", metavar="HOURS", help="such as 05:00-20:00; none: it never closes")
    kept.add_argument("--capacity", type=int, metavar="N", help="the most people at one time")
    answered(kept)
    about = "Print the text of a place's code, and draw it 5 cm wide, for people to scan themselves."
    posted = add(whats, "code", "place code", about, "hub place code cho-dong-ba --svg cho-dong-ba.svg")
    posted.add_argument("place", metavar="CODE", help="a registered place")
    posted.add_argument("--svg", type=Path, metavar="FILE", help="draw the QR there")
    about = (
        "Print the key that the gates of one place share, as their config.toml has it; --new draws another first, such "
        "as when a gate was stolen: until each of the others has it they do not hear each other."
    )
    key = add(whats, "key", "place key", about, "hub place key cho-dong-ba --new")
    key.add_argument("place", metavar="CODE", help="a registered place")
    key.add_argument("--new", action="store_true", help="the one before is told to nobody any more")
    answered(key)
