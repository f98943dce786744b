"""A standing in a few dozen bytes, so that a province of them fits on a card.

Layout, big-endian: flags (1), person key (16), then for each group that is there: destination ``at`` (4) and place
(3); health ``at`` (4) and marks (2); entry ``at`` (4), marks (2), arrival (3, when known), origin (3) and destination
(3); then the masked name in UTF-8, when there is one.  ``at`` is whole seconds since 1970, an arrival whole minutes
since 2020, marks one bit for each symptom and exposure of ``core.rules``.  Places and areas are numbers of words that
travel beside the entries; 0 is none.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec

from core.model import Area, DestinationGroup, Direction, EntryGroup, HealthGroup, Standing
from core.rules import EXPOSURES, SYMPTOMS, UNSPECIFIED

PERSON_BYTES: Final = 16
NAME_AT_MOST: Final = 60
"""Bytes of a masked name that are kept; a longer one is cut at a character."""

WORDS_AT_MOST: Final = (1 << 24) - 1


class PlaceWord(msgspec.Struct, frozen=True, tag="place"):
    """A place as an entry names it."""

    code: str
    name: str = ""


class AreaWord(msgspec.Struct, frozen=True, tag="area"):
    """An area as an entry names it."""

    area: Area


Word = PlaceWord | AreaWord
"""What an entry speaks of by number."""

NumberOf = Callable[[Word], int]
"""The number of a word, 1 to ``WORDS_AT_MOST``, always the same for the same word."""

WordOf = Callable[[int], Word | None]
"""The word of a number, or None when it is not known."""

_DESTINATION, _HEALTH, _ENTRY, _OUT, _PAPER, _ARRIVED, _BEFORE, _NAMED = (1 << bit for bit in range(8))
_MARKS: Final = (*SYMPTOMS, UNSPECIFIED, *EXPOSURES)
_BIT: Final = {mark: 1 << bit for bit, mark in enumerate(_MARKS)}
_SYMPTOMS: Final = frozenset((*SYMPTOMS, UNSPECIFIED))
_ARRIVALS_FROM: Final = datetime(2020, 1, 1, tzinfo=UTC)
_MINUTE: Final = timedelta(minutes=1)
_GOING_OUT, _GOING_IN = Direction.OUT, Direction.IN
_WHEN_AND_MARKS: Final = struct.Struct(">IH")
_WHEN_AND_WORD: Final = struct.Struct(">IBH")
_TWO_WORDS: Final = struct.Struct(">BHBH")


def pack(standing: Standing, number_of: NumberOf) -> bytes:
    """A standing's bytes; ``ValueError`` when its person key is not 16 bytes or a date is outside 1970 to 2106.

    A mark that ``core.rules`` does not know counts as the unspecified symptom, never as none.
    """
    flags, parts = 0, [bytes.fromhex(standing.person)]
    if len(parts[0]) != PERSON_BYTES:
        raise ValueError(f"a person key is {PERSON_BYTES} bytes; this one has {len(parts[0])}")
    for group in (_destination(standing, number_of), _health(standing), _entry(standing, number_of)):
        flags |= group[0]
        parts.append(group[1])
    if standing.name_masked:
        flags |= _NAMED
        parts.append(standing.name_masked.encode()[:NAME_AT_MOST].decode(errors="ignore").encode())
    return bytes((flags,)) + b"".join(parts)


def unpack(raw: bytes, word_of: WordOf, as_of: datetime) -> Standing:
    """The standing in these bytes, true at ``as_of``; ``ValueError`` when they are none."""
    destination = health = entry = None
    try:
        flags, at = raw[0], 1 + PERSON_BYTES
        if flags & _DESTINATION:
            destination, at = _read_destination(raw, at, flags, word_of)
        if flags & _HEALTH:
            health, at = _read_health(raw, at, flags)
        if flags & _ENTRY:
            entry, at = _read_entry(raw, at, flags, word_of)
    except (IndexError, struct.error) as error:
        raise ValueError("fewer bytes than the standing has") from error
    name = raw[at:].decode() if flags & _NAMED else ""
    if len(raw) < at or (len(raw) > at and not name):
        raise ValueError("more or fewer bytes than the standing has")
    return Standing(raw[1 : 1 + PERSON_BYTES].hex(), as_of, name, destination, health, entry)


def _destination(standing: Standing, number_of: NumberOf) -> tuple[int, bytes]:
    group = standing.destination
    if group is None:
        return 0, b""
    place = number_of(PlaceWord(group.place, group.place_name))
    flags = _DESTINATION | (_OUT if group.direction is Direction.OUT else 0)
    return flags, _seconds(group.at) + place.to_bytes(3, "big")


def _health(standing: Standing) -> tuple[int, bytes]:
    group = standing.health
    if group is None:
        return 0, b""
    marks = _marks(group.symptoms, group.exposures)
    return _HEALTH | (_PAPER if group.paper else 0), _seconds(group.at) + marks


def _entry(standing: Standing, number_of: NumberOf) -> tuple[int, bytes]:
    group = standing.entry
    if group is None:
        return 0, b""
    flags, arrival = _ENTRY | (_BEFORE if group.before_return else 0), b""
    if group.arrival is not None:
        flags |= _ARRIVED
        arrival = max(0, (group.arrival - _ARRIVALS_FROM) // _MINUTE).to_bytes(3, "big")
    ways = (_area(group.origin, number_of), _area(group.destination, number_of))
    return flags, _seconds(group.at) + _marks(group.symptoms, group.exposures) + arrival + b"".join(ways)


def _seconds(at: datetime) -> bytes:
    seconds = int(at.timestamp())
    if not 0 <= seconds < 1 << 32:
        raise ValueError(f"a date of {at.year} does not fit into an entry")
    return seconds.to_bytes(4, "big")


def _marks(symptoms: tuple[str, ...], exposures: tuple[str, ...]) -> bytes:
    marks = 0
    for mark in (*symptoms, *exposures):
        marks |= _BIT.get(mark, _BIT[UNSPECIFIED])
    return marks.to_bytes(2, "big")


def _area(area: Area | None, number_of: NumberOf) -> bytes:
    return (0 if area is None else number_of(AreaWord(area))).to_bytes(3, "big")


def _read_destination(raw: bytes, at: int, flags: int, word_of: WordOf) -> tuple[DestinationGroup, int]:
    seconds, high, low = _WHEN_AND_WORD.unpack_from(raw, at)
    word = word_of(high << 16 | low)
    if type(word) is not PlaceWord:
        raise ValueError("an entry names a place that did not come with it")
    direction = _GOING_OUT if flags & _OUT else _GOING_IN
    return DestinationGroup(datetime.fromtimestamp(seconds, UTC), word.code, word.name, direction), at + 7


def _read_health(raw: bytes, at: int, flags: int) -> tuple[HealthGroup, int]:
    seconds, bits = _WHEN_AND_MARKS.unpack_from(raw, at)
    symptoms, exposures = _marks_of(bits)
    when = datetime.fromtimestamp(seconds, UTC)
    return HealthGroup(when, symptoms, exposures, bool(flags & _PAPER)), at + 6


def _read_entry(raw: bytes, at: int, flags: int, word_of: WordOf) -> tuple[EntryGroup, int]:
    seconds, bits = _WHEN_AND_MARKS.unpack_from(raw, at)
    symptoms, exposures = _marks_of(bits)
    at += 6
    arrival = before_return = None
    if flags & _ARRIVED:
        arrival = _ARRIVALS_FROM + _number(raw, at) * _MINUTE
        before_return = bool(flags & _BEFORE)
        at += 3
    high, low, high_to, low_to = _TWO_WORDS.unpack_from(raw, at)
    origin, destination = _read_area(high << 16 | low, word_of), _read_area(high_to << 16 | low_to, word_of)
    when = datetime.fromtimestamp(seconds, UTC)
    return EntryGroup(when, arrival, origin, destination, before_return, symptoms, exposures), at + 6


def _number(raw: bytes, at: int) -> int:
    return raw[at] << 16 | raw[at + 1] << 8 | raw[at + 2]


@lru_cache(1 << 11)
def _marks_of(bits: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if bits >> len(_MARKS):
        raise ValueError("marks that no declaration has")
    marks = [mark for mark, bit in _BIT.items() if bits & bit]
    symptoms = tuple(mark for mark in marks if mark in _SYMPTOMS)
    return symptoms, tuple(mark for mark in marks if mark not in _SYMPTOMS)


def _read_area(number: int, word_of: WordOf) -> Area | None:
    if number == 0:
        return None
    word = word_of(number)
    if type(word) is not AreaWord:
        raise ValueError("an entry names an area that did not come with it")
    return word.area
