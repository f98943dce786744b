"""What the page is told: the face, presentations, rows and figures as plain messages, none of which names anybody.

The display's pixels are the one exception, because the page is the display: a masked name stands there as it does on
the real one.
"""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Literal

import msgspec

from core.model import Direction, Reason
from core.signals import signal
from core.wire import Row
from drivers.drawing import draw
from drivers.page import AlarmPage, BannerPage, BlankPage, GroupsPage, IdlePage, Page, TextPage, VerdictPage
from station.gate import Presented
from station.panel import Face


class Shown(msgspec.Struct, frozen=True):
    """The face: 1,024 bytes of pixels (rows of 16 bytes, the leftmost pixel the highest bit), the same as text, lamp
    and tune; each ``_seq`` grows when its part begins anew."""

    seq: int
    pixels: str
    text: str
    shape: str
    colour: str
    blink: tuple[float, float, int]
    lamp_seq: int
    tune: tuple[tuple[float, float], ...]
    tune_seq: int


class Verdict(msgspec.Struct, frozen=True):
    """What became of one presentation."""

    at: datetime
    source: str
    code_kind: str
    gate: str
    direction: str
    outcome: str
    reasons: tuple[str, ...]
    origin: str
    sign: str
    shape: str
    colour: str
    ms: float
    seq: int


class Line(msgspec.Struct, frozen=True):
    """One row of the journal without seals, tags and hashes; ``groups`` are origins."""

    seq: int
    type: str
    at: datetime
    direction: str
    source: str
    code_kind: str
    outcome: str
    shape: str
    reasons: tuple[str, ...]
    groups: tuple[str, ...]
    about: int
    decision: str
    cause: str


def show_face(face: Face) -> Shown:
    """The face as the page draws it."""
    return Shown(
        face.seq,
        base64.b64encode(draw(face.page).tobytes()).decode(),
        read_out(face.page),
        getattr(face.page, "shape", ""),
        face.colour,
        (face.blink.on, face.blink.off, face.blink.times or 0),
        face.lamp_seq,
        tuple((note.hertz, note.seconds) for note in face.tune),
        face.tune_seq,
    )


def read_out(page: Page) -> str:
    """What stands on the display, for those who cannot see it."""
    match page:
        case VerdictPage():
            parts = [page.headline, *page.notes, page.foot]
        case GroupsPage():
            parts = [f"{row.letter}: {row.text}{f' ({row.age})' * bool(row.age)}" for row in page.rows]
        case TextPage():
            parts = [page.text, page.second]
        case BannerPage():
            parts = [page.text]
        case AlarmPage():
            parts = [page.word]
        case IdlePage():
            parts = [page.place, page.clock, page.date]
        case BlankPage():
            parts = []
    return ". ".join(part for part in parts if part)


def show_verdict(presented: Presented, gate: str) -> Verdict:
    """One presentation as the page tells it."""
    row = signal(presented.outcome, presented.reasons, presented.direction, held=False)
    return Verdict(
        presented.at,
        presented.source.value,
        presented.code_kind.value,
        gate,
        presented.direction.value,
        presented.outcome.value,
        tuple(reason.value for reason in presented.reasons),
        presented.origin.value,
        row.sign.value,
        row.shape,
        row.colour,
        presented.ms,
        presented.seq,
    )


def show_row(row: Row) -> Line:
    """One row as the page lists it."""
    return Line(
        row.seq,
        row.type,
        row.at,
        row.direction.value,
        row.source.value if row.source is not None else "",
        row.code_kind.value if row.code_kind is not None else "",
        row.outcome.value if row.outcome is not None else "",
        _shape(row),
        tuple(reason.value for reason in row.reasons),
        tuple(group.origin.value for group in row.groups),
        row.about,
        row.decision or "",
        row.cause,
    )


def _shape(row: Row) -> str:
    if row.outcome is not None:
        held: tuple[Reason, ...] = row.reasons
        leaving: Literal[Direction.IN, Direction.OUT] = (
            Direction.OUT if row.direction is Direction.OUT else Direction.IN
        )
        return signal(row.outcome, held, leaving, held=False).shape
    return row.decision or "door"
