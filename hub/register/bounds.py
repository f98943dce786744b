"""What a record may hold so that every database keeps it alike: the bounds of texts and numbers, whatever it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from core.model import Area
from hub.register import areas

WHOLE_END = 1 << 31
PLACE_AT_MOST = 64
CODES = {"province": 2, "district": 3, "commune": 5}
"""Digits of the official codes at each level."""

_LINES = frozenset({"address", "contact", "note", "places_been"})
"""Fields that may go over several lines."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_LINES = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def faults(record: msgspec.Struct, where: str, known_as: str = "") -> Iterator[str]:
    """Every field that is out of bounds, with the cure and never with its value; ``known_as`` names the record."""
    for path, problem in _of(record, ""):
        yield f"{where}{path}{known_as}: {problem}"


def _of(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, msgspec.Struct):
        if isinstance(value, Area):
            yield from _of_area(value, path)
        for name in value.__struct_fields__:
            yield from _of_field(name, getattr(value, name), f"{path}.{name}")
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _of(each, f"{path}[{key}]")
    elif isinstance(value, tuple):
        for number, each in enumerate(value):
            yield from _of(each, f"{path}[{number}]")
    elif isinstance(value, str) and _CONTROL.search(value):
        yield path, "holds a control character; take it out"
    elif isinstance(value, int) and value >= WHOLE_END:
        yield path, f"a whole number below {WHOLE_END}"


def _of_field(name: str, value: object, path: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, str):
        yield from _of(value, path)
    elif (_CONTROL_IN_LINES if name in _LINES else _CONTROL).search(value):
        yield path, "holds a control character; take it out"
    elif name == "place" and not 0 < len(value) <= PLACE_AT_MOST:
        yield path, f"1 to {PLACE_AT_MOST} characters, the code of a place"


def _of_area(area: Area, path: str) -> Iterator[tuple[str, str]]:
    if area.edition not in areas.EDITIONS:
        yield f"{path}.edition", f"one of {', '.join(sorted(areas.EDITIONS))}"
    for level, digits in CODES.items():
        code = getattr(area, level)
        if (code or level == "province") and re.fullmatch(f"[0-9]{{{digits}}}", code) is None:
            yield f"{path}.{level}", f"the official code, {digits} digits"
