"""The form of a place: its fields as a record, and what is wrong with them by field."""

from __future__ import annotations

import re

import msgspec

from core.model import Area, GateKind
from core.zones import bare
from hub.register import areas, hours
from hub.register.people import PlaceRecord
from hub.register.places import Place
from hub.web.form import Form

FIELDS = ("name", "code", "kind", "where", "area", "hamlet", "address", "hours", "capacity", "contact", "position")
LINE_AT_MOST = 120
NAME_AT_MOST = 200
FOUND_AT_MOST = 12
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_POSITION = re.compile(r"(-?\d{1,2}(?:\.\d{1,8})?)\s*[,;\s]\s*(-?\d{1,3}(?:\.\d{1,8})?)", re.ASCII)


def values_of(place: Place) -> dict[str, str]:
    """The fields of a place that is known."""
    where = place.area
    known = place.latitude is not None and place.longitude is not None
    return {
        "name": place.name,
        "code": place.code,
        "kind": place.kind.value,
        "where": areas.title(msgspec.structs.replace(where, hamlet="")),
        "area": _code_of(where),
        "hamlet": where.hamlet,
        "address": place.address,
        "hours": place.hours,
        "capacity": "" if place.capacity is None else str(place.capacity),
        "contact": place.contact,
        "position": f"{place.latitude}, {place.longitude}" if known else "",
    }


def found_areas(typed: str, edition: str) -> dict[str, Area]:
    """Communes, districts and provinces that the words may mean, by edition and code; at home before elsewhere."""
    if not typed:
        return {}
    at_home = areas.search(typed, edition, within=areas.HUE, limit=FOUND_AT_MOST)
    found = at_home or areas.search(typed, edition, limit=FOUND_AT_MOST)
    whole = [areas.area(edition, unit.code) for unit in areas.provinces(edition) if bare(typed) in bare(unit.name)]
    return {_code_of(each): each for each in (*found, *whole) if each is not None}


def read(form: Form, place: Place | None, edition: str) -> tuple[PlaceRecord | None, dict[str, str]]:
    """The place that the fields describe, or what is wrong by field; ``place`` is the one to be corrected."""
    faults: dict[str, str] = {}
    code = place.code if place is not None else form.text("code").casefold() or _code_for(form.text("name"))
    area = _area(form, place, edition, faults)
    latitude, longitude = _position(form.text("position"), faults)
    capacity = form.number("capacity")
    opens = hours.spell(form.text("hours"))
    if place is None and not _CODE.fullmatch(code):
        faults["code"] = "fault-place-code"
    if form.text("kind") not in list(GateKind):
        faults["kind"] = "fault-choose"
    if form.text("capacity") and capacity is None:
        faults["capacity"] = "fault-number"
    if opens is None:
        faults["hours"] = "fault-hours"
    _texts(form, faults)
    if faults or area is None or opens is None:
        return None, {name: faults[name] for name in FIELDS if name in faults}
    record = PlaceRecord(
        code=code,
        name=form.text("name"),
        kind=GateKind(form.text("kind")),
        area=msgspec.structs.replace(area, hamlet=form.text("hamlet")),
        address=form.text("address"),
        hours=opens,
        capacity=capacity,
        contact=form.text("contact"),
        latitude=latitude,
        longitude=longitude,
    )
    return record, {}


def _texts(form: Form, faults: dict[str, str]) -> None:
    if not form.text("name"):
        faults["name"] = "fault-empty"
    for name in ("name", "hamlet", "address", "contact"):
        if len(form.text(name)) > (NAME_AT_MOST if name == "name" else LINE_AT_MOST):
            faults[name] = "fault-long"


def _area(form: Form, place: Place | None, edition: str, faults: dict[str, str]) -> Area | None:
    """The one that was chosen among those that the words may mean, or the only one; a place keeps its own."""
    typed, chosen = form.text("where"), form.text("area")
    known = {} if place is None else values_of(place)
    if place is not None and (typed, chosen) == (known["where"], known["area"]):
        return place.area
    found = found_areas(typed, edition)
    if chosen in found:
        return found[chosen]
    if len(found) == 1:
        return next(iter(found.values()))
    if found:
        faults["area"] = "fault-choose"
    else:
        faults["where"] = "wrong-no-such-area" if typed else "fault-empty"
    return None


def _position(typed: str, faults: dict[str, str]) -> tuple[float | None, float | None]:
    found = _POSITION.fullmatch(typed)
    if found is None or abs(float(found[1])) > 90 or abs(float(found[2])) > 180:
        faults |= {"position": "fault-position"} if typed else {}
        return None, None
    return float(found[1]), float(found[2])


def _code_for(name: str) -> str:
    """A code out of a name, for whoever did not choose one."""
    return re.sub("[^a-z0-9]+", "-", bare(name)).strip("-")[:63].strip("-")


def _code_of(area: Area) -> str:
    return f"{area.edition}/{area.commune or area.district or area.province}"
