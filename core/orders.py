"""Orders: what a hub may tell one station to do, signed and dated, and the station's word on what became of it.

On the way an order is a ``wire.Signed`` over the JSON of ``Order``, signed with the key that the station has pinned.
It speaks to one station, ends at ``not_after`` and is carried out once: a station that has seen its nonce only says
again what became of it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from core import keys, wire
from core.model import Direction, Moment
from core.wire import NO_NUL, Seq, StationName

LONGEST_LIFE = timedelta(days=62)
"""No order stands longer: nonces would have to be kept as long."""

CLOCKS_DIFFER_BY = timedelta(minutes=5)
"""An order issued further ahead than this says that the clock it is held against is wrong."""

SEQS_AT_MOST = 2_000
ROWS_AGAIN_AT_MOST = 1_000_000
DATA_AT_MOST = 512 << 10
"""Bytes of data that a result may bring, all its parts together."""

OrderId = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
Nonce = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Epoch = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
HourMinute = Annotated[str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]
District = Annotated[str, msgspec.Meta(max_length=16, pattern=r"^(|[0-9]{2}/[0-9]{1,8})$")]
PlaceCode = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[^\x00-\x1f]*$")]
Words = Annotated[str, msgspec.Meta(max_length=500, pattern=NO_NUL)]


class Identify(msgspec.Struct, frozen=True, tag="identify"):
    """Flash, beep and show the station's name."""

    seconds: Annotated[int, msgspec.Meta(ge=1, le=300)] = 20


class TrySignals(msgspec.Struct, frozen=True, tag="test-signal"):
    """Lamp, tune and page of every outcome in turn, each for so long; the door stays shut."""

    seconds: Annotated[int, msgspec.Meta(ge=1, le=10)] = 2


class Restart(msgspec.Struct, frozen=True, tag="restart"):
    """End the service, so that systemd starts it again."""


class Reboot(msgspec.Struct, frozen=True, tag="reboot"):
    """Start the whole board again."""


class Logs(msgspec.Struct, frozen=True, tag="logs"):
    """The last lines that the service has logged, gzip-compressed; at most so many, and so many KiB before that."""

    lines: Annotated[int, msgspec.Meta(ge=1, le=5_000)] = 500
    kib: Annotated[int, msgspec.Meta(ge=1, le=512)] = 128


class Aim(msgspec.Struct, frozen=True, tag="aim"):
    """Aiming mode, for so long, with the display saying so; 0 ends it."""

    seconds: Annotated[int, msgspec.Meta(ge=0, le=1_800)] = 300


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """One picture of the camera, in aiming mode only."""


class SetPlace(msgspec.Struct, frozen=True, tag="place"):
    """Stand at another place, or let people through another way; neither: as the configuration says.

    ``district`` is the place's, ``edition/code``: by it the station knows which policies speak to it.
    """

    place: PlaceCode = ""
    name: Annotated[str, msgspec.Meta(max_length=100, pattern=r"^[^\x00-\x1f]*$")] = ""
    direction: Direction | None = None
    district: District = ""


class HoldOpen(msgspec.Struct, frozen=True, tag="hold-open"):
    """Hold the door open for so long."""

    seconds: Annotated[int, msgspec.Meta(ge=1, le=3_600)] = 60


class OpenOnce(msgspec.Struct, frozen=True, tag="open"):
    """Open the door for one person, as long as the station's settings say."""


class CloseDoor(msgspec.Struct, frozen=True, tag="close"):
    """Close the door, unless the emergency input has opened it."""


class QuietHours(msgspec.Struct, frozen=True, tag="quiet"):
    """The hours of the day in which the buzzer is quiet; neither: as the configuration says."""

    start: HourMinute | None = None
    end: HourMinute | None = None

    def __post_init__(self) -> None:
        """Refuse half an interval and an empty one."""
        if (self.start is None) != (self.end is None) or (self.start is not None and self.start == self.end):
            raise ValueError("start, end: two different times, or neither")


class Resend(msgspec.Struct, frozen=True, tag="resend"):
    """Bring rows that the hub has, or had, once more."""

    epoch: Epoch
    first: Seq
    last: Seq

    def __post_init__(self) -> None:
        """Refuse a stretch that ends before it begins, and one without measure."""
        if not 0 <= self.last - self.first < ROWS_AGAIN_AT_MOST:
            raise ValueError(f"first, last: 1 to {ROWS_AGAIN_AT_MOST} rows")


class Erase(msgspec.Struct, frozen=True, tag="erase"):
    """Empty these rows, which are an erased person's: their bytes go, their hashes stay."""

    epoch: Epoch
    seqs: Annotated[tuple[Seq, ...], msgspec.Meta(min_length=1, max_length=SEQS_AT_MOST)]


Task = (
    Identify
    | TrySignals
    | Restart
    | Reboot
    | Logs
    | Aim
    | Snapshot
    | SetPlace
    | HoldOpen
    | OpenOnce
    | CloseDoor
    | QuietHours
    | Resend
    | Erase
)

KINDS: dict[str, type[Task]] = {str(kind.__struct_config__.tag): kind for kind in Task.__args__}
"""Every kind of order by its name."""


def kind_of(task: Task) -> str:
    """The name of a task's kind."""
    return str(task.__struct_config__.tag)


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="tram-quet order 1", tag_field="purpose"):
    """What every order says, also one whose kind this program does not know; the tag keeps it from being a policy."""

    id: OrderId
    station: StationName
    issued: Moment
    not_after: Moment
    nonce: Nonce


class Order(Header, frozen=True, kw_only=True, tag="tram-quet order 1", tag_field="purpose"):
    """One thing to do, once, for one station."""

    task: Task


Said = Literal["in-progress", "succeeded", "failed", "rejected"]


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """``done`` topic and ``POST /v1/orders/{id}/result``: what became of an order, and a part of the data it brings."""

    station: StationName
    order: OrderId
    status: Said
    at: Moment
    words: Words = ""
    media: Annotated[str, msgspec.Meta(max_length=64, pattern=NO_NUL)] = ""
    part: Annotated[int, msgspec.Meta(ge=1, le=512)] = 1
    parts: Annotated[int, msgspec.Meta(ge=1, le=512)] = 1
    data: str = ""  # base64


class Waiting(msgspec.Struct, frozen=True):
    """The answer to ``GET /v1/orders``: what waits for this station, oldest first, and the hub's time."""

    orders: tuple[wire.Signed, ...]
    hub_time: Moment


class NotOurs(ValueError):
    """Why a document is no order to this station: nobody who may order it has signed it, or it is another's."""


class NotKnown(ValueError):
    """An order to this station that it cannot understand; ``header`` says which."""

    def __init__(self, header: Header, problem: str) -> None:
        super().__init__(problem)
        self.header = header


def read(public: bytes, document: bytes, station: str) -> Order:
    """The order in a document; ``NotOurs`` and ``NotKnown`` say why there is none to carry out.

    ``public`` is the pinned key; an empty one believes nobody.
    """
    if not public:
        raise NotOurs("no key is pinned by which an order could be believed")
    try:
        payload = keys.verify(public, wire.decode(document, wire.Signed))
        header = wire.decode(payload, Header)
    except ValueError as error:
        raise NotOurs(str(error)) from error
    if header.station != station:
        raise NotOurs("it is another station's")
    try:
        return wire.decode(payload, Order)
    except ValueError as error:
        raise NotKnown(header, f"this version does not know such an order: {error}"[:200]) from error


def objection(header: Header, now: datetime | None) -> str:
    """Why an order may not be carried out at ``now``, the hub's time as far as it is known; empty when it may."""
    if now is None:
        return "this station does not know the time: nobody has set its clock, and it has not heard the hub's"
    if now > header.not_after:
        return f"expired at {header.not_after:%Y-%m-%d %H:%M:%S}Z, before this station could read it"
    if header.issued > now + CLOCKS_DIFFER_BY:
        return "issued in the future by this station's clock, which is behind"
    if header.not_after - header.issued > LONGEST_LIFE:
        return f"stands longer than {LONGEST_LIFE.days} days"
    return ""


def sign(private: bytes, order: Order) -> wire.Signed:
    """The document that brings an order."""
    return keys.sign(private, wire.encode(order))


def in_parts(result: Result, data: bytes, most: int) -> Iterator[Result]:
    """A result with its data, in as many messages of at most ``most`` bytes of data as that takes."""
    parts = max(1, -(-len(data) // most))
    for part in range(1, parts + 1):
        piece = data[(part - 1) * most : part * most]
        yield msgspec.structs.replace(result, part=part, parts=parts, data=base64.b64encode(piece).decode())
