"""The administrative map in both editions: 63 provinces with districts, and the 34 without them since July 2025.

A code means nothing without its edition, because codes were reused: every unit is ``(edition, code)``.  Lists come in
the order in which a reader looks for a name.  Data: ``units.json``, made by ``generate`` (see ``NOTICE``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from core.model import Area
from core.zones import bare

UNITS = Path(__file__).with_name("units.json")
KINDS = {
    "P": "Phường",
    "X": "Xã",
    "N": "Thị trấn",
    "K": "Đặc khu",
    "Q": "Quận",
    "H": "Huyện",
    "S": "Thị xã",
    "C": "Thành phố",
    "T": "Tỉnh",
}
"""Kinds of unit by the letter that stands for each in the data."""

EDITIONS = ("34", "63")
FOUND_AT_MOST = 20
HUE = "46"
"""Huế's province code; it is the same in both editions."""

Point = tuple[float, float]
"""Degrees north and east."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A province, district or commune; ``parent`` is the code of the unit above it, empty for a province."""

    edition: str
    code: str
    name: str
    parent: str = ""
    became: tuple[str, ...] = ()
    middle: Point | None = None


@dataclass(frozen=True, slots=True)
class _Edition:
    units: dict[str, Unit] = field(default_factory=dict)
    under: dict[str, list[Unit]] = field(default_factory=dict)

    def add(self, edition: str, line: str, parent: str = "") -> str:
        unit = _unit(edition, line, parent)
        self.units[unit.code] = unit
        self.under.setdefault(parent, []).append(unit)
        return unit.code


def provinces(edition: str) -> tuple[Unit, ...]:
    """Every province of an edition; none of an edition that there is not."""
    return under(edition, "")


def under(edition: str, code: str) -> tuple[Unit, ...]:
    """The units right below one: a province's districts or (34) communes, a district's communes."""
    known = _map().get(edition)
    return () if known is None else tuple(known.under.get(code, ()))


def find(edition: str, code: str) -> Unit | None:
    """The unit with this code: two digits for a province, three for a district, five for a commune."""
    known = _map().get(edition)
    return None if known is None else known.units.get(code)


def area(edition: str, code: str, hamlet: str = "") -> Area | None:
    """A unit with everything above it as an address; None when there is no such unit."""
    codes = {"": ""}
    unit = find(edition, code)
    if unit is None:
        return None
    while unit is not None:
        codes[_LEVELS[len(unit.code)]] = unit.code
        unit = find(edition, unit.parent)
    return Area(edition, codes["province"], codes.get("district", ""), codes.get("commune", ""), hamlet)


def exists(given: Area) -> bool:
    """Whether an address names units of its edition that lie in each other."""
    lowest = given.commune or given.district or given.province
    known = area(given.edition, lowest)
    return known is not None and (known.province, known.district, known.commune) == (
        given.province,
        given.district,
        given.commune,
    )


def is_whole(given: Area) -> bool:
    """Whether an address goes down to a commune, or to an island district that has none."""
    return exists(given) and bool(given.commune or (given.district and not under(given.edition, given.district)))


def lowest(given: Area | None) -> str:
    """The smallest unit that an address names, as ``edition/code``; empty when it names none."""
    code = "" if given is None else given.commune or given.district or given.province
    return f"{given.edition}/{code}" if given is not None and code else ""


def reach(whole: str) -> set[str]:
    """Every unit, as ``edition/code``, that lies in one or became, or came out of, one that does; itself too."""
    edition, _, code = whole.partition("/")
    own, below = {code}, [code]
    while below:
        below = [unit.code for each in below for unit in under(edition, each)]
        own.update(below)
    if edition == "34":
        over = {before for each in own for before in _came_from().get(each, ())}
        return {f"34/{each}" for each in own} | {f"63/{each}" for each in over}
    units = (find(edition, each) for each in own)
    return {f"{edition}/{each}" for each in own} | {f"34/{code}" for unit in units if unit for code in unit.became}


def counterparts(edition: str, code: str) -> tuple[str, ...]:
    """What a commune (or an island district) of one edition is in the other: the codes of all it shares ground with."""
    if edition == "34":
        return tuple(sorted(_came_from().get(code, ())))
    unit = find(edition, code)
    return () if unit is None else unit.became


def title(given: Area) -> str:
    """An address in words, the smallest unit first; codes that nobody knows are left out."""
    units = (find(given.edition, code) for code in (given.commune, given.district, given.province))
    return ", ".join([*filter(None, (given.point, given.hamlet)), *(unit.name for unit in units if unit is not None)])


def converted(given: Area) -> tuple[Area, ...]:
    """What an address of the 63 became in the 34, the usual one first; itself when it is of the 34.

    Nothing when it does not say its commune.  Hamlet and point go along: they have no codes in either.
    """
    if given.edition == "34":
        return (given,)
    unit = find(given.edition, given.commune or given.district)
    every = [area("34", code, given.hamlet) for code in (() if unit is None else unit.became)]
    return tuple(
        Area(each.edition, each.province, "", each.commune, each.hamlet, given.point) for each in every if each
    )


def middle(given: Area) -> Point | None:
    """About where an address lies: the middle of its commune of today, else of its district; None when unsaid."""
    commune = next(iter(converted(given)), None)
    unit = find("34", commune.commune) if commune is not None else None
    unit = unit or find(given.edition, given.district)
    return None if unit is None else unit.middle


def search(text: str, edition: str, within: str = "", limit: int = FOUND_AT_MOST) -> tuple[Area, ...]:
    """Communes (and districts) whose names begin with the words of ``text``, typed with or without diacritics.

    ``within`` narrows to a province.  Those whose own name begins with the words are first.
    """
    words = [f" {word}" for word in _key(text).replace(",", " ").split()]
    if not words:
        return ()
    found = [
        ([hay.index(word) for word in words], number, code)
        for number, (code, province, hay) in enumerate(_hay(edition))
        if (not within or province == within) and all(word in hay for word in words)
    ]
    areas = (area(edition, code) for _, _, code in sorted(found)[:limit])
    return tuple(each for each in areas if each is not None)


_LEVELS = {2: "province", 3: "district", 5: "commune"}


@cache
def _hay(edition: str) -> tuple[tuple[str, str, str], ...]:
    return tuple(_straws(edition))


def _straws(edition: str) -> Iterator[tuple[str, str, str]]:
    """Code, province and words of every unit below the provinces: names first, the words for their kinds last."""
    for province in provinces(edition):
        for unit in under(edition, province.code):
            yield unit.code, province.code, _straw(unit, province)
            for commune in under(edition, unit.code):
                yield commune.code, province.code, _straw(commune, unit, province)


def _straw(*units: Unit) -> str:
    kinds = [next(kind for kind in KINDS.values() if unit.name.startswith(f"{kind} ")) for unit in units]
    names = [unit.name[len(kind) + 1 :] for unit, kind in zip(units, kinds, strict=True)]
    return "".join(f" {_key(text)}" for text in (*names, *kinds))


def _key(text: str) -> str:
    """Text as it is compared: without marks, and with i for y, because both spellings are in use (Vĩ Dạ, Vỹ Dạ)."""
    return bare(text).replace("y", "i")


@cache
def _map() -> dict[str, _Edition]:
    return {edition: _read(edition, given) for edition, given in json.loads(UNITS.read_text("utf-8")).items()}


@cache
def _came_from() -> dict[str, set[str]]:
    """Which units of the 63 each commune of the 34 was made of."""
    found: dict[str, set[str]] = {}
    for unit in _map()["63"].units.values():
        for code in unit.became:
            found.setdefault(code, set()).add(unit.code)
    return found


def _read(edition: str, given: list[dict[str, Any]]) -> _Edition:
    known = _Edition()
    for province in given:
        top = known.add(edition, province["unit"])
        _communes(known, edition, province.get("communes", ""), top)
        for district in province.get("districts", ()):
            _communes(known, edition, district["communes"], known.add(edition, district["unit"], top))
    return known


def _communes(known: _Edition, edition: str, lines: str, parent: str) -> None:
    for line in lines.splitlines():
        known.add(edition, line, parent)


def _unit(edition: str, line: str, parent: str) -> Unit:
    line, _, where = line.partition("@")
    line, _, became = line.partition(">")
    digits = next(at for at, letter in enumerate(line) if letter in KINDS)
    north, _, east = where.partition(",")
    return Unit(
        edition,
        line[:digits],
        f"{KINDS[line[digits]]} {line[digits + 1 :]}",
        parent,
        tuple(became.split(",")) if became else (),
        (float(north), float(east)) if where else None,
    )
