"""Wi-Fi access codes (``WIFI:T:WPA;S:name;P:secret;;``)."""

from __future__ import annotations

from core.codes.text import Text
from core.model import CodeKind, Credential, Reason

KIND = CodeKind.WIFI
PREFIX = "wifi:"


def read(text: Text) -> Credential | None:
    """A Wi-Fi code, or None."""
    if text.text[: len(PREFIX)].lower() == PREFIX:
        return Credential(KIND, wrong=Reason.IS_WIFI)
    return None
