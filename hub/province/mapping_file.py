"""Reads a mapping file; whatever is wrong in it is named by its key, all faults at once."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec

from core.rules import EXPOSURES, SYMPTOMS, UNSPECIFIED
from hub.config import misspelt
from hub.errors import ConfigError, MissingFile
from hub.province import mapping as forms
from hub.province.letters import faults_of
from hub.province.moments import Clock

Form = TypeVar("Form", bound=msgspec.Struct)


def load(path: Path) -> forms.Mapping:
    """The mapping of a file; ``ConfigError`` names every fault, ``MissingFile`` when it cannot be read."""
    try:
        given = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise MissingFile(f"province.mapping {path}: {error.strerror or error}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: {error}") from error
    mapping, faults = parse(given)
    if mapping is None:
        raise ConfigError("\n".join(f"{path}: {fault}" for fault in faults))
    return mapping


def parse(given: Mapping[str, Any]) -> tuple[forms.Mapping | None, list[str]]:
    """The mapping, or None with every fault found."""
    faults: list[str] = []
    mapping = _form(given, forms.Mapping, "", faults)
    if mapping is not None:
        faults += _contradictions(mapping)
    return (None if faults else mapping), faults


def _form(given: Mapping[str, Any], kind: type[Form], prefix: str, faults: list[str]) -> Form | None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    good: dict[str, Any] = {}
    begun = len(faults)
    for key, value in given.items():
        if key not in fields:
            faults.append(misspelt(key, list(fields), prefix))
        else:
            good[fields[key].name] = _value(value, fields[key].type, f"{prefix}{key}", faults)
    faults += [f"{prefix}{key}: is needed" for key, field in fields.items() if field.required and key not in given]
    return kind(**good) if len(faults) == begun else None


def _value(value: object, kind: object, key: str, faults: list[str]) -> object:
    inner = next((each for each in _choices(kind) if isinstance(each, type) and issubclass(each, msgspec.Struct)), None)
    if inner is not None and isinstance(value, dict):
        return _form(value, inner, f"{key}.", faults)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        faults.append(f"{key}: {_said(error, kind)}")
        return None


def _choices(kind: object) -> tuple[object, ...]:
    return get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)


def _said(error: msgspec.ValidationError, kind: object) -> str:
    """In the words of the field where its pattern would say nothing."""
    told, _, where = str(error).partition(" - at `$")
    if "matching regex" in told:
        words = next((_described(each) for each in _choices(kind) if _described(each)), "")
        told = f"write {words or 'a JSON pointer such as /ketQua/id'}"
    return told + (f" ({where.rstrip('`')})" if where else "")


def _described(kind: object) -> str:
    notes = get_args(kind)[1:] if get_origin(kind) is Annotated else ()
    return next((note.description for note in notes if isinstance(note, msgspec.Meta) and note.description), "")


def _contradictions(mapping: forms.Mapping) -> Iterator[str]:
    yield from faults_of(mapping.request)
    yield from _dates(mapping)
    if not any((mapping.destination, mapping.health, mapping.entry)):
        yield "health, entry, destination: none is here; map at least one group"
    for name in ("health", "entry"):
        group = getattr(mapping, name)
        if group is not None:
            yield from _signs(group.symptoms, (*SYMPTOMS, UNSPECIFIED), f"{name}.symptoms")
            yield from _signs(group.exposures, EXPOSURES, f"{name}.exposures")
    if mapping.entry is not None:
        for which in ("origin", "destination"):
            yield from _edition(getattr(mapping.entry, which), f"entry.{which}")


def _dates(mapping: forms.Mapping) -> Iterator[str]:
    yield from _clock(mapping.dates.format, mapping.dates.zone, "dates")
    for name in ("destination", "health", "entry"):
        group = getattr(mapping, name)
        for field in ("at", "arrival"):
            instant = getattr(group, field, None)
            if isinstance(instant, forms.Instant):
                form, zone = instant.format or mapping.dates.format, instant.zone or mapping.dates.zone
                yield from _clock(form, zone, f"{name}.{field}")


def _clock(form: str, zone: str, key: str) -> Iterator[str]:
    try:
        Clock.of(form, zone)
    except ValueError as error:
        yield f"{key}: {error}"


def _signs(signs: forms.Signs | None, ours: tuple[str, ...], key: str) -> Iterator[str]:
    if signs is None:
        return
    if signs.at is None and not signs.flags:
        yield f"{key}: give at (a list or text), or flags"
    given = {f"words.{word}": mine for word, mine in signs.words.items()}
    given |= {f"flags.{pointer}": mine for pointer, mine in signs.flags.items()}
    given |= {} if signs.other is None else {"other": signs.other}
    for where, mine in given.items():
        if mine and mine not in ours:
            yield f"{key}.{where}: {mine!r} is none of ours; choose of {', '.join(ours)}, or an empty text for none"


def _edition(address: forms.Address | None, key: str) -> Iterator[str]:
    if address is not None and address.edition not in ("63", "34") and not address.edition.startswith("/"):
        yield f'{key}.edition: write "63" or "34", or a JSON pointer to where it lies'
