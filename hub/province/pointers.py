"""Where in another system's JSON a value lies: JSON pointers (RFC 6901), read without ever raising."""

from __future__ import annotations

from typing import Annotated

import msgspec

Pointer = Annotated[str, msgspec.Meta(pattern=r"^(/.*)?$", description="a JSON pointer such as /ketQua/id")]
"""``""`` is the whole document, ``/a/0/b`` what lies at ``b`` of the first of ``a``; ``~1`` is a slash, ``~0`` a ~."""


def read(document: object, pointer: str) -> object:
    """What lies there; None when there is nothing, which is the same as a null."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list):
            document = _nth(document, name)
        else:
            return None
    return document


def _nth(items: list[object], name: str) -> object:
    if not (name.isascii() and name.isdigit() and len(name) < 10):
        return None
    return items[int(name)] if int(name) < len(items) else None


def is_empty(value: object) -> bool:
    """Whether nothing is said: null, an empty text, list or object."""
    return value is None or value in ("", [], {})
