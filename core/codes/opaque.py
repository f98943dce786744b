"""Everything that is no other code: a My QR, looked up as the token it is.  Nothing in it is interpreted."""

from __future__ import annotations

from core.codes import identity
from core.codes.text import Text
from core.model import CodeKind, Credential

KIND = CodeKind.OPAQUE


def read(text: Text) -> Credential | None:
    """The token, or None when there is nothing to read or when letters of it were lost on the way.

    Two tokens that lost different letters look the same, and a token must never be taken for another person's.
    """
    if "\ufffd" in text.text and not text.damaged:
        return None
    if not text.damaged and not any(letter.isprintable() and letter != " " for letter in text.text):
        return None
    return Credential(KIND, subject=identity.token(text.data))
