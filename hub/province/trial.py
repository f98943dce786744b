"""One ask by hand, for whoever writes a mapping: what came back and how each place in it was read, never in clear."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import Literal

import msgspec

from core.model import Area, Scheme, Subject
from hub.config import ProvinceSettings
from hub.province import letters
from hub.province.answers import Foreign, Misfit, chosen, interpret
from hub.province.line import NotAnswered, opened
from hub.province.mapping import Address, Instant, Mapping, Signs, Unit
from hub.province.moments import zone_of
from hub.province.pointers import Pointer, read
from hub.register import areas

SYNTHETIC = {
    Scheme.CITIZEN: "046900000001",  # a woman born in the 24th century
    Scheme.CMND: "999999990",
    Scheme.PASSPORT: "ZZ9999990",
    Scheme.INSURANCE: "9999999990",
    Scheme.NATIONAL: "0469000000010000",
}
"""Numbers that nobody has; the schemes that are missing need one that is given."""

_SHOWN_AT_MOST = 40
_ITEMS_SHOWN = 3
GROUPS: tuple[Literal["destination", "health", "entry"], ...] = ("destination", "health", "entry")


class Place(msgspec.Struct, frozen=True):
    """One key of the mapping: what lies there with 9 for digits and a for letters, and what became of it."""

    key: str
    at: str
    found: str
    read: str = ""


class Trial(msgspec.Struct, frozen=True):
    """What came of asking."""

    outcome: Literal["known", "unknown", "misfit", "not-answered"]
    scheme: Scheme
    problem: str = ""
    status: int = 0
    bytes: int = 0
    ms: int = 0
    places: tuple[Place, ...] = ()


def ask(settings: ProvinceSettings, mapping: Mapping, subject: Subject) -> Trial:
    """Asks the system once, with the settings' own deadline."""
    return asyncio.run(_ask(settings, mapping, subject))


async def _ask(settings: ProvinceSettings, mapping: Mapping, subject: Subject) -> Trial:
    async with opened(settings) as line:
        begun = time.monotonic()
        try:
            letter = letters.write(mapping.request, subject, datetime.now(UTC))
            status, body = await line.send(letter, settings.whole_ms / 1_000)
        except NotAnswered as problem:
            return Trial("not-answered", subject.scheme, str(problem), ms=_since(begun))
    return judge(mapping, subject, status, body, _since(begun))


def _since(begun: float) -> int:
    return round((time.monotonic() - begun) * 1_000)


def judge(mapping: Mapping, subject: Subject, status: int, body: bytes, ms: int = 0) -> Trial:
    """What an answer is by the mapping, place by place."""
    outcome: Literal["known", "unknown", "misfit"] = "misfit"
    found, problem = None, ""
    try:
        found = interpret(mapping, status, body, subject)
        outcome = "unknown" if found is None else "known"
    except Misfit as misfit:
        problem = str(misfit)
    return Trial(outcome, subject.scheme, problem, status, len(body), ms, tuple(_places(mapping, body, found, problem)))


def _places(mapping: Mapping, body: bytes, found: Foreign | None, problem: str) -> Iterator[Place]:
    try:
        document = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return
    yield _place("the answer", "", document, "")
    if found is None and not problem:
        return
    person = mapping.person
    yield _place("person.key", person.key, document, f"{len(found.number)} signs" if found else "")
    if person.name:
        yield _place("person.name", person.name, document, found.name_masked if found else "")
    if person.echo:
        yield _place("person.echo", person.echo, document, "the number asked for" if found else "")
    for name in GROUPS:
        yield from _group(mapping, name, document, found)


def _group(
    mapping: Mapping, name: Literal["destination", "health", "entry"], document: object, found: Foreign | None
) -> Iterator[Place]:
    group = getattr(mapping, name)
    if group is None:
        return
    ours = getattr(found, name) if found is not None else None
    yield _place(f"{name}.record", group.record, document, "nothing" if found and ours is None else "")
    record = chosen(mapping, name, document)
    if record is None:
        return
    for field in group.__struct_fields__:
        where = getattr(group, field)
        for key, at in _pointers(where, f"{name}.{field}") if field not in ("record", "places", "directions") else ():
            told = _told(getattr(ours, field, None), zone_of(mapping.dates.zone)) if ours is not None else ""
            yield _place(key, at, record, told)


def _pointers(where: object, key: str) -> Iterator[tuple[str, Pointer]]:
    """Every place that a field of the mapping names; the first of an address stands for the whole of it."""
    if isinstance(where, str) and where:
        yield key, where
    elif isinstance(where, Instant | Unit):
        yield key, where.at
    elif isinstance(where, Address):
        yield from _pointers(where.province, key)
    elif isinstance(where, Signs):
        yield from ((key, at) for at in (where.at, *where.flags) if at is not None)
    elif where is not None and hasattr(where, "values"):
        yield key, where.at  # type: ignore[attr-defined]  # a Flag


def _place(key: str, at: str, document: object, told: str) -> Place:
    return Place(key, at or "/", shape(read(document, at)), told)


def _told(ours: object, zone: tzinfo) -> str:
    if isinstance(ours, datetime):
        return ours.astimezone(zone).isoformat(timespec="seconds")
    if isinstance(ours, Area):
        codes = "/".join((ours.edition, *filter(None, (ours.province, ours.district, ours.commune))))
        return f"{codes} {areas.title(ours)}" if areas.exists(ours) else f"{codes}: NO SUCH UNIT in the {ours.edition}"
    if isinstance(ours, tuple):
        return ", ".join(ours) or "none"
    if isinstance(ours, bool):
        return "yes" if ours else "no"
    return "" if ours is None else shape(getattr(ours, "value", ours))


def shape(value: object) -> str:
    """What a value looks like without what it says."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        keys = (re.sub(r"\d", "9", str(key)[:_SHOWN_AT_MOST]) for key in list(value)[:_SHOWN_AT_MOST])
        return "{" + ", ".join(keys) + "}"
    if isinstance(value, list):
        more = ", …" if len(value) > _ITEMS_SHOWN else ""
        return f"[{', '.join(shape(each) for each in value[:_ITEMS_SHOWN])}{more}]"
    if isinstance(value, bool):
        return "true or false"
    text = str(value)
    cut = "…" if len(text) > _SHOWN_AT_MOST else ""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text[:_SHOWN_AT_MOST])) + cut
