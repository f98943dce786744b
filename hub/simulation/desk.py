"""Orders at a simulated station: believed as a real one believes them, done on a panel that is not there."""

from __future__ import annotations

import gzip
from datetime import datetime
from typing import Protocol

import msgspec

from core import orders
from core.model import Direction
from core.orders import NotKnown, NotOurs, Order, Result, Said
from hub.simulation.panel import Panel

RESTART_SECONDS, REBOOT_SECONDS = 3.0, 20.0
PIECE = 64 << 10
_KEPT = 256


class Doer(Protocol):
    """What an order may have done at a station; ``mono`` is monotonic seconds."""

    panel: Panel

    @property
    def place_name(self) -> str:
        """What its place is called."""

    def move(self, place: str, name: str, direction: Direction | None) -> None:
        """Stands elsewhere, or as it stood at first."""

    def open_door(self, mono: float) -> None:
        """Opens the door, a row first."""

    def start_again(self, seconds: float, mono: float) -> None:
        """Goes away and is back after so long, as another session."""


class Outcome(msgspec.Struct, frozen=True):
    """What became of an order, ``status`` None when that is told after the next start; and the data it brings."""

    status: Said | None
    words: str = ""
    media: str = ""
    data: bytes = b""


class Desk:
    """Reads a station's orders and answers them; each is carried out once, however often it comes."""

    def __init__(self, station: str, policy_key: bytes, doer: Doer) -> None:
        self._station, self._key, self._doer = station, policy_key, doer
        self._seen: dict[str, Outcome] = {}
        self._after: list[str] = []

    def take(self, document: bytes, now: datetime, mono: float) -> list[Result]:
        """What is to be said of a document that came, in order; nothing of one that is no order of ours."""
        try:
            order = orders.read(self._key, document, self._station)
        except NotKnown as problem:
            return self._said(problem.header.id, Outcome("rejected", str(problem)), now)
        except NotOurs:
            return []
        known = self._seen.get(order.nonce)
        if known is not None:
            return self._said(order.id, known, now)
        objection = orders.objection(order, now)
        outcome = Outcome("rejected", objection) if objection else self._do(order, mono)
        if len(self._seen) >= _KEPT:
            self._seen.pop(next(iter(self._seen)))
        self._seen[order.nonce] = outcome if outcome.status else Outcome("succeeded", "started again")
        if outcome.status is None:
            self._after.append(order.id)
        begun = [] if objection else self._said(order.id, Outcome("in-progress"), now)
        return [*begun, *self._said(order.id, outcome, now)]

    def after_start(self, now: datetime) -> list[Result]:
        """What is to be said of orders over which the station went away."""
        waiting, self._after = self._after, []
        return [one for each in waiting for one in self._said(each, Outcome("succeeded", "started again"), now)]

    def _said(self, order: str, outcome: Outcome, now: datetime) -> list[Result]:
        if outcome.status is None:
            return []
        result = Result(
            station=self._station,
            order=order,
            status=outcome.status,
            at=now,
            words=outcome.words[:500],
            media=outcome.media,
        )
        return list(orders.in_parts(result, outcome.data, PIECE)) if outcome.data else [result]

    def _do(self, order: Order, mono: float) -> Outcome:
        doer, panel = self._doer, self._doer.panel
        match order.task:
            case orders.Identify(seconds):
                panel.identify(doer.place_name, seconds, mono)
                return Outcome("succeeded", f"lamp, buzzer and display say which station this is for {seconds} s")
            case orders.TrySignals(seconds):
                return Outcome("succeeded", f"{panel.try_signals(seconds, mono)} signals are shown, {seconds} s each")
            case orders.Aim(seconds):
                panel.aim(seconds, mono)
                return Outcome("succeeded", f"aiming mode for {seconds} s" if seconds else "aiming mode is over")
            case orders.Restart() | orders.Reboot():
                reboots = isinstance(order.task, orders.Reboot)
                doer.start_again(REBOOT_SECONDS if reboots else RESTART_SECONDS, mono)
                return Outcome(None)
            case orders.HoldOpen() | orders.OpenOnce():
                doer.open_door(mono)
                return Outcome("succeeded", "the door is open, as far as an invented one can be")
            case orders.SetPlace(place, name, direction):
                doer.move(place, name, direction)
                return Outcome("succeeded", f"this gate is {place or 'where it stood at first'}")
            case _:
                return self._say(order)

    def _say(self, order: Order) -> Outcome:
        """Orders that need nothing of the station's parts."""
        match order.task:
            case orders.Logs():
                line = f'{{"message": "simulated", "station": "{self._station}"}}\n'
                return Outcome("succeeded", "1 lines", "application/gzip", gzip.compress(line.encode()))
            case orders.Snapshot():
                return Outcome("rejected", "a simulated station has no camera that could take a picture")
            case orders.Resend():
                return Outcome("rejected", "none of these rows is on this card any more")
            case orders.Erase(_, seqs):
                return Outcome("succeeded", f"0 rows emptied, {len(seqs)} were gone or empty already")
            case orders.QuietHours(start, end):
                return Outcome("succeeded", f"quiet from {start} to {end}" if start else "quiet hours as configured")
        return Outcome("succeeded", "the door is closed")
