"""Who stands where and what will go wrong with whom: all of it drawn from one seed, before anything runs."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Collection, Iterator, Sequence

import msgspec

from core.model import GateKind
from hub.errors import DataError
from hub.register.people import PlaceRecord
from hub.simulation.pattern import SIZES, Clocks, Fault, Pattern
from hub.synthetic import map

_TITLES: dict[GateKind, tuple[str, ...]] = {
    GateKind.VENUE: (
        "Chợ",
        "Siêu thị",
        "Nhà văn hóa",
        "Trường tiểu học",
        "Trường THCS",
        "Quán cơm",
        "Bến xe",
        "Thư viện",
        "Sân vận động",
        "Nhà hàng",
        "Trung tâm hành chính",
        "Nhà thi đấu",
    ),
    GateKind.CHECKPOINT: ("Chốt", "Chốt cầu", "Chốt đường tránh"),
    GateKind.HEALTH_POST: ("Trạm Y tế", "Phòng khám", "Điểm tiêm"),
}
_WORDS = {GateKind.VENUE: "cho", GateKind.CHECKPOINT: "chot", GateKind.HEALTH_POST: "tram"}


class Clock(msgspec.Struct, frozen=True):
    """How one board's clock runs: seconds it is ahead at the start, seconds a second it gains; whether it is set."""

    ahead: float
    drift: float
    is_set: bool = True

    def off(self, elapsed: float) -> float:
        """Seconds that it is ahead after so many simulated ones."""
        return self.ahead + self.drift * elapsed


class Trouble(msgspec.Struct, frozen=True):
    """One fault at one station; seconds after the start, its kind's usual size where the pattern names none."""

    kind: str
    begins: float
    ends: float
    size: float
    how: str
    crowd: float


class Post(msgspec.Struct, frozen=True):
    """One station: its name, where its gate stands, how its clock runs, and what will go wrong with it."""

    name: str
    kind: GateKind
    place: str
    commune: str
    clock: Clock
    troubles: tuple[Trouble, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """A whole fleet: its places and its stations, in the order in which they connect."""

    places: tuple[PlaceRecord, ...]
    posts: tuple[Post, ...]


def draw(pattern: Pattern, stations: int, seed: int, prefix: str = "sim", *, strict: bool = True) -> Plan:
    """The fleet of a pattern and a seed; ``DataError`` when a fault finds no station to be at.

    Not ``strict``: such a fault is left out.
    """
    places: list[PlaceRecord] = []
    posts: list[Post] = []
    dice = random.Random(f"{seed}/places")  # noqa: S311  # the point is that it repeats
    for kind, share in _shares(pattern, stations):
        posts += _stand(pattern, kind, share, prefix, places, dice)
    dice.shuffle(posts)
    clocks = random.Random(f"{seed}/clocks")  # noqa: S311
    named = [
        msgspec.structs.replace(post, name=f"{prefix}-{number:04}", clock=_clock(pattern.clocks, clocks))
        for number, post in enumerate(posts, 1)
    ]
    return Plan(tuple(places), tuple(_troubled(pattern.faults, named, seed, strict=strict)))


def _shares(pattern: Pattern, stations: int) -> Iterator[tuple[GateKind, int]]:
    """How many stations stand at each kind of place; what rounding leaves goes to whom it took most from."""
    wanted = {kind: crowd.share * stations for kind, crowd in pattern.crowds.items()}
    counts = {kind: math.floor(share) for kind, share in wanted.items()}
    short = sorted(wanted, key=lambda kind: counts[kind] - wanted[kind])
    for kind in short[: stations - sum(counts.values())]:
        counts[kind] += 1
    yield from counts.items()


def _stand(
    pattern: Pattern, kind: GateKind, stations: int, prefix: str, places: list[PlaceRecord], dice: random.Random
) -> Iterator[Post]:
    several = pattern.crowds[kind].stations_a_place
    for number in range(math.ceil(stations / several)):
        place = _place(kind, number, prefix, dice, {each.name for each in places})
        places.append(place)
        for _ in range(min(several, stations - number * several)):
            yield Post("", kind, place.code, place.area.commune, Clock(0.0, 0.0))


def _place(kind: GateKind, number: int, prefix: str, dice: random.Random, had: Collection[str]) -> PlaceRecord:
    district, commune, name = dice.choice(map.COMMUNES)
    title = _TITLES[kind][number % len(_TITLES[kind])]
    whole = f"{title} {name.removeprefix('Phường ').removeprefix('Xã ').removeprefix('Thị trấn ')}"
    return PlaceRecord(
        code=f"{prefix}-{_WORDS[kind]}-{number + 1:04}",
        name=next(name for name in _numbered(whole) if name not in had),
        kind=kind,
        area=map.home(district, commune),
    )


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} {number}" for number in itertools.count(2))


def _clock(clocks: Clocks, dice: random.Random) -> Clock:
    ahead, drift = dice.gauss(0, clocks.off_ms / 1_000), dice.gauss(0, clocks.drift_ppm / 1_000_000)
    return Clock(round(ahead, 6), round(drift, 9), dice.random() >= clocks.guess)


def _troubled(faults: Sequence[Fault], posts: list[Post], seed: int, *, strict: bool) -> Iterator[Post]:
    """The stations with their faults; one that chance picked is picked only once, so that each fault is seen."""
    taken = {name for fault in faults for name in fault.stations}
    own: dict[str, list[Trouble]] = {}
    missing: list[str] = []
    for number, fault in enumerate(faults, 1):
        free = [post.name for post in posts if post.name not in taken and fault.at in (None, post.kind)]
        at: Sequence[str] = fault.stations
        if not at:
            dice = random.Random(f"{seed}/fault {number}")  # noqa: S311
            at = sorted(dice.sample(free, min(fault.count, len(free))))
            missing += _unmet(number, fault, len(at))
        missing += [f"fault {number}: stations: no {name} in a fleet of {len(posts)}" for name in _strange(at, posts)]
        taken |= set(at)
        for name in at:
            own.setdefault(name, []).append(_of(fault))
    if missing and strict:
        raise DataError(missing)
    for post in posts:
        yield msgspec.structs.replace(post, troubles=tuple(own.get(post.name, ())))


def _unmet(number: int, fault: Fault, found: int) -> Iterator[str]:
    if found < fault.count:
        where = f" at a {fault.at.value}" if fault.at is not None else ""
        left = f"{found} of {fault.count} stations{where} are left for it"
        yield f"fault {number}: count: {left}; ask for more --stations"


def _strange(names: Sequence[str], posts: Sequence[Post]) -> list[str]:
    known = {post.name for post in posts}
    return [name for name in names if name not in known]


def _of(fault: Fault) -> Trouble:
    usual = SIZES.get(fault.kind, (0.0, ""))[0]
    size = fault.size if fault.size is not None else usual
    return Trouble(fault.kind, fault.begins, fault.ends, size, fault.how, fault.crowd)
