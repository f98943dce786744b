"""A configuration as sections and keys: several laid over each other, and written out as TOML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from station.config import DEVICES, SECTIONS

Document = dict[str, Any]
"""Section name to its table of keys; ``scanner`` to a list of tables."""

HEAD = """\
# Written by `station configure`. Every key that is not here has its default; config.example.toml explains them all.
# Try a change with `station check-config`, then `systemctl restart station`.
"""


def lay_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Document:
    """Both documents in one; where both speak of a key, ``above`` has the word. Lists are taken whole."""
    document: Document = {name: dict(part) if isinstance(part, Mapping) else part for name, part in below.items()}
    for name, part in above.items():
        known = document.get(name)
        document[name] = {**known, **part} if isinstance(known, dict) and isinstance(part, Mapping) else part
    return document


def render(document: Mapping[str, Any]) -> str:
    """The document as TOML, sections in the order in which a station knows them, unknown ones last."""
    order = [*SECTIONS, *DEVICES]
    names = sorted(document, key=lambda name: order.index(name) if name in order else len(order))
    return "\n".join([HEAD, *(line for name in names for line in _section(name, document[name]))])


def _section(name: str, part: object) -> Iterator[str]:
    if isinstance(part, Mapping):
        yield from _table(f"[{name}]", part)
    elif isinstance(part, list) and all(isinstance(one, Mapping) for one in part):
        for one in part:
            yield from _table(f"[[{name}]]", one)
    else:
        yield f"{name} = {_value(part)}\n"


def _table(head: str, table: Mapping[str, Any]) -> Iterator[str]:
    if table:
        yield head
        yield from (f"{key} = {_value(value)}" for key, value in table.items())
        yield ""


def _value(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
        case Mapping():
            return f"{{{', '.join(f'{key} = {_value(one)}' for key, one in value.items())}}}"
    raise TypeError(f"a configuration has no values like {type(value).__name__}")
