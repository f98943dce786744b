"""What a station says of its own health: figures of the board and the gate, nothing about people.

One message (``Health``) every 30 s and when a state changes.  Counters and histograms begin at 0 with the service
(``session``) and only rise, so that whoever keeps two messages can subtract them.  Every text, list and number has a
bound: a decoded message cannot be larger than its bounds, whoever sent it.  A hub keeps thousands of them: without
``gc``, whose bookkeeping is 16 bytes a part, and for which a message cannot hold itself.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from core.model import Moment
from core.wire import NO_NUL, StationName

INTERVAL = 30.0
"""Seconds between two messages of a station whose state does not change."""

EXPIRES = 90
"""Seconds for which a broker keeps a message: three intervals."""

MOST_BYTES = 8_192
"""No message is larger; what a station with every device sends is a third of it."""

BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 400, 800, 1_600, 3_200)
"""Upper bounds of the histograms' buckets in milliseconds, inclusive; the last bucket of all has none."""

BUCKETS = len(BOUNDS) + 1

Word = Annotated[str, Meta(max_length=64, pattern=NO_NUL)]
Sentence = Annotated[str, Meta(max_length=200, pattern=NO_NUL)]
Count = Annotated[int, Meta(ge=0, le=(1 << 53) - 1)]
Share = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0, le=1e10)]
Difference = Annotated[float, Meta(ge=-1e10, le=1e10)]
Counts = Annotated[dict[Annotated[str, Meta(max_length=24, pattern=NO_NUL)], Count], Meta(max_length=16)]


class Histogram(msgspec.Struct, frozen=True, gc=False):
    """How often something took how long since the start: a count a bucket of ``BOUNDS``, and their sum in ms."""

    counts: Annotated[tuple[Count, ...], Meta(min_length=BUCKETS, max_length=BUCKETS)] = (0,) * BUCKETS
    total: Annotated[float, Meta(ge=0, le=1e15)] = 0.0

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.counts)

    def since(self, earlier: Histogram) -> Histogram:
        """What came after ``earlier``; the whole when that is of another session, and so larger somewhere."""
        counts = tuple(now - then for now, then in zip(self.counts, earlier.counts, strict=True))
        if min(counts) < 0:
            return self
        return Histogram(counts, max(0.0, self.total - earlier.total))

    def quantile(self, share: float) -> float | None:
        """The bound in ms under which at least ``share`` of them stayed; None without any, infinite past the last."""
        wanted, seen = share * self.count, 0
        if not self.count:
            return None
        for bound, count in zip((*BOUNDS, float("inf")), self.counts, strict=True):
            seen += count
            if seen >= wanted:
                return float(bound)
        return float("inf")


def bucket(ms: float) -> int:
    """The number of the bucket that a time in milliseconds falls into."""
    return bisect_left(BOUNDS, ms)


class Device(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One device: what keeps it from working, or nothing."""

    name: Word
    problem: Sentence = ""


class Versions(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What the station runs: ``policy`` 0 is none; empty or None is not had."""

    software: Word = ""
    policy: Annotated[int, Meta(ge=0, lt=1 << 31)] = 0
    snapshot: Word = ""
    certificate_ends: Moment | None = None


class ClockFigures(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """How far the clock can be trusted: its source, the bound of its error and the hub's clock minus it, seconds."""

    source: Word = "guess"
    error: Seconds | None = None
    offset: Difference | None = None


class JournalFigures(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The rows: how many wait and for how long the oldest has, the last number, those the hub refused, what is wrong.

    ``seq`` is of the journal ``epoch``, the one that is written now; ``backlog`` is of all journals on the card.
    ``refused`` counts the dead letters that lie on this card; ``set_aside``: so does a damaged journal.
    """

    backlog: Count = 0
    oldest: Seconds | None = None
    seq: Count = 0
    refused: Count = 0
    set_aside: bool = False
    problem: Sentence = ""
    epoch: Word = ""

    @property
    def believed(self) -> int:
        """The number through which the station takes its journal to be held at least."""
        return max(0, self.seq - self.backlog)


class LinkFigures(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The way to the hub: seconds since it was heard, what is wrong, and the radio's level in dBm where there is one.

    ``radio`` is the link's quality, 1 the best.
    """

    last_contact: Seconds | None = None
    problem: Sentence = ""
    dbm: Annotated[int, Meta(ge=-200, le=100)] | None = None
    radio: Share | None = None


class PlaceFigures(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What this gate and the others of its place agree on without the hub.

    ``gates`` is how many others were heard today; ``conflicts`` how often this gate, cut off from another, let somebody
    go the same way as that one had (kept days); ``dropped`` how much that was told was not believed; ``inside`` how
    many are inside, of ``capacity`` (0: none is configured).
    """

    gates: Count = 0
    conflicts: Count = 0
    dropped: Count = 0
    inside: Count | None = None
    capacity: Count = 0
    problem: Sentence = ""


class CameraFigures(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """What the camera sees: frames since the start and a second, and one picture a second measured.

    ``brightness`` (mean) and ``contrast`` (spread) are shares of full white, ``dark`` and ``glare`` the shares of
    pixels at either end, ``sharpness`` the spread of edges in the middle, ``best`` the best that this camera had of
    late: see ``blindness``.  ``blind`` says why nothing can be read, or nothing.
    """

    frames: Count = 0
    fps: Annotated[float, Meta(ge=0, le=1e4)] = 0.0
    sharpness: Annotated[float, Meta(ge=0, le=256)] = 0.0
    best: Annotated[float, Meta(ge=0, le=256)] = 0.0
    brightness: Share = 0.0
    contrast: Share = 0.0
    dark: Share = 0.0
    glare: Share = 0.0
    blind: Word = ""


class BoardFigures(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """The board: °C, power, bytes of memory and disk, wear as shares of the life that the card's maker gave it.

    ``under_voltage``, ``throttled`` and ``hot`` are of now, those with ``_ever`` of since the board's start; None
    where the board cannot say.  ``memory_used`` is the service's own, ``cpu`` its share of one core since the start.
    """

    temperature: Annotated[float, Meta(ge=-100, le=300)] | None = None
    under_voltage: bool | None = None
    under_voltage_ever: bool | None = None
    throttled: bool | None = None
    throttled_ever: bool | None = None
    memory_total: Count | None = None
    memory_free: Count | None = None
    memory_used: Count | None = None
    cpu: Annotated[float, Meta(ge=0, le=1024)] | None = None
    disk_total: Count | None = None
    disk_free: Count | None = None
    disk_wear: Share | None = None
    disk_worn: Annotated[int, Meta(ge=0, le=255)] | None = None  # JEDEC pre-EOL: 1 normal, 2 warning, 3 urgent
    up: Seconds | None = None


class Health(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """``health`` topic, retained, and the body of ``POST /v1/health``.

    ``number`` counts the messages of this session, so that one that is played again shows; ``up`` is the service's
    seconds.  ``outcomes`` counts presentations, ``orders`` the hub's commands by how they ended.
    """

    station: StationName
    session: Annotated[str, Meta(min_length=1, max_length=64, pattern=NO_NUL)]
    boot: Word = ""
    number: Annotated[int, Meta(ge=1, lt=1 << 53)]
    at: Moment
    up: Seconds
    interval: Annotated[float, Meta(gt=0, le=3600)] = INTERVAL
    versions: Versions = Versions()
    clock: ClockFigures = ClockFigures()
    journal: JournalFigures = JournalFigures()
    link: LinkFigures = LinkFigures()
    outcomes: Counts = {}
    decode: Histogram = Histogram()
    lookup: Histogram = Histogram()
    signal: Histogram = Histogram()
    camera: CameraFigures | None = None
    scanner: bool | None = None
    devices: Annotated[tuple[Device, ...], Meta(max_length=24)] = ()
    board: BoardFigures = BoardFigures()
    orders: Counts = {}
    place: PlaceFigures | None = None


class Taken(msgspec.Struct, frozen=True):
    """The answer to ``POST /v1/health``: the hub's clock."""

    hub_time: Moment


class State(msgspec.Struct, frozen=True):
    """The part of a health message whose change is told at once; figures that only drift are not in it."""

    devices: tuple[str, ...]
    troubles: tuple[str, ...]
    clock: str
    blind: str
    power: tuple[bool | None, ...]
    policy: int


def state_of(health: Health) -> State:
    """What of a message is worth telling at once when it differs from the last one's."""
    board, camera = health.board, health.camera
    return State(
        tuple(f"{one.name}\0{one.problem}" for one in health.devices),
        (
            health.journal.problem,
            health.link.problem,
            health.place.problem if health.place is not None else "",
            "set-aside" * health.journal.set_aside,
        ),
        health.clock.source,
        camera.blind if camera is not None else "",
        (board.under_voltage, board.throttled, health.scanner),
        health.versions.policy,
    )


class Look(msgspec.Struct, frozen=True):
    """One picture measured; shares of full white and of the pixels, ``sharpness`` as ``CameraFigures`` has it."""

    brightness: float
    contrast: float
    dark: float
    glare: float
    sharpness: float


BLACK = 0.06
"""Mean brightness of a covered lens, or of a night without a lamp."""

WHITE = 0.9
"""Share of saturated pixels in a picture that is white all over."""

FLAT = 0.012
"""Contrast of a picture with nothing in it but a sensor's noise."""

COVERED = 0.5
"""Share of its best sharpness below which a camera that sees nothing else has something before it."""

UNSHARP = 0.25
"""Share of its best sharpness below which a camera looks through dew, dust or a lens that has moved."""


def blindness(look: Look, best: float) -> str:
    """Why nothing can be read in such pictures, or nothing: ``dark``, ``white``, ``covered``, ``unsharp``.

    ``best`` is the sharpness that is usual for this camera: one that has always faced a bare wall is not blind.
    """
    if look.brightness < BLACK and look.glare < FLAT:
        return "dark"
    if look.glare > WHITE:
        return "white"
    if look.contrast < FLAT and look.sharpness < COVERED * best:
        return "covered"
    return "unsharp" if look.sharpness < UNSHARP * best else ""


def shortened(text: str, most: int) -> str:
    """A text that fits its bound and has no NUL, which no message may hold."""
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= most else text[: most - 1] + "…"


def devices_of(states: Sequence[tuple[str, str]]) -> tuple[Device, ...]:
    """The devices of a station, so few and so briefly that the message stays within its bytes, troubles first."""
    first = sorted(states, key=lambda one: not one[1]) if len(states) > _DEVICES else states
    return tuple(Device(shortened(name, 64), shortened(problem, _WORDS)) for name, problem in first[:_DEVICES])


_DEVICES, _WORDS = 12, 120
