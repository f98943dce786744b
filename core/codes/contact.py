"""Contact cards: vCard, MeCard and their kin."""

from __future__ import annotations

from core.codes.text import Text
from core.model import CodeKind, Credential, Reason

KIND = CodeKind.VCARD
PREFIXES = ("begin:vcard", "mecard:", "bizcard:", "cntxt:")


def read(text: Text) -> Credential | None:
    """A contact card, or None."""
    if text.text[:12].lower().startswith(PREFIXES):
        return Credential(KIND, wrong=Reason.IS_CONTACT)
    return None
