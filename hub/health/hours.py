"""How long things took within the last hour, from histograms that only rise: a few are kept, half an hour apart."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from core.health import BUCKETS, Health, Histogram

APART = 1_800
KEPT = 3
"""Half an hour apart: the oldest is of an hour ago, or a little more."""

_HOUR = 3_600
_WIDE = 3
_AROUND = 1 << (8 * _WIDE)
"""Counts are kept modulo this, which no hour comes near."""

_SIZE = 4 + 3 * BUCKETS * _WIDE

Marks = bytes
"""One after the other: when, unix time, and the counts of decoding, look-ups and signals then; 121 bytes each."""


class Hour(NamedTuple):
    """What came within the hour, or since the service began if that is later."""

    since: datetime
    decode: Histogram
    lookup: Histogram
    signal: Histogram


def marked(marks: Marks, before: Health | None, health: Health, now: datetime) -> Marks:
    """The marks with one more when half an hour has gone by; those of another session are gone."""
    if before is None or before.session != health.session:
        marks = b""
    at = int(now.timestamp())
    if marks and at - int.from_bytes(marks[-_SIZE : 4 - _SIZE], "big") < APART:
        return marks
    counts = (*health.decode.counts, *health.lookup.counts, *health.signal.counts)
    packed = b"".join((count % _AROUND).to_bytes(_WIDE, "big") for count in counts)
    return (marks + at.to_bytes(4, "big") + packed)[-KEPT * _SIZE :]


def hour(marks: Marks, health: Health, now: datetime) -> Hour:
    """What came since the mark of an hour ago, or since the oldest there is; counts only, no sums of times."""
    every = [marks[first : first + _SIZE] for first in range(0, len(marks), _SIZE)]
    if not every:
        begun = datetime.fromtimestamp(now.timestamp() - health.up, UTC)
        return Hour(begun, health.decode, health.lookup, health.signal)
    old = [mark for mark in every if int.from_bytes(mark[:4], "big") <= now.timestamp() - _HOUR]
    mark = old[-1] if old else every[0]
    then = [int.from_bytes(mark[first : first + _WIDE], "big") for first in range(4, _SIZE, _WIDE)]
    wholes = (health.decode, health.lookup, health.signal)
    came = (_since(whole, then[place * BUCKETS : (place + 1) * BUCKETS]) for place, whole in enumerate(wholes))
    return Hour(datetime.fromtimestamp(int.from_bytes(mark[:4], "big"), UTC), *came)


def _since(whole: Histogram, then: list[int]) -> Histogram:
    return Histogram(tuple((count - earlier) % _AROUND for count, earlier in zip(whole.counts, then, strict=True)))


def read(raw: bytes | None) -> Marks:
    """The marks from the disk; none when another version wrote them."""
    return raw if raw and len(raw) % _SIZE == 0 else b""
