"""The chain of a journal: each row carries the hash of the exact bytes of the row before it.

A row's JSON bytes are made once, hashed, stored and sent as they are; nobody re-encodes them, so the chain can be
proven from either side.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated

import msgspec

from core.wire import Row, Seq, Sha256Hex, StationName


def genesis(station: str, epoch: str) -> str:
    """What the first row of an epoch carries as ``previous``."""
    return hashlib.sha256(f"tram-quet journal 1\0{station}\0{epoch}".encode()).hexdigest()


def digest(raw: bytes) -> str:
    """The hash that the next row carries: SHA-256 of the row's bytes, lower-case hex."""
    return hashlib.sha256(raw).hexdigest()


def context(station: str, epoch: str, seq: int) -> bytes:
    """The associated data that binds a seal to its row."""
    return f"{station}\0{epoch}\0{seq}".encode()


_any = msgspec.json.Decoder(msgspec.Raw)  # whether it is JSON, a fifth of what taking it apart costs


def travelling(raw: bytes) -> bytes:
    """A row's bytes as a batch carries them: as they are, unless they were damaged so that they are no JSON.

    Then as a JSON string with a character for each byte, so that the rows around them arrive all the same.
    """
    try:
        _any.decode(raw)
        str(raw, "utf-8")  # passed over by the line above
        whole = b"\n" not in raw  # where rows lie a line each
    except (ValueError, RecursionError):
        whole = False
    return raw if whole else msgspec.json.encode(raw.decode("latin-1"))


class Damaged(msgspec.Struct, frozen=True):
    """A damaged row in a file that is carried by hand: where it belongs, and its bytes as they would have travelled."""

    station: StationName
    epoch: str
    seq: int
    damaged: msgspec.Raw


class Gone(msgspec.Struct, frozen=True):
    """A line in a file that is carried by hand, before a row behind missing ones: the card has none through ``gone``.

    As ``core.wire.Batch`` says it; ``gone_hash`` is that of row ``gone``, by the card's word or by the row behind it.
    """

    station: StationName
    epoch: str
    gone: Seq
    gone_hash: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""


class Emptied(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stays of a row that was emptied for somebody's sake: its place in the chain and the hash of its bytes."""

    emptied: Sha256Hex  # first of all: see ``is_emptied``
    station: StationName
    epoch: str
    seq: Seq
    previous: Sha256Hex


_decoder = msgspec.json.Decoder(Row)
_emptied = msgspec.json.Decoder(Emptied)
_EMPTIED_BEGINS = b'{"emptied":'


def decode(raw: bytes) -> Row:
    """A row from its bytes; nothing but ``ValueError`` when it is not one, however deep it is nested."""
    try:
        return _decoder.decode(raw)
    except RecursionError as error:
        raise ValueError("nested deeper than any row") from error


def is_emptied(raw: bytes) -> bool:
    """Whether these bytes can only be those of an emptied row; a row's own begin with its station."""
    return raw.startswith(_EMPTIED_BEGINS)


def decode_emptied(raw: bytes) -> Emptied:
    """What stays of an emptied row; nothing but ``ValueError`` when it is none."""
    try:
        return _emptied.decode(raw)
    except RecursionError as error:
        raise ValueError("nested deeper than any row") from error


def placed(raw: bytes) -> Row | Emptied:
    """A row, whole or emptied, that says where it belongs; nothing but ``ValueError`` when it is none."""
    return decode_emptied(raw) if is_emptied(raw) else decode(raw)


def before(raw: bytes, station: str, epoch: str, seq: int) -> str | None:
    """The hash of the row before this one, by its word; None when its own bytes do not say that this is its place."""
    try:
        row = placed(raw)
    except ValueError:
        return None
    return row.previous if (row.station, row.epoch, row.seq) == (station, epoch, seq) else None


def emptied(raw: bytes) -> bytes:
    """The bytes that take a row's place when it is emptied; ``ValueError`` when it is no row."""
    row = decode(raw)
    marker = Emptied(emptied=digest(raw), station=row.station, epoch=row.epoch, seq=row.seq, previous=row.previous)
    return msgspec.json.encode(marker)


def hash_of(raw: bytes) -> str:
    """The hash that the next row carries and the hub knows it by, also of a row that was emptied or damaged since."""
    if is_emptied(raw):
        try:
            return decode_emptied(raw).emptied
        except ValueError:
            pass
    return digest(travelling(raw))


class Break(msgspec.Struct, frozen=True):
    """A place where a chain does not hold: the seq where it shows, and what is wrong there."""

    seq: int
    problem: str


class Link(msgspec.Struct, frozen=True):
    """The end of a proven stretch: the next row must be ``seq + 1`` and carry ``hash``; None: any hash will do."""

    seq: int
    hash: str | None

    def follow(self, raw: bytes, station: str, epoch: str) -> Link | Break:
        """The link after ``raw``, or the break that ``raw`` shows.

        What an emptied row says of the row before it is held against that row like any other's; its own hash is
        proven by the row after it.
        """
        try:
            row = placed(raw)
        except ValueError:
            return Break(self.seq + 1, "the row cannot be read")
        if (row.station, row.epoch) != (station, epoch):
            return Break(row.seq, "the row belongs to another journal")
        if row.seq != self.seq + 1:
            return Break(row.seq, f"expected row {self.seq + 1}, found {row.seq}")
        if self.hash is not None and row.previous != self.hash:
            return Break(row.seq, "the row before it was changed, or this row was inserted")
        return Link(row.seq, hash_of(raw))


def walk(raws: Iterable[bytes], station: str, epoch: str, start: Link | None = None) -> Link | Break:
    """Proves a chain from ``start`` (None: from the beginning of the epoch) to its last row, or the first break."""
    link = start if start is not None else Link(0, genesis(station, epoch))
    for raw in raws:
        step = link.follow(raw, station, epoch)
        if isinstance(step, Break):
            return step
        link = step
    return link
