"""The chip ID card of 2021 (CCCD) and its successor of 2024, unsigned and copyable.

``12 digits|old number or empty|Name|ddmmyyyy|Nam/Nữ|address|ddmmyyyy issued``; the later card may add fields about
relatives, which are dropped unread.
"""

from __future__ import annotations

import re

from core.codes import birth, card, identity
from core.codes.text import Text
from core.model import CodeKind, Credential, Hint, Subject

KIND = CodeKind.CCCD
FIELDS = 7
_NUMBER = re.compile(r"[0-9]{12}")


def read(text: Text) -> Credential | None:
    """A chip ID card, or None."""
    if len(text.fields) < FIELDS or not _NUMBER.fullmatch(text.fields[0]):
        return None
    number, _, name, born, sex = text.fields[:5]
    found = identity.document(number)
    hints = birth.hints(found if isinstance(found, Subject) else None, born[-4:], _male(sex))
    extra = frozenset({Hint.EXTRA_FIELDS}) if any(text.fields[FIELDS:]) else frozenset[Hint]()
    return card.credential(KIND, text, found, name, hints | extra)


def _male(sex: str) -> bool | None:
    """``Nữ`` loses its letter on many scanners: whatever begins with N and is not ``Nam`` is a woman's card."""
    word = sex.casefold()
    return word == "nam" if word.startswith("n") else None
