"""A station's figures as the wall's columns have them: what is read first, and what stands below it.

All are rounded as coarsely as somebody who walks by may read them, so that a line is drawn anew only for news.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from core.health import BOUNDS, BoardFigures, CameraFigures, ClockFigures, Health, Histogram
from hub.health.hours import Hour
from hub.web.fleet import wording
from hub.web.fleet.wording import Words

HEIGHT = 8
"""Steps of a bar, and its height in the picture's own units; a bucket that holds anything has one at least."""

WIDE, BAR = 5, 4
"""From one bar to the next, and a bar's own width; ``PICTURE`` is the whole."""

PICTURE = f"0 0 {WIDE * (len(BOUNDS) + 1) - WIDE + BAR} {HEIGHT}"
SLOW = BOUNDS.index(800) + 1
"""The first bucket past a gate's patience with the hub."""

NEARLY_ALL = 0.95
LIGHT_STEP = 5
SOURCES = ("ntp", "rtc", "hub", "guess")


class Cell(msgspec.Struct, frozen=True):
    """What a column says: the figure, and the one below it."""

    first: str = ""
    second: str = ""


class Bars(msgspec.Struct, frozen=True, gc=False):
    """A histogram, small: a step for each bucket, and the bound in ms within which nearly all stayed."""

    steps: bytes
    within: float

    @property
    def box(self) -> str:
        """The picture's own measures."""
        return PICTURE

    @property
    def quick(self) -> str:
        """The path of the bars that a gate waits for gladly."""
        return _path(self.steps, 0, SLOW)

    @property
    def slow(self) -> str:
        """The path of those that it does not."""
        return _path(self.steps, SLOW, len(self.steps))

    def said(self, t: Words) -> str:
        """The bound in words."""
        return t("wall-within", ms=f"{self.within:.0f}") if self.within <= BOUNDS[-1] else t("station-over")


class Lately(msgspec.Struct, frozen=True, gc=False):
    """How long decoding and look-ups took within the hour; None: there were none."""

    decode: Bars | None = None
    lookup: Bars | None = None


class Figures(msgspec.Struct, frozen=True):
    """The columns of one station."""

    backlog: Cell = Cell()
    clock: Cell = Cell()
    camera: Cell = Cell()
    board: Cell = Cell()
    card: Cell = Cell()
    versions: Cell = Cell()


def lately(hour: Hour | None) -> Lately:
    """The small histograms of an hour."""
    return Lately() if hour is None else Lately(_bars(hour.decode), _bars(hour.lookup))


def figures(t: Words, health: Health | None, ahead: float | None) -> Figures:
    """What a station's last message says, and by how many seconds its clock is ahead."""
    if health is None:
        return Figures()
    return Figures(
        Cell(str(health.journal.backlog), oldest(t, health)),
        _clock(t, health.clock, ahead),
        _camera(t, health.camera) if health.camera is not None else Cell(),
        _board(t, health.board),
        _card(t, health.board),
        Cell(health.versions.software or "–", t("wall-policy", version=health.versions.policy or "–")),
    )


def oldest(t: Words, health: Health | None) -> str:
    """For how long the oldest row waits."""
    if health is None or not health.journal.backlog or health.journal.oldest is None:
        return ""
    return wording.length(t, health.journal.oldest)


def off(t: Words, ahead: float | None) -> str:
    """How far a clock is off, with a sign."""
    return "" if ahead is None else ("+" if ahead >= 0 else "−") + wording.length(t, ahead)


def _clock(t: Words, clock: ClockFigures, ahead: float | None) -> Cell:
    """How far it is off, and what it is worth: its source, and the bound of its own error, rounded up."""
    source = t(f"wall-clock-{clock.source}") if clock.source in SOURCES else clock.source
    if clock.error is None:
        return Cell(off(t, ahead), source)
    bound = next((f"{each} ms" for each in BOUNDS if 1_000 * clock.error <= each), "")
    return Cell(off(t, ahead), f"{source} ±{bound or wording.length(t, clock.error)}")


def _camera(t: Words, camera: CameraFigures) -> Cell:
    sharp = t("wall-sharp", figure=f"{camera.sharpness:.0f}")
    seen = t(f"wall-blind-{camera.blind}") if camera.blind in wording.BLIND else sharp
    light = round(100 * camera.brightness / LIGHT_STEP) * LIGHT_STEP
    return Cell(f"{seen} · {t('wall-fps', count=f'{camera.fps:.0f}')}", t("wall-light", share=f"{light} %"))


def _board(t: Words, board: BoardFigures) -> Cell:
    degrees = f"{board.temperature:.0f} °C" if board.temperature is not None else ""
    if board.under_voltage:
        return Cell(degrees, t("wall-weak"))
    if board.under_voltage_ever:
        return Cell(degrees, t("wall-was-weak"))
    return Cell(degrees, t("wall-power-well") if board.under_voltage is not None else "")


def _card(t: Words, board: BoardFigures) -> Cell:
    """What is free of it, and how much of its life is lived."""
    free = f"{100 * (board.disk_free or 0) / board.disk_total:.0f} %" if board.disk_total else ""
    return Cell(free, t("wall-worn", share=f"{100 * board.disk_wear:.0f} %") if board.disk_wear is not None else "")


def _bars(whole: Histogram) -> Bars | None:
    most, within = max(whole.counts), whole.quantile(NEARLY_ALL)
    if not most or within is None:
        return None
    return Bars(bytes(-(-HEIGHT * count // most) for count in whole.counts), within)


def _path(steps: bytes, first: int, last: int) -> str:
    return "".join(_drawn(steps, first, last))


def _drawn(steps: bytes, first: int, last: int) -> Iterator[str]:
    for place in range(first, last):
        if step := steps[place]:
            yield f"M{place * WIDE} {HEIGHT}v-{step}h{BAR}v{step}z"
