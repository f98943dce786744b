"""Links of any scheme: a station never opens what it reads, it only says that this is a link."""

from __future__ import annotations

import re

from core.codes.text import Text
from core.model import CodeKind, Credential, Reason

KIND = CodeKind.URL
_WITH_HOST = re.compile(r"[a-z][a-z0-9+.-]{1,31}://", re.IGNORECASE)
OTHERS = (
    "www.",
    "mailto:",
    "matmsg:",
    "tel:",
    "sms:",
    "smsto:",
    "mms:",
    "mmsto:",
    "geo:",
    "intent:",
    "market:",
    "javascript:",
    "data:",
    "bitcoin:",
    "ethereum:",
    "urlto:",
    "mebkm:",
    "otpauth:",
    "zalo:",
)
"""Openings of links that are written without ``://``."""


def read(text: Text) -> Credential | None:
    """A link, or None."""
    if _WITH_HOST.match(text.text) or text.text[:16].lower().startswith(OTHERS):
        return Credential(KIND, wrong=Reason.IS_LINK)
    return None
