"""How long things took within the last hour, from histograms that only rise: a few are kept, a quarter apart."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from core.health import BUCKETS, Health, Histogram

QUARTER = 900
KEPT = 5
"""A quarter apart: the oldest is of an hour ago, or a little more."""

_decoder = msgspec.msgpack.Decoder(tuple[tuple[int, tuple[int, ...]], ...])

Marks = tuple[tuple[int, bytes], ...]
"""When, unix time, and the counts of decoding, look-ups and signals then."""


class Hour(NamedTuple):
    """What came within the hour, or since the service began if that is later."""

    since: datetime
    decode: Histogram
    lookup: Histogram
    signal: Histogram


def marked(marks: Marks, before: Health | None, health: Health, now: datetime) -> Marks:
    """The marks with one more when a quarter has gone by; those of another session are gone."""
    if before is None or before.session != health.session:
        marks = ()
    at = int(now.timestamp())
    if marks and at - marks[-1][0] < QUARTER:
        return marks
    return (*marks, (at, _packed(health)))[-KEPT:]


def hour(marks: Marks, health: Health, now: datetime) -> Hour:
    """What came since the mark of an hour ago, or since the oldest there is."""
    old = [mark for mark in marks if mark[0] <= now.timestamp() - 4 * QUARTER]
    mark = old[-1] if old else marks[0] if marks else None
    begun = datetime.fromtimestamp(now.timestamp() - health.up, UTC)
    if mark is None:
        return Hour(begun, health.decode, health.lookup, health.signal)
    counts = _unpacked(mark[1])
    pairs = zip((health.decode, health.lookup, health.signal), counts, strict=True)
    decode, lookup, signal = (whole.since(Histogram(then)) for whole, then in pairs)
    return Hour(datetime.fromtimestamp(mark[0], UTC), decode, lookup, signal)


def kept(marks: Marks) -> bytes:
    """The marks for the disk."""
    return msgspec.msgpack.encode([(at, [each for counts in _unpacked(raw) for each in counts]) for at, raw in marks])


def read(raw: bytes | None) -> Marks:
    """The marks from the disk; none when another version wrote them."""
    try:
        return tuple((at, _bytes(counts)) for at, counts in _decoder.decode(raw)) if raw else ()
    except (msgspec.MsgspecError, OverflowError):
        return ()


def _packed(health: Health) -> bytes:
    return _bytes([*health.decode.counts, *health.lookup.counts, *health.signal.counts])


def _bytes(counts: Iterable[int]) -> bytes:
    return b"".join(min(count, (1 << 48) - 1).to_bytes(6, "big") for count in counts)


def _unpacked(raw: bytes) -> tuple[tuple[int, ...], ...]:
    counts = [int.from_bytes(raw[place : place + 6], "big") for place in range(0, len(raw), 6)]
    return tuple(tuple(counts[first : first + BUCKETS]) for first in range(0, 3 * BUCKETS, BUCKETS))
