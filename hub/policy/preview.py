"""A policy in plain sentences, for whoever is about to publish it: one list for each gate kind it speaks to.

Pure: the words come through ``t`` (a catalogue key and its values to text), the names of areas through ``title``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import msgspec

from core.model import Area, GateKind
from core.rules import UNSPECIFIED, FlaggedPlace, GateRules, Group, Policy, Zone
from hub.localtime import there
from hub.register import areas

Words = Callable[..., str]
Title = Callable[[Area], str]

_GROUPS: tuple[Group, ...] = ("destination", "health", "entry")
_UNITS = ((86_400, "days"), (3_600, "hours"), (60, "minutes"), (1, "seconds"))


class Section(msgspec.Struct, frozen=True):
    """What one gate kind does, in sentences."""

    kind: GateKind
    sentences: tuple[str, ...]


def sections(policy: Policy, t: Words, title: Title, places: Mapping[str, str]) -> tuple[Section, ...]:
    """The sentences of every gate kind that the policy's scope reaches; ``places`` names flagged places by code."""
    return tuple(Section(kind, tuple(_sentences(policy, kind, t, title, places))) for kind in kinds_of(policy.scope))


def kinds_of(scope: str) -> tuple[GateKind, ...]:
    """The gate kinds a scope speaks to."""
    only = scope.removeprefix("kind/") if scope.startswith("kind/") else ""
    return tuple(kind for kind in GateKind if only in ("", kind.value))


def duration(seconds: int, t: Words) -> str:
    """A length of time in its largest whole unit."""
    size, unit = next((size, unit) for size, unit in _UNITS if seconds % size == 0)
    return t(f"time-{unit}", count=seconds // size)


def day(moment: datetime) -> str:
    """A moment as people here write it: the day, with the hour where it is not midnight."""
    local = there(moment)
    return f"{local:%d/%m/%Y}" if (local.hour, local.minute) == (0, 0) else f"{local:%H:%M %d/%m/%Y}"


def _sentences(policy: Policy, kind: GateKind, t: Words, title: Title, places: Mapping[str, str]) -> Iterator[str]:
    gate = policy.rules_for(kind)
    yield from _asked(gate, t)
    yield from _declared(gate, t)
    if gate.zones:
        yield from (_zone(zone, t, title) for zone in policy.zones)
    if gate.places:
        yield from (_place(place, places.get(place.place, place.place), t) for place in policy.places)
    yield from _moving(gate, t)
    yield t(f"says-unasked-{gate.unasked}", time=duration(gate.held_at_most, t))


def _asked(gate: GateRules, t: Words) -> Iterator[str]:
    for group in _GROUPS:
        limit = getattr(gate.max_age, group)
        if group in gate.required:
            yield t(f"says-{group}-any") if limit is None else t(f"says-{group}", time=duration(limit, t))
    if not gate.required:
        yield t("says-nothing-asked")
    if "health" in gate.required and gate.entry_counts_as_health:
        yield t("says-entry-counts")
    if "health" in gate.required and gate.certificate_counts_as_health:
        yield t("says-certificate-counts")


def _declared(gate: GateRules, t: Words) -> Iterator[str]:
    if gate.symptoms:
        yield t("says-symptoms", names=_names("symptom", gate.symptoms, t))
    if gate.exposures:
        yield t("says-exposures", names=_names("exposure", gate.exposures, t))
    if gate.entry_before_return:
        yield t("says-before-return")


def _names(prefix: str, values: tuple[str, ...], t: Words) -> str:
    return "; ".join(t(f"{prefix}-{value}").lower() for value in values if value != UNSPECIFIED)


def _zone(zone: Zone, t: Words, title: Title) -> str:
    area = Area(zone.edition, zone.province, zone.district, zone.commune, zone.hamlet, zone.point)
    named = on_map(area, t, title)
    sentence = t(f"says-zone{_dates(zone.since, zone.until)}", area=named, **_days(zone.since, zone.until))
    return f"{sentence} {t('says-zone-unclear')}" if zone.hamlet or zone.point else sentence


def on_map(area: Area, t: Words, title: Title) -> str:
    """An area with its map's name: both maps have a Thành phố Đà Nẵng, and they are not the same."""
    known = area.edition in areas.EDITIONS
    return t("on-map", area=title(area), map=t(f"map-{area.edition}")) if known else title(area)


def _place(place: FlaggedPlace, name: str, t: Words) -> str:
    return t(f"says-place{_dates(place.since, place.until)}", place=name, **_days(place.since, place.until))


def _dates(since: datetime | None, until: datetime | None) -> str:
    return ("-since" if since else "") + ("-until" if until else "")


def _days(since: datetime | None, until: datetime | None) -> dict[str, str]:
    days = {"since": since, "until": until}
    return {name: day(moment) for name, moment in days.items() if moment is not None}


def _moving(gate: GateRules, t: Words) -> Iterator[str]:
    if gate.repeat_window:
        yield t("says-repeat", time=duration(gate.repeat_window, t))
    if gate.reentry_window:
        yield t("says-reentry", time=duration(gate.reentry_window, t))
    if gate.anti_passback:
        yield t("says-anti-passback", time=duration(gate.inside_at_most, t))
    yield t("says-way-out-checked") if gate.checks_on_way_out else t("says-way-out-free")
