"""The health-insurance card (BHYT), unsigned and copyable.

``code|name as hex of UTF-8|dd/mm/yyyy or yyyy|1 male 2 female|address as hex or -|hospital|…|$``; the code has 15
characters or its last ten digits; a short form ends after nine fields and some cards end in NULs.
"""

from __future__ import annotations

from core.codes import card, identity, names
from core.codes.text import Text
from core.model import CodeKind, Credential, Hint

KIND = CodeKind.BHYT
LONGEST_NAME = 4 * names.LONGEST_INPUT
"""Hex digits of a name that are looked at."""


def read(text: Text) -> Credential | None:
    """A health-insurance card, or None."""
    found = identity.insurance(text.fields[0]) if text.fields else None
    if found is None or not text.fields[0].isalnum():
        return None
    name = _name(text.fields[1])
    lost = frozenset({Hint.DAMAGED_TEXT}) if name is None else frozenset[Hint]()
    return card.credential(KIND, text, found, name or "", lost)


def _name(digits: str) -> str | None:
    try:
        return bytes.fromhex(digits[:LONGEST_NAME]).decode(errors="replace")
    except ValueError:
        return None
