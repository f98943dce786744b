"""The demo's invented fleet: `hub simulate` beside the hub, and an account to look at its wall with."""

from __future__ import annotations

import secrets
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from station.front.demo.processes import Part, await_part, program, run_once

READY: Final = "ready.json"
"""What the hub writes into the demo's folder when it is up."""

ACCOUNT: Final = "demo"
_UP_WITHIN: Final = 300.0


@dataclass(frozen=True)
class Wall:
    """Where the fleet can be looked at, and how to sign in; the password is drawn anew with every demo."""

    url: str
    account: str
    password: str


def start_fleet(folder: Path, http: str, stations: int, stack: ExitStack, stop: threading.Event) -> tuple[Part, Wall]:
    """So many invented stations, all of them connected, and the wall; ``DemoError`` when they cannot be had."""
    password = secrets.token_hex(8)
    own = ("--data", str(folder / "hub"))
    opened = ("--role", "administrator", "--shown", "Demo", "--own")
    run_once(program("hub", "account", "add", ACCOUNT, *opened, *own), stop, typed=f"{password}\n")
    up = folder / "fleet.json"
    where = ("--hub", str(folder / READY), "--ready", str(up))
    command = program("hub", "simulate", "--stations", str(stations), *where, *own)
    fleet = stack.enter_context(Part("fleet", command, folder / "fleet.log"))
    await_part(fleet, up.exists, _UP_WITHIN, stop)
    return fleet, Wall(f"http://{http}/officers/fleet", ACCOUNT, password)
