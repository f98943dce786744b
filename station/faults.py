"""What is wrong with a configuration, in words: where, what was found there, what is wanted, what was perhaps meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from msgspec import inspect

from station.plain import harmless

LONGEST_SHOWN = 60


def shown(value: object) -> str:
    """A value of a TOML file as its writer would know it again, cut when long and harmless to a terminal."""
    text = _toml(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _toml(value: object) -> str:
    match value:
        case str():
            return f'"{harmless(value)}"'
        case bool():
            return str(value).lower()
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "a table"
    return str(value)


def meant(word: object, known: Iterable[object]) -> str:
    """``; did you mean x?`` when a known word is close to a given one, else nothing."""
    names = {str(name).casefold(): name for name in known}
    close = get_close_matches(str(word).casefold(), names, n=1, cutoff=0.6)
    return f"; did you mean {names[close[0]]}?" if close else ""


def listed(words: Iterable[object]) -> str:
    """Words as a list to read aloud."""
    return ", ".join(str(word) for word in words) or "none"


def misfit(value: object, kind: object) -> str:
    """Why ``value`` does not fit the type ``kind``, with what would."""
    info = inspect.type_info(kind)
    choices = _choices(info)
    for one in value if isinstance(value, list) else [value]:
        if choices and one not in choices:
            return f"{shown(one)} is not one of {listed(map(shown, choices))}{meant(one, choices)}"
    return f"{shown(value)} does not fit; give {_wanted(info)}"


def wanted(kind: object) -> str:
    """What the type ``kind`` takes, in words."""
    return _wanted(inspect.type_info(kind))


def _choices(info: inspect.Type) -> tuple[object, ...]:
    match info:
        case inspect.Metadata(type=inner):
            return _choices(inner)
        case inspect.LiteralType(values=values):
            return tuple(values)
        case inspect.EnumType(cls=cls):
            return tuple(member.value for member in cls)
        case inspect.VarTupleType(item_type=item):
            return _choices(item)
        case inspect.UnionType(types=types):
            return tuple(choice for one in types for choice in _choices(one))
    return ()


def _wanted(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            return str((extra or {}).get("description") or _wanted(inner))
        case inspect.UnionType(types=types):
            return " or ".join(_wanted(one) for one in types if not isinstance(one, inspect.NoneType))
        case inspect.IntType() | inspect.FloatType():
            return f"{'a whole number' if isinstance(info, inspect.IntType) else 'a number'}{_range(info)}"
        case inspect.BoolType():
            return "true or false"
        case inspect.VarTupleType(item_type=item, min_length=least):
            return f"a list of {_wanted(item)}{f', at least {least}' if least else ''}"
        case inspect.TupleType(item_types=items):
            return f"a list of {len(items)}: {listed(map(_wanted, items))}"
        case inspect.CustomType():
            return "a path as text"
    return f"one of {listed(map(shown, choices))}" if (choices := _choices(info)) else "text"


def _range(info: inspect.IntType | inspect.FloatType) -> str:
    least = [f"at least {info.ge}"] * (info.ge is not None) + [f"more than {info.gt}"] * (info.gt is not None)
    most = [f"at most {info.le}"] * (info.le is not None) + [f"less than {info.lt}"] * (info.lt is not None)
    words = " and ".join(least + most)
    return f", {words}" if words else ""
