"""The keys that a section or a driver takes: its fields, without the private ones."""

from __future__ import annotations

import dataclasses
import sys
import typing
from collections.abc import Iterator
from inspect import get_annotations
from types import SimpleNamespace
from typing import Any

import msgspec


class Option(msgspec.Struct, frozen=True):
    """One key: its name, type and default (``NODEFAULT`` when it must be given); secrets are never shown."""

    name: str
    kind: Any
    default: Any

    @property
    def required(self) -> bool:
        """Whether a file must give it."""
        return self.default is msgspec.NODEFAULT

    @property
    def secret(self) -> bool:
        """Whether nobody may be shown what a file gives."""
        marks = getattr(self.kind, "__metadata__", ())
        return any((getattr(mark, "extra", None) or {}).get("secret", False) for mark in marks)


def options(cls: type) -> Iterator[Option]:
    """The keys that a section (a struct) or a driver (a dataclass) takes, in the order of its fields."""
    if issubclass(cls, msgspec.Struct):
        for field in msgspec.structs.fields(cls):
            yield Option(field.name, field.type, _default(field.default, field.default_factory, msgspec.NODEFAULT))
        return
    for attribute in dataclasses.fields(cls):  # type: ignore[arg-type]  # what is no struct is a dataclass
        if attribute.init:
            default = _default(attribute.default, attribute.default_factory, dataclasses.MISSING)
            yield Option(attribute.name, _kind(cls, attribute.name), default)


def _default(default: Any, factory: Any, none: object) -> Any:  # noqa: ANN401  # of whatever type the field has
    if factory is not none:
        return factory()
    return msgspec.NODEFAULT if default is none else default


def _kind(cls: type, name: str) -> object:
    # One field at a time: a driver's private fields may name types that only a type checker imports.
    home = next(base for base in cls.__mro__ if name in get_annotations(base))
    stand_in = SimpleNamespace(__annotations__={name: get_annotations(home)[name]})
    names = vars(sys.modules[home.__module__])
    return typing.get_type_hints(stand_in, globalns=names, localns={}, include_extras=True)[name]
