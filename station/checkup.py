"""One look at the whole station: what every part says of itself, put into the message of ``core.health``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from core.health import (
    BoardFigures,
    CameraFigures,
    ClockFigures,
    Health,
    Histogram,
    JournalFigures,
    LinkFigures,
    PlaceFigures,
    Versions,
    devices_of,
    shortened,
)
from station import __version__
from station.clock import Clock
from station.health import Figures
from station.journal.record import Backlog, Journal
from station.lookup import Lookups
from station.outfit import Outfit
from station.policies import Policies
from station.sync import Sync
from station.vitals import Vitals

BOARD_EVERY = 10.0
"""Seconds between two looks at the board: its figures drift, and its files cost more than all others together."""


class Parts(msgspec.Struct, frozen=True):
    """What is looked at; ``backlog`` and ``problem`` (why the hub is not reached) as the main loop last knew them."""

    station: str
    session: str
    clock: Clock
    journal: Journal
    policies: Policies
    lookups: Lookups
    sync: Sync
    outfit: Outfit
    figures: Figures
    vitals: Vitals
    backlog: Callable[[], Backlog]
    problem: Callable[[], str]


class _Drift(msgspec.Struct, frozen=True):
    """What is looked at less often, and the camera's frames then."""

    at: float
    board: BoardFigures
    radio: tuple[int | None, float | None]
    frames: int
    fps: float


class Checkup:
    """Gives the figures of now; used by the health loop's thread."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._drift: _Drift | None = None
        self.orders: Callable[[], Mapping[str, int]] = dict
        """How many of the hub's commands ended how."""
        self.snapshot: Callable[[], str] = str
        """Which snapshot of everybody's standing is held."""
        self.certificate_ends: Callable[[], datetime | None] = lambda: None
        """When the first of the certificates ends by which the hub is known."""

        self.place: Callable[[], PlaceFigures | None] = _alone
        """What the gates of the place agree on."""

    def look(self) -> Health:
        """The figures of now, with the number 1: whoever sends them counts."""
        parts, monotonic = self._parts, time.monotonic()
        now, drift = parts.clock.now(), self._drifted(monotonic)
        worth = parts.clock.worth()
        reader = parts.outfit.reader
        states = [(one.name, one.problem) for one in parts.outfit.states()]
        return Health(
            station=parts.station,
            session=parts.session,
            boot=shortened(worth.boot, 64),
            number=1,
            at=now,
            up=round(monotonic - parts.figures.begun, 1),
            versions=Versions(
                software=__version__,
                policy=parts.policies.newest,
                snapshot=shortened(self.snapshot(), 64),
                certificate_ends=self.certificate_ends(),
            ),
            clock=ClockFigures(source=worth.source, error=worth.error, offset=parts.clock.hub_offset),
            journal=self._journal(now),
            link=self._link(monotonic, drift),
            outcomes=parts.figures.outcomes(),
            decode=reader.timings.histogram() if reader is not None else Histogram(),
            lookup=parts.lookups.timings.histogram(),
            signal=parts.figures.timings.histogram(),
            camera=self._camera(drift),
            scanner=parts.outfit.scanner_present,
            devices=devices_of(states),
            board=drift.board,
            orders=dict(self.orders()),
            place=self.place(),
        )

    def _journal(self, now: datetime) -> JournalFigures:
        journal, backlog = self._parts.journal, self._parts.backlog()
        trouble = journal.trouble
        return JournalFigures(
            backlog=backlog.rows,
            oldest=None if backlog.oldest is None else round(max(0.0, now.timestamp() - backlog.oldest), 1),
            seq=journal.seq,
            epoch=journal.epoch,
            refused=backlog.refused,
            set_aside=journal.set_aside is not None,
            problem=shortened(trouble.problem, 200) if trouble is not None else "",
        )

    def _link(self, monotonic: float, drift: _Drift) -> LinkFigures:
        sync, lookups = self._parts.sync, self._parts.lookups
        contact = max(filter(None, (sync.last_contact, lookups.last_answer)), default=None)
        dbm, radio = drift.radio
        return LinkFigures(
            last_contact=None if contact is None else round(max(0.0, monotonic - contact), 1),
            problem=shortened(self._parts.problem(), 200),
            dbm=dbm,
            radio=radio,
        )

    def _camera(self, drift: _Drift) -> CameraFigures | None:
        reader = self._parts.outfit.reader
        if reader is None:
            return None
        frames, sight = reader.figures.frames, reader.eyesight.sight
        if sight is None:
            return CameraFigures(frames=frames, fps=drift.fps)
        return CameraFigures(
            frames=frames,
            fps=drift.fps,
            sharpness=round(sight.look.sharpness, 2),
            best=round(sight.usual, 2),
            brightness=round(sight.look.brightness, 4),
            contrast=round(sight.look.contrast, 4),
            dark=round(sight.look.dark, 4),
            glare=round(sight.look.glare, 4),
            blind=sight.blind,
        )

    def _drifted(self, monotonic: float) -> _Drift:
        before = self._drift
        if before is not None and monotonic - before.at < BOARD_EVERY:
            return before
        reader = self._parts.outfit.reader
        frames = reader.figures.frames if reader is not None else 0
        fps = 0.0 if before is None else (frames - before.frames) / (monotonic - before.at)
        vitals = self._parts.vitals
        self._drift = _Drift(monotonic, vitals.read(), vitals.radio(), frames, round(fps, 2))
        return self._drift


def _alone() -> None:
    """A gate that tells its neighbours nothing."""
