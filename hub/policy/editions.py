"""A zone in both editions of the map: what is published for one edition holds for addresses of the other, too.

Declarations name the units of either edition, and a gate compares codes as they are, within one edition.  So a policy
is published with each of its zones told in the other edition beside it.  Communes were merged and a few divided: a unit
that lies only partly in the zone is taken in, because a zone had better warn one person too many, and is named in the
preview.  Pure but for the map's own data.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import msgspec

from core.model import Area
from core.rules import Policy, Zone
from hub.register import areas


class Told(msgspec.Struct, frozen=True):
    """A zone in the other edition: the zones that say it, and the units of those that lie in it only partly."""

    zones: tuple[Zone, ...]
    partly: tuple[Area, ...] = ()


@cache
def told(zone: Zone) -> Told:
    """What a zone is in the other edition; no zones when its unit is unknown there."""
    other = _other(zone.edition)
    own = _leaves(zone.edition, zone.commune or zone.district or zone.province)
    whole = {code for each in own for code in areas.counterparts(zone.edition, each)}
    partly = {code for code in whole if not set(areas.counterparts(other, code)) <= own}
    units = sorted(whole) if zone.hamlet or zone.point else _gathered(other, whole)
    return Told(
        tuple(_like(zone, area) for area in _areas(other, units)),
        tuple(_areas(other, sorted(partly))),
    )


def expanded(policy: Policy) -> Policy:
    """The policy with every zone in both editions, the given ones first; expanding it again changes nothing."""
    given = originals(policy.zones)
    derived = (each for zone in given for each in told(zone).zones)
    return msgspec.structs.replace(policy, zones=tuple(dict.fromkeys((*given, *derived))))


def originals(zones: Iterable[Zone]) -> tuple[Zone, ...]:
    """The zones that somebody chose: those that are not another one's in the other edition."""
    kept: dict[Zone, None] = {}
    derived: set[Zone] = set()
    for zone in zones:
        if zone not in derived:
            kept[zone] = None
            derived.update(told(zone).zones)
    return tuple(kept)


def title(zone: Zone) -> str:
    """A zone's area in words."""
    return areas.title(Area(zone.edition, zone.province, zone.district, zone.commune, zone.hamlet, zone.point))


class OnBothMaps(msgspec.Struct, frozen=True):
    """A zone for the preview: what it is called, on which map, and what it is called on the other."""

    name: str
    edition: str
    other: str
    names: tuple[str, ...]
    partly: tuple[str, ...]


def on_both_maps(policy: Policy) -> tuple[OnBothMaps, ...]:
    """Every zone that somebody chose, with what it matches in the other edition."""
    return tuple(_on_both(zone) for zone in originals(policy.zones))


def _on_both(zone: Zone) -> OnBothMaps:
    other = told(zone)
    names, partly = (title(each) for each in other.zones), (areas.title(each) for each in other.partly)
    return OnBothMaps(title(zone), zone.edition, _other(zone.edition), tuple(names), tuple(partly))


def _other(edition: str) -> str:
    return next((each for each in areas.EDITIONS if each != edition), "") if edition in areas.EDITIONS else ""


def _leaves(edition: str, code: str) -> set[str]:
    """The units below which there is none, of all that lie in one."""
    below = areas.under(edition, code)
    if not below:
        return {code}
    return {leaf for unit in below for leaf in _leaves(edition, unit.code)}


def _gathered(edition: str, wanted: set[str]) -> list[str]:
    """The same units by as few codes as say it: a district or province of which every unit is meant stands for them."""
    return [code for province in areas.provinces(edition) for code in _gather(edition, province.code, wanted)]


def _gather(edition: str, code: str, wanted: set[str]) -> list[str]:
    below = areas.under(edition, code)
    if not below:
        return [code] if code in wanted else []
    parts = [part for unit in below for part in _gather(edition, unit.code, wanted)]
    return [code] if parts == [unit.code for unit in below] else parts


def _areas(edition: str, codes: Iterable[str]) -> Iterable[Area]:
    found = (areas.area(edition, code) for code in codes)
    return (area for area in found if area is not None)


def _like(zone: Zone, area: Area) -> Zone:
    return msgspec.structs.replace(
        zone, edition=area.edition, province=area.province, district=area.district, commune=area.commune
    )
