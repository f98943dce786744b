"""What the province system said, read by the mapping: a person with their groups, nobody, or what does not fit.

An answer is never guessed at: what does not fit is ``Misfit``, and the person counts as not asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

import msgspec

from core.codes.names import mask
from core.discreet import Discreet
from core.model import Area, DestinationGroup, Direction, EntryGroup, HealthGroup, Scheme, Subject
from core.rules import UNSPECIFIED
from hub.province import mapping as forms
from hub.province.moments import Clock
from hub.province.pointers import Pointer, is_empty, read

_NUMBER_AT_MOST = 200
_TEXT_AT_MOST = 256
_PLACE_AT_MOST = 64
_RECORDS_AT_MOST = 1_000
_WIDTH = {"province": 2, "district": 3, "commune": 5}
_YES = frozenset({"1", "true", "y", "yes", "c", "co", "có", "x"})
_CASE = "case"
_ILL = (401, 403, 408, 429)
"""Beside 5xx: refusals that are not about the person asked for."""


class Misfit(ValueError):
    """The answer is not what the mapping says; names the key and the problem, never what was in it.

    ``ill``: nobody would be answered now, not only this person.
    """

    def __init__(self, problem: str, *, ill: bool = False) -> None:
        super().__init__(problem)
        self.ill = ill


class Foreign(Discreet, frozen=True):
    """One person as the province system knows them; ``number`` is its own and stays the same for all their codes."""

    secret: ClassVar = frozenset({"number", "name_masked"})

    number: str
    name_masked: str = ""
    destination: DestinationGroup | None = None
    health: HealthGroup | None = None
    entry: EntryGroup | None = None


def interpret(mapping: forms.Mapping, status: int, body: bytes, subject: Subject) -> Foreign | None:
    """Who the answer tells of, None when it says that nobody is known; ``Misfit`` otherwise."""
    if status in mapping.unknown.status:
        return None
    if not 200 <= status < 300:
        raise Misfit(f"answers {status}", ill=status >= 500 or status in _ILL)
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        raise Misfit("does not answer in JSON; is a login page in between?", ill=True) from None
    return read_person(mapping, document, subject)


def read_person(mapping: forms.Mapping, document: object, subject: Subject) -> Foreign | None:
    """The same from the decoded JSON; total but for ``Misfit``."""
    if _says_unknown(mapping.unknown, document):
        return None
    if mapping.success is not None and not _is(mapping.success, document):
        raise Misfit(f"success: {mapping.success.at} is none of the values that mean an answer")
    person = mapping.person
    number = _code(read(document, person.key))
    if not 0 < len(number) <= _NUMBER_AT_MOST:
        raise Misfit(f"person.key: at {person.key} lies no text or number")
    if person.echo and not _echoes(_code(read(document, person.echo)), subject):
        raise Misfit(f"person.echo: {person.echo} is not the number that was asked for")
    name = read(document, person.name) if person.name else ""
    return Foreign(
        number=number,
        name_masked=mask(name) if isinstance(name, str) else "",
        destination=_destination(mapping, document),
        health=_health(mapping, document),
        entry=_entry(mapping, document),
    )


def _echoes(text: str, subject: Subject) -> bool:
    """Whether a number is the one asked for; an insurance code may have its five signs in front again."""
    return text.endswith(subject.value) if subject.scheme is Scheme.INSURANCE else text == subject.value


def _says_unknown(unknown: forms.Unknown, document: object) -> bool:
    return any(is_empty(read(document, at)) for at in unknown.empty) or any(
        _is(flag, document) for flag in unknown.flags
    )


def _is(flag: forms.Flag, document: object) -> bool:
    found = read(document, flag.at)
    return any(_same(found, value) for value in flag.values)


def _same(found: object, value: object) -> bool:
    """Equal, a truth value only with a truth value: 1 is not true here."""
    return isinstance(found, bool) == isinstance(value, bool) and found == value


def chosen(mapping: forms.Mapping, name: Literal["destination", "health", "entry"], document: object) -> object:
    """The record that a group is read from; None when there is none, or none that can be dated."""
    group = getattr(mapping, name)
    try:
        found = _newest(group, document, mapping.dates, name)
        return found[0] if found is not None else next(iter(_records(group, document, name)), None)
    except Misfit:
        record = read(document, group.record)
        return record[0] if isinstance(record, list) and record else record


Group = forms.Destination | forms.Health | forms.Entry


def _records(group: Group, document: object, key: str) -> list[object]:
    record = read(document, group.record)
    if is_empty(record):
        return []
    records = record if isinstance(record, list) else [record]
    if len(records) > _RECORDS_AT_MOST:
        raise Misfit(f"{key}.record: more than {_RECORDS_AT_MOST} records")
    if not all(isinstance(each, dict | list) for each in records):
        raise Misfit(f"{key}.record: at {group.record or '/'} lies neither an object nor a list of them")
    return [each for each in records if group.leave_out is None or not _is(group.leave_out, each)]


def _newest(group: Group, document: object, dates: forms.Dates, key: str) -> tuple[Any, datetime] | None:
    """The record with the latest moment; one without any says that there is no such group."""
    dated = [
        (record, at)
        for record in _records(group, document, key)
        if (at := _moment(group.at, record, dates, f"{key}.at")) is not None
    ]
    return max(dated, key=lambda pair: pair[1], default=None)


def _moment(where: Pointer | forms.Instant, record: object, dates: forms.Dates, key: str) -> datetime | None:
    instant = where if isinstance(where, forms.Instant) else forms.Instant(where)
    found = read(record, instant.at)
    if is_empty(found):
        return None
    try:
        return _clock(instant, dates).read(found)
    except ValueError as error:
        raise Misfit(f"{key}: {error}") from None


def _clock(instant: forms.Instant, dates: forms.Dates) -> Clock:
    return Clock.of(instant.format or dates.format, instant.zone or dates.zone)


def _destination(mapping: forms.Mapping, document: object) -> DestinationGroup | None:
    group = mapping.destination
    found = _newest(group, document, mapping.dates, "destination") if group is not None else None
    if group is None or found is None:
        return None
    record, at = found
    place = _code(read(record, group.place))
    if not place:
        raise Misfit(f"destination.place: at {group.place} lies no text or number")
    name = read(record, group.place_name) if group.place_name else ""
    way = _code(read(record, group.direction)) if group.direction else ""
    if way and way not in group.directions:
        raise Misfit("destination.directions: a word that is not listed")
    return DestinationGroup(
        at=at,
        place=group.places.get(place, place)[:_PLACE_AT_MOST],
        place_name=_text(name),
        direction=Direction(group.directions[way]) if way else Direction.IN,
    )


def _health(mapping: forms.Mapping, document: object) -> HealthGroup | None:
    group = mapping.health
    found = _newest(group, document, mapping.dates, "health") if group is not None else None
    if group is None or found is None:
        return None
    record, at = found
    return HealthGroup(
        at=at,
        symptoms=_signs(group.symptoms, record, UNSPECIFIED, "health.symptoms"),
        exposures=_signs(group.exposures, record, _CASE, "health.exposures"),
        paper=group.paper is not None and _is(group.paper, record),
    )


def _entry(mapping: forms.Mapping, document: object) -> EntryGroup | None:
    group = mapping.entry
    found = _newest(group, document, mapping.dates, "entry") if group is not None else None
    if group is None or found is None:
        return None
    record, at = found
    arrival = _arrival(group.arrival, record, mapping.dates)
    return EntryGroup(
        at=at,
        arrival=arrival,
        origin=_address(group.origin, record, "entry.origin"),
        destination=_address(group.destination, record, "entry.destination"),
        before_return=None if arrival is None else at <= arrival,
        symptoms=_signs(group.symptoms, record, UNSPECIFIED, "entry.symptoms"),
        exposures=_signs(group.exposures, record, _CASE, "entry.exposures"),
    )


def _arrival(where: Pointer | forms.Instant, record: object, dates: forms.Dates) -> datetime | None:
    """A day without a time means any time of that day, so its end: who declares that morning declared before."""
    if where == "":
        return None
    instant = where if isinstance(where, forms.Instant) else forms.Instant(where)
    moment = _moment(instant, record, dates, "entry.arrival")
    if moment is None or not _clock(instant, dates).is_day(read(record, instant.at)):
        return moment
    return moment + timedelta(days=1) - timedelta(seconds=1)


def _signs(signs: forms.Signs | None, record: object, other: str, key: str) -> tuple[str, ...]:
    if signs is None:
        return ()
    other = signs.other if signs.other is not None else other
    found = [signs.words.get(word, other) for word in _words(signs, record, key)]
    found += [ours for pointer, ours in signs.flags.items() if _is_yes(read(record, pointer))]
    return tuple(dict.fromkeys(ours for ours in found if ours))


def _words(signs: forms.Signs, record: object, key: str) -> Iterator[str]:
    given = None if signs.at is None else read(record, signs.at)
    if is_empty(given):
        return
    if isinstance(given, str) and signs.separator:
        given = given.split(signs.separator)
    if not isinstance(given, list):
        given = [given]
    for each in given[:_RECORDS_AT_MOST]:
        word = _code(read(each, signs.item)).strip()
        if word:
            yield word
        elif not is_empty(each) and each != "":
            raise Misfit(f"{key}: something that is no word")


def _is_yes(value: object) -> bool:
    return value is True or _code(value).casefold() in _YES


def _address(address: forms.Address | None, record: object, key: str) -> Area | None:
    if address is None:
        return None
    units = {name: _unit(getattr(address, name), record, width) for name, width in _WIDTH.items()}
    if not any(units.values()):
        return None
    edition = address.edition
    if edition.startswith("/"):
        said = _code(read(record, edition))
        edition = address.editions.get(said, said)
    if edition not in ("63", "34"):
        raise Misfit(f"{key}.edition: neither 63 nor 34")
    texts = {name: _text(read(record, at)) if (at := getattr(address, name)) else "" for name in ("hamlet", "point")}
    return Area(edition=edition, **units, **texts)


def _unit(where: Pointer | forms.Unit, record: object, width: int) -> str:
    unit = where if isinstance(where, forms.Unit) else forms.Unit(where)
    code = _code(read(record, unit.at)) if unit.at else ""
    code = unit.words.get(code, code)
    return code.zfill(width)[:_PLACE_AT_MOST] if code else ""


def _code(value: object) -> str:
    """A text or whole number as text; empty for anything else."""
    if isinstance(value, str):
        return value.strip()[:_TEXT_AT_MOST]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63 else ""


def _text(value: object) -> str:
    return " ".join(value[:_TEXT_AT_MOST].split()) if isinstance(value, str) else ""
