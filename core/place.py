"""The gates of one place: what they tell each other without the hub, and how their words are merged.

Each gate tells each going through once it is recorded, under tags that all gates of the place make alike and nobody
else can make.  Telling is idempotent: a going through is known by ``(station, epoch, seq)``.  The merge: of one person
the newest going through counts, of two at one moment that of the station whose name comes last.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from core import keys, wire
from core.model import Direction, Moment
from core.movement import Passage
from core.rules import GateRules

MOST_SEEN = 50
"""Goings through that one message tells at most."""

MOST_BYTES = 65_536
"""No message is larger."""

PART = 512
"""Numbers of a journal that are one part of it: what a gate holds of another's is compared by parts."""

MOST_HELD = 350
"""Parts that one message speaks of at most; of what is left out a gate is told again."""

SPEAKS = 2
"""What a gate of today speaks; the first ones (1) did not say what they hold."""

AHEAD = timedelta(minutes=5)
"""What is dated further ahead of a gate's own clock is not believed."""

_DAY_BEGINS = timedelta(hours=4)  # before midnight in UTC: at three in the morning in Viet Nam, when least is open
_NAMES_AT_MOST = 2  # the code shown, and the person key that joins a person's codes

Name = tuple[str, str]
Tag = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class Seen(msgspec.Struct, frozen=True, omit_defaults=True):
    """One going through; ``tags`` of the code and, where it was known, of the person; ``passed`` False: admitted."""

    epoch: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    seq: wire.Seq
    at: Moment
    direction: Direction
    tags: Annotated[tuple[Tag, ...], Meta(min_length=1, max_length=_NAMES_AT_MOST)]
    passed: bool = True


class Held(msgspec.Struct, frozen=True, array_like=True):
    """How much of one part of a station's journal a gate has in its book.

    ``part`` is ``seq // PART``, ``sum`` that of ``seq % PART``: whoever has as many, with the same sum, has the same.
    """

    station: wire.StationName
    epoch: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    part: Annotated[int, Meta(ge=0)]
    count: Annotated[int, Meta(ge=1, le=PART)]
    sum: Annotated[int, Meta(ge=0)]


class Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a gate tells: goings through, and what it ``has`` of the others', who tell it again what it lacks.

    ``asks``: they are to say what they have in their turn; a gate that speaks 1 then tells its day again.
    """

    place: str
    station: wire.StationName
    seen: Annotated[tuple[Seen, ...], Meta(max_length=MOST_SEEN)] = ()
    asks: bool = False
    has: Annotated[tuple[Held, ...], Meta(max_length=MOST_HELD)] | None = None
    speaks: Annotated[int, Meta(ge=1)] = 1


class Vouched(msgspec.Struct, frozen=True):
    """``tq/v1/place/<place>/seen``: a ``Word`` as base64, and the proof that its sender holds the place's key."""

    payload: str
    mac: str


class Dropped(ValueError):
    """A message that is not taken in; its text is ``rubbish``, ``strange`` (another key) or ``foreign`` (place)."""


class Step(msgspec.Struct, frozen=True):
    """A going through as a gate keeps it; ``turn`` rises with the order in which this gate came to know of them."""

    station: str
    seen: Seen
    turn: int

    @property
    def order(self) -> tuple[datetime, str, str, int]:
        """Its place in the merge of all gates."""
        return self.seen.at, self.station, self.seen.epoch, self.seen.seq

    @property
    def passage(self) -> Passage:
        """What the rules of movement need of it."""
        return Passage(self.seen.at, self.seen.direction, self.seen.passed)


class Conflict(msgspec.Struct, frozen=True):
    """Somebody went the same way twice, at two gates that did not know of each other then."""

    earlier: Step
    later: Step


def day_of(at: datetime) -> date:
    """The day whose key makes the tags of this moment."""
    return (at.astimezone(UTC) + _DAY_BEGINS).date()


def days_of(now: datetime) -> tuple[date, date]:
    """The days whose goings through count now: today and yesterday, so that a night shift finds the evening's."""
    return day_of(now), day_of(now) - timedelta(days=1)


def tags(place_key: bytes, day: date, names: Sequence[Name]) -> tuple[str, ...]:
    """What the gates of this place call a person on a day, a tag for each name."""
    day_key = keys.place_day_key(place_key, day)
    return tuple(keys.tag(day_key, day, scheme, value) for scheme, value in names)


def vouch(place_key: bytes, word: Word) -> bytes:
    """The message that tells a word."""
    payload = wire.encode(word)
    return wire.encode(Vouched(base64.b64encode(payload).decode(), keys.place_mac(place_key, payload)))


def heard(place_key: bytes, place: str, raw: bytes) -> Word:
    """The word in a message; ``Dropped`` when it is none, or no gate's of this place."""
    if len(raw) > MOST_BYTES:
        raise Dropped("rubbish")
    try:
        vouched = wire.decode(raw, Vouched)
        payload = base64.b64decode(vouched.payload, validate=True)
        mac = vouched.mac.encode()
    except (binascii.Error, ValueError) as error:
        raise Dropped("rubbish") from error
    if not hmac.compare_digest(keys.place_mac(place_key, payload).encode(), mac):
        raise Dropped("strange")
    try:
        word = wire.decode(payload, Word)
    except ValueError as error:
        raise Dropped("rubbish") from error
    if word.place != place:
        raise Dropped("foreign")
    return word


def doubt(seen: Seen, now: datetime) -> str:
    """Why a going through that a neighbour tells is not believed, in a word, or nothing."""
    if seen.direction is Direction.TOGGLE:
        return "rubbish"
    try:
        if seen.at - now > AHEAD:
            return "ahead"
        return "" if day_of(seen.at) >= days_of(now)[1] else "old"
    except OverflowError:  # at the ends of the calendar
        return "rubbish"


def newest(steps: Iterable[Step], now: datetime) -> Step | None:
    """The going through that counts of one person's; None without any.

    What a clock that was ahead has dated counts when its time has come, or nothing after it would.
    """
    believed = (step for step in steps if step.seen.at - now <= AHEAD)
    return max(believed, key=lambda step: step.order, default=None)


def window(gate: Direction, rules: GateRules) -> float:
    """For how many seconds a gate would have done otherwise had it known of somebody's going the same way before.

    Where people are let in once a while, later is no conflict: they would have been let in all the same.
    """
    if rules.anti_passback or gate is Direction.TOGGLE:
        return float(rules.inside_at_most)
    return float(rules.repeat_window)


def people(steps: Iterable[Step]) -> Iterator[list[Step]]:
    """The goings through of each person in their order; whoever shares a tag is one, through others, too."""
    above: dict[str, str] = {}

    def top(tag: str) -> str:
        while (over := above.setdefault(tag, tag)) != tag:
            above[tag] = above[over]
            tag = over
        return tag

    known = sorted(steps, key=lambda step: step.order)
    for step in known:
        for tag in step.seen.tags[1:]:
            above[top(tag)] = top(step.seen.tags[0])
    found: defaultdict[str, list[Step]] = defaultdict(list)
    for step in known:
        found[top(step.seen.tags[0])].append(step)
    yield from found.values()


def conflicts(steps: Iterable[Step], own: str, longest: float) -> list[Conflict]:
    """Where a split let somebody go the same way twice within ``longest`` seconds, without the other way in between.

    The gate that let them go the second time has it (``own``): it came to know of the first only afterwards.  So each
    is counted once in a place, and what came with the knowledge of all gates is none.
    """
    return [
        Conflict(earlier, later)
        for person in people(steps)
        for earlier, later in pairwise(person)
        if later.station == own != earlier.station
        and later.turn < earlier.turn
        and later.seen.direction is earlier.seen.direction
        and later.seen.at - earlier.seen.at <= timedelta(seconds=longest)
    ]


def inside(steps: Iterable[Step], longest: float, now: datetime) -> int:
    """How many are inside: those whose last going through was in, at most ``longest`` seconds ago."""
    since = now - timedelta(seconds=longest)
    last = Counter(person[-1].seen.direction for person in people(steps) if person[-1].seen.at >= since)
    return last[Direction.IN]
