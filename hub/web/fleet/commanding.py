"""What a station can be told from its page: the fields of each kind of order, and what was typed made into one."""

from __future__ import annotations

from typing import Any

import msgspec

from core.orders import KINDS, Task
from hub.web.form import Form

OFFERED = tuple(kind for kind in KINDS if kind != "erase")
"""Rows are emptied by erasing a person, and in no other way."""

AT_ONCE = ("identify", "test-signal", "restart", "logs")
"""Those whose button stands in the open: they harm nobody and need no more words."""

REASONED = frozenset({"reboot", "place", "hold-open", "open", "close", "snapshot", "aim", "resend"})
"""Those that somebody must give a reason for: a door, a camera, a place, rows."""

NOT_TYPED = frozenset({"name", "district"})
"""What the hub adds itself."""

WHY_AT_MOST = 200
_INPUTS = {"place": "place", "direction": "direction", "start": "time", "end": "time", "epoch": "journal"}


class Field(msgspec.Struct, frozen=True):
    """One field of an order: how it is put in, its bounds if it is a number, and what stands in it at first."""

    name: str
    input: str
    least: int | None = None
    most: int | None = None
    value: str = ""


def fields(kind: str) -> tuple[Field, ...]:
    """What is to be filled in for a kind of order."""
    own = (each for each in msgspec.structs.fields(KINDS[kind]) if each.name not in NOT_TYPED)
    return tuple(_field(each) for each in own)


def _field(each: msgspec.structs.FieldInfo) -> Field:
    value = "" if each.default in (msgspec.NODEFAULT, None) else str(each.default)
    if each.name in _INPUTS:
        return Field(each.name, _INPUTS[each.name], value=value)
    schema = msgspec.json.schema(each.type)
    return Field(each.name, "number", schema.get("minimum"), schema.get("maximum"), value)


def task(kind: str, form: Form) -> Task:
    """The order that somebody filled in; ``ValueError`` when it is none."""
    if kind not in OFFERED:
        raise ValueError("no such order")
    typed: dict[str, Any] = {each.name: form.text(each.name).strip() for each in fields(kind)}
    given = {name: value for name, value in typed.items() if value}
    return msgspec.convert(given, KINDS[kind], strict=False)
