"""Whether a declared origin lies in a zone, at the five levels of the administrative map.

Codes are compared as they are, within one edition.  Thôn/tổ and điểm are text inside a commune: compared in NFC,
casefolded, spaces collapsed, and then again without diacritics (``docs``: people type both ways).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import datetime
from enum import Enum

from core.model import Area
from core.rules import Zone


class Match(Enum):
    """How an origin stands to a zone; ``UNCLEAR``: it may lie inside, but does not say which hamlet."""

    OUTSIDE = 0
    UNCLEAR = 1
    INSIDE = 2


def fold(text: str) -> str:
    """Free text made comparable: NFC, casefolded, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def bare(text: str) -> str:
    """Folded text without diacritics; đ becomes d."""
    letters = unicodedata.normalize("NFD", fold(text)).replace("đ", "d")
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def same_text(one: str, other: str) -> bool:
    """Whether two names of a hamlet or point are the same, with or without their marks."""
    return fold(one) == fold(other) or bare(one) == bare(other)


def match(origin: Area, zone: Zone) -> Match:
    """How an origin stands to one zone, dates aside."""
    if origin.edition != zone.edition:
        return Match.OUTSIDE
    levels = ((zone.province, origin.province), (zone.district, origin.district), (zone.commune, origin.commune))
    if any(wanted and wanted != given for wanted, given in levels):
        return Match.OUTSIDE
    for wanted, given in ((zone.hamlet, origin.hamlet), (zone.point, origin.point)):
        if wanted and not given.strip():
            return Match.UNCLEAR
        if wanted and not same_text(wanted, given):
            return Match.OUTSIDE
    return Match.INSIDE


def in_force(zone: Zone, arrived: datetime) -> bool:
    """Whether an arrival at this time falls within the zone's dates, both ends included."""
    return (zone.since is None or arrived >= zone.since) and (zone.until is None or arrived <= zone.until)


def worst(origin: Area, zones: Iterable[Zone], arrived: datetime) -> Match:
    """The gravest match of an origin with the zones in force at its arrival."""
    found = (match(origin, zone) for zone in zones if in_force(zone, arrived))
    return max(found, key=lambda one: one.value, default=Match.OUTSIDE)
