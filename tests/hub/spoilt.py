"""Messages that say what nobody means: every text and number of a struct, one at a time, as no database could keep it.

What there is to spoil is read off the struct, so that a field which is added later is spoilt, too.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

TEXTS = ("a\0b", "\0", "x" * 70, "x" * 300, "x" * 6_000)
NUMBERS = (-1, 1 << 31, (1 << 53) - 1, 1 << 63, -(1 << 63) - 1, 1 << 70, 1e308, -1e308)
MOMENTS = ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59")

Path = tuple[str | int, ...]


def spoilt(kind: type, message: object) -> Iterator[tuple[str, bytes]]:
    """Where and what, for every text, number and moment that a struct has; the rest is as in ``message``."""
    whole = msgspec.json.decode(msgspec.json.encode(message))
    for path, values in _leaves(inspect.type_info(kind), ()):
        for value in values:
            changed: Any = copy.deepcopy(whole)
            _put(changed, inspect.type_info(kind), path, value)
            yield "/".join(str(step)[:20] for step in path), msgspec.json.encode(_loose(changed))


def _loose(value: Any) -> Any:
    """JSON has whole numbers of any size; the encoder has not."""
    if isinstance(value, dict):
        return {key: _loose(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_loose(each) for each in value]
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return msgspec.Raw(str(value).encode())
    return value


def _leaves(kind: inspect.Type, path: Path) -> Iterator[tuple[Path, tuple[Any, ...]]]:
    match kind:
        case inspect.StructType():
            for field in kind.fields:
                yield from _leaves(field.type, (*path, field.encode_name))
        case inspect.UnionType():
            for each in kind.types:
                yield from _leaves(each, path)
        case inspect.VarTupleType() | inspect.ListType():
            yield from _leaves(kind.item_type, (*path, 0))
        case inspect.DictType():
            yield from (((*path, text), (_simplest(kind.value_type),)) for text in TEXTS)
            yield from _leaves(kind.value_type, (*path, "pass"))
        case inspect.StrType() | inspect.EnumType() | inspect.LiteralType():
            yield path, TEXTS
        case inspect.IntType() | inspect.FloatType():
            yield path, NUMBERS
        case inspect.DateTimeType():
            yield path, MOMENTS


def _put(whole: Any, kind: inspect.Type, path: Path, value: Any) -> None:
    """Puts a value at its path; what is not there on the way is as simple as its type allows."""
    for step, after in zip(path, (*path[1:], None), strict=True):
        kind = _below(kind, step)
        if isinstance(step, int) and not whole:
            whole.append(None)
        if after is None:
            whole[step] = value
        else:
            inner = whole[step] if isinstance(step, int) else whole.get(step)
            whole[step] = inner or _simplest(kind)
            whole = whole[step]


def _below(kind: inspect.Type, step: str | int) -> inspect.Type:
    for each in kind.types if isinstance(kind, inspect.UnionType) else (kind,):
        match each:
            case inspect.StructType():
                return next(field.type for field in each.fields if field.encode_name == step)
            case inspect.VarTupleType() | inspect.ListType():
                return each.item_type
            case inspect.DictType():
                return each.value_type
    raise AssertionError(f"nothing lies below {kind}")


def _simplest(kind: inspect.Type) -> Any:
    if isinstance(kind, inspect.UnionType):
        kind = next(each for each in kind.types if not isinstance(each, inspect.NoneType))
    match kind:
        case inspect.StructType():
            return {field.encode_name: _simplest(field.type) for field in kind.fields if field.required}
        case inspect.VarTupleType() | inspect.ListType():
            return []
        case inspect.DictType():
            return {}
        case inspect.StrType():
            pattern = kind.pattern or ""
            return {"{64}": "0" * 64, "{16}": "0" * 16}.get(pattern[-6:].strip("$)"), "a")
        case inspect.EnumType():
            return next(iter(kind.cls)).value
        case inspect.LiteralType():
            return kind.values[0]
        case inspect.DateTimeType():
            return "2026-11-28T00:00:00Z"
        case inspect.IntType() | inspect.FloatType():
            return 1
    return None
