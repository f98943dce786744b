"""The demo's tray: ready-made people, each with a code that can be held up, as the hub's invented province names them.

The file is ``cast.json`` in the demo's folder.  Nobody in it exists.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

import msgspec

from core.model import CodeKind, Direction, GateKind, Outcome, Reason
from core.signals import signal
from station.errors import StationError

CAST: Final = "cast.json"
"""The tray's file in the demo's folder."""

CABLE: Final = "cable"
"""The socket there on which the demo's network cable listens."""

First = Literal["", "twice", "cut", "full"]
"""What must be done before a card is held up: nothing, hold it up once before, cut the network, fill the card."""

NOT_HELD_UP: Final = (
    Reason.NO_POLICY,
    Reason.CLOCK_UNSURE,
    Reason.JOURNAL_READ_ONLY,
    Reason.JOURNAL_BROKEN,
    Reason.CANNOT_READ,
)
"""Reasons that no code can bring about: the station itself must be in trouble."""

_FIRSTS: Final = get_args(First)
_QUIET: Final = 4
_SIDE: Final = 640
_LARGEST_MODULE: Final = 10


class CastError(StationError):
    """The tray's file cannot be used; the words say why."""

    exit_code = 66


class Expected(msgspec.Struct, frozen=True):
    """What must come of showing a code; ``showing`` counts showings of the same code at the same gate.

    ``online`` False: with the network cut; ``full``: with no room left on the station's card.
    """

    gate: GateKind
    outcome: Outcome
    reasons: tuple[Reason, ...] = ()
    direction: Direction = Direction.IN
    online: bool = True
    showing: int = 1
    full: bool = False

    @property
    def first(self) -> First:
        """What must be done before the code is held up."""
        if self.full:
            return "full"
        if not self.online:
            return "cut"
        return "twice" if self.showing > 1 else ""


class Member(msgspec.Struct, frozen=True):
    """One person or thing of the tray; the code is ``text``, or ``data`` in base64 where it is no text."""

    label: str
    title_vi: str
    title_en: str
    family: CodeKind
    expected: tuple[Expected, ...] = ()
    text: str = ""
    data: str = ""

    @property
    def code(self) -> bytes:
        """The exact bytes of the code."""
        return base64.b64decode(self.data) if self.data else self.text.encode()

    def at(self, gate: GateKind, direction: Direction) -> Expected | None:
        """What is expected of showing it at a gate: simply, or else after what must be done first.

        A toggle gate takes people in first.
        """
        way = Direction.IN if direction is Direction.TOGGLE else direction
        fitting = [one for one in self.expected if one.gate is gate and one.direction is way]
        return min(fitting, key=lambda one: _FIRSTS.index(one.first), default=None)


class Cast(msgspec.Struct, frozen=True):
    """The whole file; ``places`` names the place of each gate kind."""

    places: dict[GateKind, str]
    members: tuple[Member, ...]


class Person(msgspec.Struct, frozen=True):
    """One card as the page shows it, and what must be done ``first``; no outcome when it is meant for another gate."""

    name: str
    vi: str
    en: str
    kind: str
    outcome: str
    shape: str
    reasons: tuple[str, ...]
    first: First = ""


@dataclass(frozen=True)
class Tray:
    """What lies in the tray: cards, and the picture of each one's code by name (PNG)."""

    people: Sequence[Person]
    pictures: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def of(cls, cast: Cast, gate: GateKind, direction: Direction = Direction.IN) -> Tray:
        """The tray of a cast as it is for one kind of gate."""
        return cls(
            [_card(member, member.at(gate, direction)) for member in cast.members],
            {member.label: picture_of(member.code) for member in cast.members},
        )


def read_cast(folder: Path) -> Cast:
    """The cast of a demo's folder; ``CastError`` when it cannot be read."""
    path = folder / CAST
    try:
        return msgspec.json.decode(path.read_bytes(), type=Cast)
    except OSError as error:
        raise CastError(f"{path}: {error.strerror}; `hub demo-province --cast` writes it") from error
    except msgspec.MsgspecError as error:
        raise CastError(f"{path}: {error}; write it again with `hub demo-province --cast`") from error


def picture_of(code: bytes) -> bytes:
    """A QR code as a PNG picture with its quiet zone, large enough for a camera and small enough for its view."""
    import zxingcpp
    from PIL import Image, ImageOps

    content = code.decode() if code.isascii() else code  # bytes without ECI, as Vietnamese cards have them
    modules = zxingcpp.create_barcode(content, zxingcpp.BarcodeFormat.QRCode, ec_level="L").to_image(scale=1)
    height, width = modules.shape
    bare = Image.frombytes("L", (width, height), bytes(memoryview(modules)))  # type: ignore[arg-type]  # the stubs hide its buffer
    bare = bare.crop(ImageOps.invert(bare).getbbox())
    bare = ImageOps.expand(bare, _QUIET, 255)
    times = max(2, min(_LARGEST_MODULE, _SIDE // bare.width))
    file = io.BytesIO()
    bare.resize((bare.width * times, bare.height * times), Image.Resampling.NEAREST).convert("1").save(file, "PNG")
    return file.getvalue()


def _card(member: Member, expected: Expected | None) -> Person:
    if expected is None:
        return Person(member.label, member.title_vi, member.title_en, member.family.value, "", "", ())
    row = signal(expected.outcome, expected.reasons, expected.direction, held=False)
    reasons = tuple(reason.value for reason in expected.reasons)
    return Person(
        member.label,
        member.title_vi,
        member.title_en,
        member.family.value,
        expected.outcome.value,
        row.shape,
        reasons,
        expected.first,
    )
