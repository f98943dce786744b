"""The sheet a citizen fills in: which field stands on which step, and the declaration form it comes to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from core.model import Area, DeclarationKind
from core.rules import EXPOSURES, SYMPTOMS
from hub import localtime
from hub.citizens.drafts import Draft
from hub.citizens.guests import Guest
from hub.localtime import there
from hub.register import areas, forms

STEPS = ("who", "where", "health", "send")
NATIONS = ("VN", "LA", "KH", "TH", "CN", "TW", "KR", "JP", "SG", "MY", "IN", "RU", "FR", "DE", "GB", "US", "CA", "AU")
OTHER_NATION = "ZZ"
"""ISO 3166 leaves it to users; here: a nation that the list does not have."""

_LEVELS = ("province", "district", "commune", "hamlet", "point")
_WHO = ("for_another", "insurance", "name", "born", "sex", "nationality", "document", "child_without_document", "phone")
_TRAVEL = ("transport", "vehicle", "seat")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")

Fields = dict[str, tuple[str, ...]]


def area_fields(name: str) -> tuple[str, ...]:
    """The fields of one address."""
    return tuple(f"{name}_{level}" for level in _LEVELS)


def addresses(kind: DeclarationKind) -> tuple[str, ...]:
    """The addresses that a kind of declaration asks for."""
    return ("origin", "destination", "address") if kind is DeclarationKind.ENTRY else ("address",)


def fields(step: str, kind: DeclarationKind) -> tuple[str, ...]:
    """The fields of one step, in the order of the page."""
    if step == "who":
        return _WHO
    if step == "where":
        asked = tuple(field for name in addresses(kind) for field in area_fields(name))
        return (*asked, "street", *(("arrival",) if kind is DeclarationKind.ENTRY else ()), *_TRAVEL)
    return ("symptoms", "exposures", "places_been") if step == "health" else ()


def step_of(field: str) -> str:
    """The step on which a field stands."""
    if field in _WHO:
        return "who"
    return "health" if field in fields("health", DeclarationKind.HEALTH) else "where"


def fresh(kind: DeclarationKind, guest: Guest, edition: str) -> Fields:
    """What a new sheet begins with: the map of today, the province itself, the phone that was proven."""
    start: Fields = {"edition": (edition,), "nationality": ("VN",), "for_another": ("no",), "phone": (guest.phone,)}
    start["address_province"] = (areas.HUE,)
    if kind is DeclarationKind.ENTRY:
        start["destination_province"] = (areas.HUE,)
    return start


def take(draft: Draft, step: str, sent: Mapping[str, tuple[str, ...]]) -> Draft:
    """The draft with what one step sent; an address keeps nothing below a unit that was changed."""
    filled = draft.filled({field: sent.get(field, ()) for field in fields(step, draft.kind)})
    if step != "where":
        return filled
    return filled.filled({field: text for name in addresses(draft.kind) for field, text in _mended(filled, name)})


def _mended(draft: Draft, name: str) -> list[tuple[str, tuple[str, ...]]]:
    edition, above = text(draft, "edition"), ""
    kept: list[tuple[str, tuple[str, ...]]] = []
    for level in levels(edition):
        code = text(draft, f"{name}_{level}")
        lies_there = (above or level == "province") and any(unit.code == code for unit in areas.under(edition, above))
        above = code if lies_there else ""
        kept.append((f"{name}_{level}", (above,)))
    return kept


def levels(edition: str) -> tuple[str, ...]:
    """The levels of an edition that have codes: since July 2025 there are no districts."""
    return ("province", "commune") if edition == "34" else ("province", "district", "commune")


def text(draft: Draft, field: str) -> str:
    """The text of one field."""
    return next(iter(draft.fields.get(field, ())), "")


def values(draft: Draft) -> dict[str, str]:
    """The texts that the templates' fields show."""
    return {field: text(draft, field) for field in draft.fields}


def form(draft: Draft, guest: Guest) -> tuple[forms.Form, dict[str, str]]:
    """The declaration and what the sheet alone can tell is wrong with it, by field."""
    wrong: dict[str, str] = {}
    arrival = _arrival(text(draft, "arrival"))
    if text(draft, "arrival") and arrival is None:
        wrong["arrival"] = "wrong-not-a-date"
    another = text(draft, "for_another") == "yes"
    phone = text(draft, "phone") or ("" if another else guest.phone)
    entry = draft.kind is DeclarationKind.ENTRY
    given = forms.Form(
        kind=draft.kind,
        name=text(draft, "name"),
        sex=text(draft, "sex"),
        nationality=text(draft, "nationality"),
        document=text(draft, "document"),
        insurance=text(draft, "insurance"),
        street=text(draft, "street"),
        transport=text(draft, "transport"),
        vehicle=text(draft, "vehicle"),
        seat=text(draft, "seat"),
        places_been=text(draft, "places_been"),
        born=birth(text(draft, "born")),
        child_without_document=text(draft, "child_without_document") == "yes",
        phone=phone,
        for_another=another,
        address=_area(draft, "address"),
        symptoms=tuple(each for each in SYMPTOMS if each in draft.fields.get("symptoms", ())),
        exposures=tuple(each for each in EXPOSURES if each in draft.fields.get("exposures", ())),
        arrival=arrival if entry else None,
        origin=_area(draft, "origin") if entry else None,
        destination=_area(draft, "destination") if entry else None,
    )
    return given, wrong


def faults(draft: Draft, guest: Guest, now: datetime) -> dict[str, str]:
    """Everything that is wrong with a sheet: field and catalogue key, in the order of the pages."""
    given, wrong = form(draft, guest)
    found = {_field(name): f"wrong-{word}" for name, word in forms.check(given, now).items()} | wrong
    order = [field for step in STEPS for field in fields(step, draft.kind)]
    return {field: found[field] for field in sorted(found, key=lambda each: _place(order, each))}


def _place(order: list[str], field: str) -> int:
    return order.index(field) if field in order else len(order)


def _field(name: str) -> str:
    """An address is at fault where its commune is chosen."""
    return f"{name}_commune" if name in ("address", "origin", "destination") else name


def of_form(given: forms.Form, edition: str) -> Fields:
    """The sheet of a declaration that is to be corrected."""
    named = {name: (getattr(given, name),) for name in ("name", "sex", "nationality", "document", "insurance", "phone")}
    named |= {name: (getattr(given, name),) for name in ("street", "transport", "vehicle", "seat", "places_been")}
    known = next((each for each in (given.address, given.origin) if each is not None), None)
    sheet: Fields = {
        **named,
        "edition": (known.edition if known else edition,),
        "born": (_shown(given.born),),
        "for_another": ("yes" if given.for_another else "no",),
        "child_without_document": ("yes",) if given.child_without_document else (),
        "symptoms": given.symptoms,
        "exposures": given.exposures,
        "arrival": (f"{there(given.arrival):%Y-%m-%dT%H:%M}",) if given.arrival else (),
    }
    for name, area in (("address", given.address), ("origin", given.origin), ("destination", given.destination)):
        sheet |= known_area(name, area)
    return sheet


def known_area(name: str, area: Area | None) -> Fields:
    """The fields of an address that is known already."""
    if area is None:
        return {}
    return {f"{name}_{level}": (getattr(area, level),) for level in _LEVELS if getattr(area, level)}


def _area(draft: Draft, name: str) -> Area | None:
    edition, province = text(draft, "edition"), text(draft, f"{name}_province")
    if not province:
        return None
    below = (text(draft, f"{name}_{level}") for level in _LEVELS[1:])
    return Area(edition, province, *below)


def birth(typed: str) -> str:
    """A date of birth as the registry writes it, out of what people type; anything else as it is."""
    found = _DAY_FIRST.fullmatch(typed)
    return typed if found is None else f"{found[3]}-{int(found[2]):02}-{int(found[1]):02}"


def _shown(born: str) -> str:
    return "/".join(reversed(born.split("-")))


shown_birth = _shown


def _arrival(typed: str) -> datetime | None:
    moment = localtime.read(typed)
    return moment and moment.astimezone(UTC)


def soon(now: datetime) -> str:
    """The present hour as an arrival field holds it."""
    return f"{there(now) + timedelta(minutes=1):%Y-%m-%dT%H:%M}"
