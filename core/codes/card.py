"""What national QR, CCCD and BHYT keep of a card of fields: identity, masked name, hints, and nothing else."""

from __future__ import annotations

from core.codes import names
from core.codes.identity import Found
from core.codes.text import Text
from core.model import CodeKind, Credential, Hint, Reason, Subject


def credential(kind: CodeKind, text: Text, found: Found, name: str, hints: frozenset[Hint] = frozenset()) -> Credential:
    """A card's credential; without an identity it carries the reason and is never looked up."""
    lost = text.damaged or names.damaged(name)
    damaged = frozenset({Hint.DAMAGED_TEXT}) if lost else frozenset[Hint]()
    return Credential(
        kind,
        subject=found if isinstance(found, Subject) else None,
        name_masked=names.mask(names.mend(name)),
        hints=hints | damaged,
        remark=None if isinstance(found, Subject) else found or Reason.PLACEHOLDER_NUMBER,
    )
