"""The policy form: a policy as fields, and fields as a policy, with what is wrong by field."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from core.model import GateKind
from core.rules import EXPOSURES, SYMPTOMS, UNSPECIFIED, FlaggedPlace, GateRules, MaxAge, Policy, Zone
from hub.localtime import there
from hub.policy import editions
from hub.policy.preview import Words, duration, kinds_of
from hub.register import areas
from hub.web.form import Form

YES_NO = (
    "entry_counts_as_health",
    "certificate_counts_as_health",
    "entry_before_return",
    "zones",
    "places",
    "checks_on_way_out",
    "anti_passback",
)
"""The rules of a gate that are on or off, by their names in ``GateRules``."""
GROUPS = ("destination", "health", "entry")
LENGTHS = ("repeat_window", "reentry_window", "inside_at_most", "held_at_most")
LONGEST = timedelta(days=3_650)
NOTE_AT_MOST = 500
_PACK = 3_000  # a field holds 4,000 characters at most
_LENGTH = re.compile(r"([0-9]{1,6})(?:[.,]([0-9]))?\s*([^\W\d]*)")
_UNITS = {
    86_400: ("", "d", "day", "days", "ngày", "ngay"),
    3_600: ("h", "hour", "hours", "giờ", "gio"),
    60: ("m", "min", "minute", "minutes", "phút", "phut"),
    1: ("s", "second", "seconds", "giây", "giay"),
}
_SIZES = {word: size for size, words in _UNITS.items() for word in words}

Listed = TypeVar("Listed")


@dataclass
class Draft:
    """What the fields say so far; ``faults`` by field, in keys of the catalogue."""

    policy: Policy
    faults: dict[str, str] = field(default_factory=dict)


def values_of(policy: Policy, t: Words) -> dict[str, Any]:
    """The fields of a policy; those that can be ticked several times hold a tuple."""
    values: dict[str, Any] = {
        "scope": policy.scope,
        "note": policy.note,
        "effective": "",
        "expires": _local(policy.expires),
        "zones": pack(editions.originals(policy.zones)),
        "places": pack(policy.places),
    }
    for kind in GateKind:
        gate = policy.rules_for(kind)
        fields: dict[str, Any] = {
            "required": gate.required,
            "symptoms": tuple(symptom for symptom in gate.symptoms if symptom != UNSPECIFIED),
            "exposures": gate.exposures,
            "rules": tuple(name for name in YES_NO if getattr(gate, name)),
            "unasked": gate.unasked,
            **{name: _written(getattr(gate, name), t) for name in LENGTHS},
            **{f"age-{name}": _written(getattr(gate.max_age, name), t) for name in GROUPS},
        }
        values |= {f"{kind.value}-{name}": value for name, value in fields.items()}
    return values


def fields_of(kind: GateKind) -> tuple[str, ...]:
    """The fields of one gate kind that can have something wrong with them."""
    names = ("unasked", *LENGTHS, *(f"age-{name}" for name in GROUPS))
    return tuple(f"{kind.value}-{name}" for name in names)


def _written(seconds: int | None, t: Words) -> str:
    return "" if not seconds else duration(seconds, t)


def sent_values(form: Form) -> dict[str, Any]:
    """The fields as they were sent, to be shown again."""
    many = ("required", "symptoms", "exposures", "rules")
    values: dict[str, Any] = dict(form)
    for kind in GateKind:
        values |= {f"{kind.value}-{name}": form.all(f"{kind.value}-{name}") for name in many}
    return values | {name: form.all(name) for name in ("zones", "places")}


def read(form: Form, base: Policy, version: int, now: datetime) -> Draft:
    """The policy that the fields describe, on top of what ``base`` says of things that have no field."""
    faults: dict[str, str] = {}
    scope = form.text("scope")
    effective = _moment(form, "effective", faults) or now
    expires = _moment(form, "expires", faults)
    if expires is not None and expires <= effective:
        faults["expires"] = "fault-ends-before"
    kinds = kinds_of(scope)
    gates = {kind: _gate(form, kind.value, base.rules_for(kind), faults) for kind in kinds}
    return Draft(
        Policy(
            version=version,
            issued=now,
            effective=effective,
            scope=scope,
            expires=expires,
            gates=gates,
            zones=_left(form, "zones", Zone),
            places=_left(form, "places", FlaggedPlace),
            note=form.text("note")[:NOTE_AT_MOST],
        ),
        faults,
    )


def _gate(form: Form, kind: str, base: GateRules, faults: dict[str, str]) -> GateRules:
    symptoms = tuple(each for each in SYMPTOMS if each in form.all(f"{kind}-symptoms"))
    ages = {name: _length(form, f"{kind}-age-{name}", faults) for name in GROUPS}
    lengths = {name: _length(form, f"{kind}-{name}", faults) or 0 for name in LENGTHS}
    unasked = form.text(f"{kind}-unasked")
    if unasked not in ("unverified", "warn", "pass"):
        faults[f"{kind}-unasked"] = "fault-choose"
        unasked = base.unasked
    changed: dict[str, Any] = {
        "required": tuple(name for name in GROUPS if name in form.all(f"{kind}-required")),
        "max_age": MaxAge(**ages),
        "symptoms": (*symptoms, UNSPECIFIED) if symptoms else (),
        "exposures": tuple(each for each in EXPOSURES if each in form.all(f"{kind}-exposures")),
        "unasked": unasked,
        **{name: name in form.all(f"{kind}-rules") for name in YES_NO},
        **lengths,
    }
    return msgspec.structs.replace(base, **changed)


def _length(form: Form, name: str, faults: dict[str, str]) -> int | None:
    """Seconds from a number with a unit, days when it has none; None when the field is empty."""
    typed = form.text(name).casefold()
    if not typed:
        return None
    found = _LENGTH.fullmatch(typed)
    size = _SIZES.get(found[3]) if found else None
    if found is None or size is None:
        faults[name] = "fault-length"
        return None
    seconds = int(found[1]) * size + int(found[2] or 0) * size // 10
    if seconds > LONGEST.total_seconds():
        faults[name] = "fault-length"
    return seconds


def _moment(form: Form, name: str, faults: dict[str, str]) -> datetime | None:
    typed = form.text(name)
    if not typed:
        return None
    moment = form.moment(name)
    if moment is None:
        faults[name] = "fault-unknown"
    return moment


def _local(moment: datetime | None) -> str:
    return "" if moment is None else f"{there(moment):%Y-%m-%dT%H:%M}"


# what a page carries along while it is filled in


def pack(listed: object) -> tuple[str, ...]:
    """Anything JSON can say, as texts that fit into hidden fields of one name."""
    text = base64.urlsafe_b64encode(msgspec.json.encode(listed)).decode()
    return tuple(text[start : start + _PACK] for start in range(0, len(text), _PACK))


def unpack(texts: Sequence[str], kind: type[Listed]) -> Listed | None:
    """What ``pack`` packed; None when it is not that."""
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode("".join(texts).encode()), type=kind)
    except (ValueError, RecursionError):
        return None


def _left(form: Form, name: str, kind: type[Listed]) -> tuple[Listed, ...]:
    listed = unpack(form.all(name), tuple[kind, ...]) or ()  # type: ignore[valid-type]  # mypy knows no type made at run time
    gone = form.all(f"{name}-gone")
    return tuple(each for number, each in enumerate(listed) if str(number) not in gone)


def new_zone(form: Form) -> tuple[Zone | None, dict[str, str]]:
    """The zone that was chosen from what was found, with its hamlet, point and dates; or what is wrong with it."""
    faults: dict[str, str] = {}
    edition, _, code = form.text("zone-code").partition("/")
    area = areas.area(edition, code) if code else None
    if area is None:
        return None, {"zone-words": "fault-choose-area"}
    hamlet, point = form.text("zone-hamlet")[:100], form.text("zone-point")[:100]
    if (hamlet or point) and not area.commune:
        faults["zone-hamlet"] = "fault-hamlet-needs-commune"
    since, until = _days(form, "zone", faults)
    zone = Zone(area.edition, area.province, area.district, area.commune, hamlet, point, since, until)
    return (None if faults else zone), faults


def new_place(form: Form, known: Sequence[str]) -> tuple[FlaggedPlace | None, dict[str, str]]:
    """The place that was chosen, with its dates; or what is wrong with it."""
    faults: dict[str, str] = {}
    since, until = _days(form, "place", faults)
    if form.text("place-code") not in known:
        faults["place-code"] = "fault-choose"
    return (None if faults else FlaggedPlace(form.text("place-code"), since, until)), faults


def _days(form: Form, name: str, faults: dict[str, str]) -> tuple[datetime | None, datetime | None]:
    """From the first moment of one day to the last of another, here."""
    since, until = (_moment(form, f"{name}-{end}", faults) for end in ("since", "until"))
    if until is not None:
        until += timedelta(days=1) - timedelta(seconds=1)
    if since is not None and until is not None and until < since:
        faults[f"{name}-until"] = "fault-ends-before"
    return since, until
